"""Foreign text where Qt would take it for markup. No Qt."""

from __future__ import annotations

import html


def plain_tip(text: str) -> str:
    """Text for a tooltip: names of files, devices, labels and errors are shown as they are."""
    return f"<qt>{html.escape(text, quote=False)}</qt>" if "<" in text else text
