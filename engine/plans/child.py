"""The process that builds a plan: a request on standard input, progress as JSON lines.

Its input stays open while the plan is wanted: when it ends, so does the process, at once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from engine.errors import KwsError
from engine.manifest import load_manifest
from engine.plans.cache import SCHEMA, Identity, PlanCache
from engine.plans.compile import compile_plan
from engine.plans.libraries import find_library
from engine.plans.onnx_file import read_onnx

_STEP = 0.01


def main() -> int:
    """Build what the first line of standard input asks for."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    said = request["identity"]
    assert said.pop("schema") == SCHEMA  # noqa: S101  the parent is this program
    try:
        _build(Path(request["cache"]), Path(request["model"]), Identity(**said))
    except KwsError as err:
        _say({"error": str(err)})
        return 1
    return 0


def _build(cache_folder: Path, model: Path, identity: Identity) -> None:
    started = time.monotonic()
    library = find_library(identity.backend)
    onnx_file = read_onnx(load_manifest(model))
    last = 0.0

    def report(share: float) -> bool:
        nonlocal last
        if share - last >= _STEP:
            last = share
            _say({"share": round(share, 3)})
        return True

    compiled = compile_plan(library, onnx_file.content, max_batch=identity.max_batch, go_on=report)
    about = {
        "build_s": round(time.monotonic() - started, 2),
        "built_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "fused_attentions": compiled.fused_attentions,
        "model": str(model),
    }
    PlanCache(cache_folder).write(identity, compiled.plan, about)


def _say(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201  the parent reads it


def _end_with_the_parent() -> None:
    # The descriptor itself: a buffered reader that is waited in can't be left at the end.
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
