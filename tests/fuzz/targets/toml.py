"""The settings file of the application, with its actions, and a recipe of the training."""

import os

from targets.common import written

from engine.errors import KwsError
from kws_app.settings import read_command, to_toml
from training.recipe import load_recipe

IS_TEXT = True


def run(data: bytes) -> None:
    path = written("kws.toml", data)
    try:
        command = read_command(["--headless", "--config", os.fspath(path)], {})
    except KwsError as err:
        str(err)
    else:
        # What is printed is read back as it was.
        written("kws.toml", to_toml(command.settings, command.actions).encode())
        again = read_command(["--headless", "--config", os.fspath(path)], {})
        assert again.settings == command.settings
        assert len(again.actions) == len(command.actions)
    path = written("recipe.toml", data)
    try:
        recipe = load_recipe(str(path))
        recipe.model.shape(4, recipe.features, None)
    except KwsError as err:
        str(err)
