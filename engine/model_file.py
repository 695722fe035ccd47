"""The ONNX files of a model folder: what was hashed and looked at is what is loaded."""

from __future__ import annotations

import hashlib

from engine.errors import ModelError
from engine.files import read_plain_file
from engine.manifest import MAX_MODEL_BYTES, MODEL_FILE, ModelManifest
from engine.onnx_wire import require_plain_onnx


def read_model_file(manifest: ModelManifest, name: str = MODEL_FILE) -> bytes:
    """Read a file of a model folder anew, for native code to parse.

    The bytes are returned, not a path: nobody can replace the file in between, and ONNX Runtime
    has no folder to look for further data in.

    Args:
        manifest: Names the file and its SHA-256.
        name: Of the file.

    Raises:
        ModelError: The file is a link, too large, altered, or more than a plain model.
    """
    path = manifest.folder / name
    try:
        content = read_plain_file(path, MAX_MODEL_BYTES)
    except OSError as err:
        raise ModelError(f"{path} cannot be read: {err.strerror}") from err
    if hashlib.sha256(content).hexdigest() != manifest.files[name]:
        raise ModelError(f"{path} was altered: its SHA-256 is not the one in the manifest")
    require_plain_onnx(content, str(path))
    return content
