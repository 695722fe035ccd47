"""Whatever is wrong with a file is one error, soon and without taking the memory."""

import time
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.toml_text import MAX_BYTES, MAX_PARTS, parse_toml, read_toml_text

FILE = Path("kws.toml")
_MANY = 100_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * _MANY, "brackets are nested too deeply"),
        ("x = " + "{a = " * _MANY, "brackets are nested too deeply"),
        ("smoothing = " + "9" * 5_000, "is not valid TOML: .*5000 digits"),
        ("x = 1\n" + ".".join("a" * _MANY) + " = 1", "the name in line 2 has more than 20 parts"),
        ("[" + ".".join("a" * _MANY) + "]", "the name in line 1 has more than 20 parts"),
        ("x = {" + " . ".join(['"\\""'] * _MANY) + " = 1}", "the name in line 1 has more"),
        ("'a'." * (MAX_PARTS + 1) + "b = 1", "the name in line 1 has more"),
        ("smoothing = ", "is not valid TOML"),
        ("smoothing = 0x" + "f" * 5_000, "a whole number has more than 64 bits"),
        ("x = [{a = 9223372036854775808}]", "a whole number has more than 64 bits"),
    ],
)
def test_what_no_parser_should_be_given(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"kws.toml .*{message}"):
        parse_toml(text, FILE)


def test_looking_for_long_names_takes_no_time() -> None:
    began_s = time.monotonic()
    for text in ('"\\' * 400_000, "a" * 900_000, '"' * 900_000, "a.a " * 200_000):
        with pytest.raises(ConfigError, match="is not valid TOML"):
            parse_toml(text, FILE)
    assert time.monotonic() - began_s < 30  # by trying each place to the end: hours


def test_long_lines_are_no_long_names() -> None:
    line = ", ".join(f"w{i} = 0.95" for i in range(500))
    assert len(parse_toml(f"threshold = {{{line}}}", FILE)["threshold"]) == 500
    assert parse_toml('x = "one.two. three.' + "four five. " * 50 + '"', FILE)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(read_toml_text(path)) == MAX_BYTES
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="is larger than 1000000 bytes; it holds no settings"):
        read_toml_text(path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_bytes("ä = 1".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not valid TOML"):
        read_toml_text(path)
