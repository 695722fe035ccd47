"""What comes along is found in a checkout and in a wheel."""

from pathlib import Path

import pytest

from kws_app import resources
from kws_app.resources import asset


@pytest.mark.parametrize("name", ["models/default/manifest.json", "icons/kws.svg", "kws.desktop"])
def test_in_a_checkout(name: str) -> None:
    assert asset(name).is_file()


def test_what_a_wheel_carries_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, beside = tmp_path / "inside", tmp_path / "beside"
    monkeypatch.setattr(resources, "_FOLDERS", (inside, beside))
    assert asset("model") == beside / "model"
    for folder in (beside, inside):
        (folder / "model").mkdir(parents=True)
        assert asset("model") == folder / "model"
