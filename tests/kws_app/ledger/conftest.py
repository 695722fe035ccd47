"""Fixtures for the tests of ledgers."""

from pathlib import Path

import pytest


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"
