"""Audio in, detections out. Needs numpy at import; no torch, no Qt, no device."""
