"""Label tables as AST publishes them: `index,mid,display_name`."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigError

SPEECH_COMMANDS_CSV = Path(__file__).parent.parent / "labels" / "speech_commands.csv"
_COLUMNS = ("index", "mid", "display_name")


@dataclass(frozen=True, kw_only=True)
class LabelTable:
    """The labels of a data set.

    Attributes:
        names: Display names in the order of the logits.
        mids: Their identifiers in data lists, in the same order.
    """

    names: tuple[str, ...]
    mids: tuple[str, ...]


def read_label_csv(path: Path) -> LabelTable:
    """Read a label table.

    Raises:
        ConfigError: It cannot be read, or its rows are not 0, 1, 2, ... with different names.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            columns = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise ConfigError(f"cannot read label table {path}: {reason}") from err
    if not rows or any(name not in columns for name in _COLUMNS):
        raise ConfigError(
            f"label table {path} has columns {', '.join(columns) or 'none'} and {len(rows)} rows; "
            f"it needs {', '.join(_COLUMNS)} and a row for each label"
        )
    for line, row in enumerate(rows):
        if row["index"] != str(line) or not row["mid"] or not row["display_name"]:
            raise ConfigError(
                f"label table {path} has {row['index']!r}, {row['mid']!r}, {row['display_name']!r} "
                f"in row {line}; it must have index {line}, an identifier and a name"
            )
    table = LabelTable(
        names=tuple(row["display_name"] for row in rows), mids=tuple(row["mid"] for row in rows)
    )
    for values in (table.names, table.mids):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            raise ConfigError(f"label table {path} has {twice[0]!r} twice; labels must differ")
    return table
