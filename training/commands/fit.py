"""Train a model by a recipe, or go on after an interruption."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("recipe", help="a TOML file, or a name: see docs/training.md")
    # A flag --run would be taken for one of torchrun's.
    parser.add_argument("folder", type=Path, metavar="run", help="folder of this run")
    parser.add_argument("--data", help="folder of recordings, in place of the recipe's")
    parser.add_argument(
        "--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change a setting"
    )


def run(options: argparse.Namespace) -> None:
    """Train."""
    from training.checkpoint import locked
    from training.distributed import join_world
    from training.recipe import load_recipe
    from training.run import make_run
    from training.streams import say

    recipe = load_recipe(options.recipe, options.set, data_folder=options.data)
    with (
        join_world() as world,
        locked(options.folder) if world.leads else nullcontext(),
    ):
        prepared = make_run(recipe, options.folder, world)
        if world.leads:
            say("\n".join(prepared.describe()))
        prepared.start()
        if world.leads:
            say(f"trained; next: python -m training export {options.folder} --model FOLDER")
