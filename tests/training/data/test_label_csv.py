"""Label tables are read as AST publishes them."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from training.data.label_csv import SPEECH_COMMANDS_CSV, read_label_csv


def test_speech_commands_has_the_published_order() -> None:
    table = read_label_csv(SPEECH_COMMANDS_CSV)
    assert len(table.names) == 35
    assert table.names[:4] == ("backward", "follow", "five", "bed")
    assert table.names[30:] == ("sheila", "happy", "bird", "go", "one")
    assert table.mids[7] == "/m/spcmd07"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has columns none and 0 rows"),
        ("index,mid,display_name\n", "and 0 rows; it needs index, mid, display_name"),
        ("index,name\n0,a\n", "has columns index, name"),
        ("index,mid,display_name\n1,a,b\n", "must have index 0, an identifier and a name"),
        ("index,mid,display_name\n0,a\n", "must have index 0"),
        ("index,mid,display_name\n0,a,b\n1,a,c\n", "has 'a' twice"),
        ("index,mid,display_name\n0,a,b\n1,c,b\n", "has 'b' twice"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_label_csv(tmp_path / "labels.csv")


def test_a_byte_order_mark_is_no_part_of_a_column(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("index,mid,display_name\n0,a,b\n", encoding="utf-8-sig")
    assert read_label_csv(tmp_path / "labels.csv").names == ("b",)


def test_unreadable_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read label table .*gone.csv: No such file"):
        read_label_csv(tmp_path / "gone.csv")
    (tmp_path / "latin.csv").write_bytes(b"index,mid,display_name\n0,a,caf\xe9\n")
    with pytest.raises(ConfigError, match="cannot read label table"):
        read_label_csv(tmp_path / "latin.csv")


def test_very_many_labels_are_soon_compared(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    rows = (f"{i},/m/{i},word {i}\n" for i in range(100_000))
    path.write_text("index,mid,display_name\n" + "".join(rows))
    assert len(read_label_csv(path).names) == 100_000  # pair by pair it took minutes
