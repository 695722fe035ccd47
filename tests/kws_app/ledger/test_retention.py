"""The oldest unlabelled entries go first, then the oldest labelled ones."""

from dataclasses import replace
from datetime import timedelta

from ledgers import NOON, entry

from kws_app.ledger.entries import Entry
from kws_app.ledger.retention import Limits, beyond_limits

NO_LIMIT = 1e9
NOW = NOON + timedelta(days=10)


def days(*labels: str | None, size: int = 100_000) -> list[Entry]:
    """One entry a day from noon on, called 0, 1, 2 ..."""
    return [
        replace(entry(24 * 60 * day, label=label, clip_bytes=size), id=str(day))
        for day, label in enumerate(labels)
    ]


def gone(entries: list[Entry], *, max_days: float = NO_LIMIT, megabytes: float = NO_LIMIT) -> str:
    limits = Limits(days=min(max_days, 36_500), megabytes=megabytes)
    return "".join(sorted(beyond_limits(entries, 0, limits, NOW)))


def test_within_the_limits_all_stay() -> None:
    assert gone(days(None, None, "right"), max_days=10, megabytes=0.3) == ""


def test_what_is_too_old_goes_whatever_its_label() -> None:
    assert gone(days(None, "right", None, "wrong"), max_days=8) == "01"


def test_the_oldest_unlabelled_go_first() -> None:
    # 0.5 MB, down to nine tenths of the limit: 0.27 MB.
    assert gone(days("right", None, "wrong", None, None), megabytes=0.3) == "134"


def test_labelled_ones_go_when_nothing_else_is_left() -> None:
    assert gone(days("right", None, "wrong", None, None), megabytes=0.2) == "0134"


def test_the_lines_count_as_well() -> None:
    limits = Limits(days=36_500, megabytes=0.3)
    assert beyond_limits(days(None, None), 200_000, limits, NOW) == {"0"}


def test_of_what_is_left_by_age_only_what_is_too_large_goes() -> None:
    assert gone(days(None, None, None, None), max_days=8, megabytes=0.2) == "01"


def test_an_empty_ledger() -> None:
    assert gone([], max_days=1, megabytes=0.001) == ""
