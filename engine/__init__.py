"""Audio in, detections out. Needs numpy at import; no torch, no Qt, no device."""

import os

# ONNX Runtime 1.29 and later send Microsoft events about models, sessions and the machine, and keep
# an identifier in ~/.cache, from the moment they are imported. disable_telemetry_events() comes too
# late for that. Here, since it must be there before anybody imports it:
# https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
