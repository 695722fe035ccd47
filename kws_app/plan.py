"""python -m kws_app plan: build, list, verify and remove the plans that TensorRT runs."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from engine.errors import BackendError, ConfigError
from engine.manifest import load_manifest
from engine.plans.build import MAX_BATCH, build, identity_of, plans_folder
from engine.plans.cache import Listed, PlanCache
from engine.plans.device import Gpu, find_gpu
from engine.plans.libraries import MODULES, Library, find_library
from engine.plans.onnx_file import read_onnx
from kws_app.arguments import Parser
from kws_app.build_progress import BuildProgress
from kws_app.settings import DEFAULT_MODEL
from kws_app.streams import emit, say

_MB = 1_000_000


def run(arguments: list[str]) -> None:
    """Run one command.

    Args:
        arguments: What follows `plan`.

    Raises:
        KwsError: Anything that went wrong, by kind.
        BrokenPipeError: Nobody reads stdout any more.
        SystemExit: --help (status 0).
    """
    options = _parser().parse_args(arguments)
    options.run(PlanCache(plans_folder()), options)


def _parser() -> Parser:
    parser = Parser(prog="python -m kws_app plan", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    make = commands.add_parser("build", help="build a model's plan, unless it is there")
    make.set_defaults(run=_build)
    make.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="model folder")
    make.add_argument("--backend", choices=tuple(MODULES), help="default: whichever is installed")
    make.add_argument(
        "--max-batch", type=int, default=MAX_BATCH, metavar="N", help=f"default: {MAX_BATCH}"
    )
    make.add_argument("--anew", action="store_true", help="also if it is there")
    listing = commands.add_parser("list", help="what is kept, used last first")
    listing.set_defaults(run=_list)
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    verify = commands.add_parser("verify", help="compare plans with what is known of them")
    verify.set_defaults(run=_verify)
    verify.add_argument("keys", nargs="*", metavar="KEY", help="default: all")
    remove = commands.add_parser("remove", help="remove plans")
    remove.set_defaults(run=_remove)
    remove.add_argument("keys", nargs="*", metavar="KEY", help="or the beginning of one")
    remove.add_argument("--all", action="store_true", help="all of them")
    return parser


def _build(cache: PlanCache, options: argparse.Namespace) -> None:
    if not 1 <= options.max_batch <= 1024:
        raise ConfigError(f"--max-batch is {options.max_batch}; it must be 1 to 1024")
    library = _library(options.backend)
    gpu = _gpu()
    manifest = load_manifest(options.model)
    precision = read_onnx(manifest).precision
    identity = identity_of(library, gpu, manifest, precision, options.max_batch)
    if options.anew:
        cache.remove(identity.key)
    progress = BuildProgress()
    started = time.monotonic()

    def go_on(share: float) -> bool:
        progress.show(library.name, share)
        return True

    stored = cache.read(identity)
    if stored is None:
        stored = build(cache, identity, manifest, go_on=go_on)
        say(f"built in {time.monotonic() - started:.1f} s")
    emit(_line(Listed(key=identity.key, sidecar=stored.sidecar, n_bytes=len(stored.plan))))


def _list(cache: PlanCache, options: argparse.Namespace) -> None:
    plans = cache.plans()
    if not plans and not options.json:
        say(f"{cache.folder} holds no plan")
    for plan in plans:
        if options.json:
            emit(json.dumps({"v": 1, "event": "plan", "key": plan.key, **(plan.sidecar or {})}))
        else:
            emit(_line(plan))


def _verify(cache: PlanCache, options: argparse.Namespace) -> None:
    bad = 0
    for key in _chosen(cache, options.keys) if options.keys else [p.key for p in cache.plans()]:
        problem = cache.verify(key)
        bad += bool(problem)
        emit(f"{key}  {problem or 'as it was built'}")
    if bad:
        raise BackendError(f"{bad} of the plans must not be used; plan remove KEY removes one")


def _remove(cache: PlanCache, options: argparse.Namespace) -> None:
    if bool(options.keys) == options.all:
        raise ConfigError("plan remove takes keys, as plan list shows them, or --all")
    keys = [plan.key for plan in cache.plans()] if options.all else _chosen(cache, options.keys)
    for key in keys:
        cache.remove(key)
        emit(f"removed: {key}")


def _chosen(cache: PlanCache, texts: list[str]) -> list[str]:
    keys = [plan.key for plan in cache.plans()]
    found = []
    for text in texts:
        fitting = [key for key in keys if key.startswith(text)]
        if len(fitting) != 1:
            how = "no plan is" if not fitting else f"{len(fitting)} plans are"
            raise ConfigError(f"{how} called {text!r}; plan list shows them")
        found += fitting
    return found


def _library(name: str | None) -> Library:
    if name is not None:
        return find_library(name)
    reasons = []
    for candidate in MODULES:
        try:
            return find_library(candidate)
        except BackendError as err:
            reasons.append(str(err))
    raise BackendError("; ".join(reasons))


def _gpu() -> Gpu | None:
    try:
        return find_gpu()
    except BackendError as err:
        say(f"{err}; the plan is built for trying only: a GPU builds its own")
        return None


def _line(plan: Listed) -> str:
    said = plan.sidecar
    if said is None:
        return f"{plan.key}  unreadable; plan remove {plan.key[:8]} removes it"
    return (
        f"{plan.key}  {said['backend']} {said['version']}  {said['precision']}, batches to "
        f"{said['max_batch']}  {plan.n_bytes / _MB:.1f} MB  {said['gpu']}  {said.get('model', '')}"
    )
