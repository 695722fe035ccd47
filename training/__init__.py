"""Trains, measures and exports models. Offline; needs torch (the `train` extra)."""

import engine  # noqa: F401  before ONNX Runtime: it switches its telemetry off
