"""Kills a process while it writes, again and again, and looks at what is left each time.

Run as `python killed_writers.py KIND FOLDER SEED`: a child writes without end, is killed at a
random moment, and what it leaves must be whole or absent, and written over by the next one. A
function for each kind of file gives the write and the look.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

KILLS = 15
LATEST_S = 0.05  # some writes take a millisecond, with a sync some ten
# What is called with a rising number to write, and what looks at the leftovers.
Writer: TypeAlias = tuple[Callable[[int], object], Callable[[], object]]


def ledger(folder: Path) -> Writer:
    from ledgers import clip, entry

    from kws_app.ledger.retention import Limits
    from kws_app.ledger.store import Ledger

    limits = Limits(days=10_000, megabytes=0.06)

    def write(number: int) -> None:
        kept = Ledger(folder / "heard", limits)
        kept.create(["yes"])
        kept.add(entry(number), clip(number))
        kept.label([kept.entries()[0].id], "right")

    def look() -> None:
        kept = Ledger(folder / "heard", limits)
        kept.create(["yes"])
        for found in kept.entries():
            assert kept.clip_path(found).stat().st_size == found.clip_bytes
        assert kept.damage is None or kept.damage.endswith("left out a half-written last line")
        write(0)
        kept.purge(None)  # also what a kill left and no line names
        assert not list((folder / "heard").glob("*.flac*"))

    return write, look


def record(folder: Path) -> Writer:
    import soundfile

    from kws_app.recording import Recording

    path = folder / "heard.flac"

    def write(number: int) -> None:
        with Recording(path, 16_000) as recording:
            for _ in range(10):
                recording.add(np.full(16_000, 0.5, np.float32), 0)

    def look() -> None:
        if path.exists():
            samples, _ = soundfile.read(path)
            assert len(samples) == 160_000

    return write, look


def posteriors(folder: Path) -> Writer:
    from kws_app.posteriors import PosteriorsFile

    path = folder / "p.npz"
    scored: Any = SimpleNamespace(
        posteriors=SimpleNamespace(end_sample=16_000, probs=np.ones(4, np.float32))
    )

    def write(number: int) -> None:
        with PosteriorsFile(path, "abcd", 16_000) as file:
            for _ in range(200):
                file.add(scored)

    def look() -> None:
        if path.exists():
            with np.load(path, allow_pickle=False) as found:
                assert found["posteriors"].shape == (200, 4)

    return write, look


def health(folder: Path) -> Writer:
    from kws_app.health import Health

    path = folder / "health.json"
    clock = iter(range(10**9))
    health = Health(path, {}, clock=lambda: float(next(clock)))
    window: Any = SimpleNamespace(skipped_windows=0)

    def look() -> None:
        if path.exists():
            assert json.loads(path.read_text())["windows"] > 0

    return lambda number: health.see(window), look


def settings(folder: Path) -> Writer:
    from kws_app.gui.toml_file import read_toml, save_toml

    path = folder / "settings.toml"

    def write(number: int) -> None:
        save_toml(path, {("smoothing",): number % 90 + 1, ("model",): "x" * 5_000}, lambda _: None)

    def look() -> None:
        found = read_toml(path)
        assert not path.exists() or set(found) == {"smoothing", "model"}

    return write, look


def plan(folder: Path) -> Writer:
    from plans import identity

    from engine.plans.cache import PlanCache

    cache, one = PlanCache(folder / "plans"), identity()

    def write(number: int) -> None:
        cache.write(one, bytes([number % 256]) * 200_000, {"build_s": 1.0})
        cache.write_kernels(one, bytes([number % 256]) * 1_000)

    def look() -> None:
        stored = cache.read(one)
        if stored is not None:
            assert len(stored.plan) == 200_000
            assert len(set(stored.plan)) == 1
            assert stored.kernels in (b"", stored.plan[:1_000])
        for listed in cache.plans():
            assert cache.verify(listed.key) in ("", "it was never finished")

    return write, look


def checkpoint(folder: Path) -> Writer:
    import torch

    from training.checkpoint import load_checkpoint, save_checkpoint

    path = folder / "run" / "last.pt"

    def write(number: int) -> None:
        save_checkpoint(path, {"step": number, "weights": torch.full((100_000,), float(number))})

    def look() -> None:
        if path.exists():
            state = load_checkpoint(path)
            assert (state["weights"] == state["step"]).all()

    return write, look


def manifest(folder: Path) -> Writer:
    from tiny_model import make_model_folder

    from engine.manifest import load_manifest
    from training.manifest_file import write_manifest

    made = make_model_folder(folder / "model")
    found = load_manifest(made)

    def write(number: int) -> None:
        write_manifest(replace(found, provenance={"calibrated": "x" * 20_000, "number": number}))

    def look() -> None:
        load_manifest(made)

    return write, look


def export(folder: Path, *, to_new: bool = False) -> Writer:
    from tiny_model import FBANK, write_onnx

    from engine.errors import ModelError
    from engine.manifest import load_manifest
    from training.ast import AstConfig, AudioSpectrogramTransformer
    from training.model_folder import ModelCard, write_checked

    shape = AstConfig(n_labels=4, dim=24, depth=1, heads=2)
    model = AudioSpectrogramTransformer(shape)
    labels = ("_silence_", "_unknown_", "low", "high")

    def write(number: int) -> None:
        card = ModelCard(name=f"n{number}", labels=labels, activation="softmax", fbank=FBANK)
        bias = np.full(4, number, np.float32)
        target = folder / (f"m{number}" if to_new else "m")
        write_checked(target, model, card, lambda path: write_onnx(path, bias=bias), lambda _: {})

    def look() -> None:
        for made in folder.glob("m*"):
            try:
                load_manifest(made)
            except ModelError as err:
                # Between two files that belong together; only a folder that is replaced has that.
                if to_new or "was altered or cut short" not in str(err):
                    raise

    return write, look


def new_export(folder: Path) -> Writer:
    return export(folder, to_new=True)


KINDS: dict[str, Callable[[Path], Writer]] = {
    made.__name__: made
    for made in (
        *(ledger, record, posteriors, health, settings, plan),
        *(checkpoint, manifest, export, new_export),
    )
}


def kill_while_it_writes(write: Callable[[int], object], moment_s: float, first: int) -> None:
    """Let a child write from a number on, and kill it so long after its first write began."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, b"x")
            for number in range(first, first + 100_000):
                write(number)
        except BaseException:  # noqa: BLE001  a child of fork must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(1)  # a write failed; nobody ends it before its time
    os.read(reader, 1)
    time.sleep(moment_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert os.WIFSIGNALED(status), "the child ended by itself"


def main() -> None:
    kind, folder, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    write, look = KINDS[kind](folder)
    rng = random.Random(seed)
    for kill in range(KILLS):
        kill_while_it_writes(write, rng.uniform(0, LATEST_S), 1_000 * kill)
        look()
    write(10**6)
    look()


if __name__ == "__main__":
    main()
