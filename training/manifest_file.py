"""Changes what a model folder says of itself."""

from __future__ import annotations

import os

from engine.files import create_plain_file
from engine.manifest import MANIFEST_FILE, ModelManifest, manifest_to_json


def write_manifest(manifest: ModelManifest) -> None:
    """Replace the manifest of the folder that it was read from; the old one stays until then."""
    path = manifest.folder / MANIFEST_FILE
    aside = path.with_suffix(".partial")
    try:
        with create_plain_file(aside) as file:
            file.write(manifest_to_json(manifest).encode())
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
