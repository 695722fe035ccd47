"""Train a model by a recipe, or go on after an interruption."""

from __future__ import annotations

import argparse
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
    from training.distributed import join_world
    from training.recipe import load_recipe
    from training.run import make_run

    changes = list(options.set)
    if options.data:
        changes.append(f"data.folder={options.data}")
    recipe = load_recipe(options.recipe, changes)
    with join_world() as world:
        prepared = make_run(recipe, options.folder, world)
        if world.leads:
            print("\n".join(prepared.describe()), flush=True)
        prepared.start()
