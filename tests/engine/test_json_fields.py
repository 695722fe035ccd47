"""Fields are taken one by one, and what is wrong with one is one short line."""

import json

import pytest

from engine.errors import ModelError
from engine.json_fields import Fields, one_object, shown


def test_a_number_too_large_for_a_float_is_infinite() -> None:
    assert Fields({"x": 10**400}, "it").take("x", float) == float("inf")
    assert Fields({"x": 2}, "it").take("x", float) == 2.0


@pytest.mark.parametrize("name", ["n", "x" * 5_000])
def test_messages_stay_short(name: str) -> None:
    fields = Fields({name: ["y" * 5_000]}, "it")
    with pytest.raises(ModelError) as told:
        fields.finish()
    assert len(str(told.value)) < 200
    with pytest.raises(ModelError) as told:
        fields.take(name, int)
    assert len(str(told.value)) < 300
    assert len(shown("z" * 5_000)) < 100


def test_equal_names_are_no_object() -> None:
    text = '{"a": {"b": 1}, "c": 2}'
    assert json.loads(text, object_pairs_hook=one_object) == {"a": {"b": 1}, "c": 2}
    with pytest.raises(ValueError, match="'b' stands in it twice"):
        json.loads('{"a": {"b": 1, "c": 0, "b": 2}}', object_pairs_hook=one_object)
    many = ", ".join(f'"n{i}": 1' for i in range(50_000))
    with pytest.raises(ValueError, match="'n7' stands in it twice"):
        json.loads(f'{{{many}, "n7": 2}}', object_pairs_hook=one_object)
