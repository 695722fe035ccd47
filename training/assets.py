"""Where the model that ships lies: in the project's folder, or in the installed application."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).parent.parent
_INSTALLED = _ROOT / "kws_app"  # a wheel carries the assets inside the application
_ASSETS = (_INSTALLED if (_INSTALLED / "assets").is_dir() else _ROOT) / "assets"
DEFAULT_MODEL = _ASSETS / "models" / "default"
