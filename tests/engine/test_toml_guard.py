"""TOML that would take all memory is refused before it is parsed."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.toml_guard import MAX_PARTS, require_short_keys
from training.card.foreign_check import read_claims
from training.card.owner import read_owner
from training.recipe import load_recipe

LONG = "x = 1\n" + ".".join("a" * (MAX_PARTS + 1)) + " = 1\n"


def test_a_name_of_many_parts_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match=f"the name in line 2 has more than {MAX_PARTS} parts"):
        require_short_keys(LONG)
    require_short_keys(".".join("a" * MAX_PARTS) + " = 1")
    require_short_keys("x = 1.5\n# a.b.c\n" * 100)


@pytest.mark.parametrize("read", [load_recipe, read_owner, read_claims])
def test_every_reader_of_the_training_looks_first(read: object, tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text(LONG)
    with pytest.raises(ConfigError, match=r"is not? .*TOML: the name in line 2 has more than"):
        read(str(path) if read is load_recipe else path)
