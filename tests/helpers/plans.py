"""Plans that need neither a library nor a GPU."""

from pathlib import Path

from engine.plans.cache import Identity, PlanCache

PLAN = bytes(range(256)) * 40


def identity(**values: object) -> Identity:
    """An identity with some values of its own."""
    return Identity(
        **{  # type: ignore[arg-type]
            "backend": "tensorrt_rtx",
            "version": "1.7.1.116",
            "gpu": "any",
            "capability": "any",
            "driver": "any",
            "onnx_sha256": "ab" * 32,
            "precision": "fp32",
            "max_batch": 8,
            "flags": "none",
            "fbank_fingerprint": "cd" * 32,
            **values,
        }
    )


def filled(folder: Path, **values: object) -> tuple[PlanCache, Identity]:
    """A cache with one plan."""
    cache, one = PlanCache(folder), identity(**values)
    cache.write(one, PLAN, {"build_s": 1.0})
    return cache, one
