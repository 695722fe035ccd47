"""Changes what a model folder says of itself."""

from __future__ import annotations

import os

from engine.manifest import MANIFEST_FILE, ModelManifest, manifest_to_json


def write_manifest(manifest: ModelManifest) -> None:
    """Replace the manifest of the folder that it was read from; the old one stays until then."""
    path = manifest.folder / MANIFEST_FILE
    aside = path.with_suffix(".partial")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(manifest_to_json(manifest))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
