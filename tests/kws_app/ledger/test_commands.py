"""What a person types about a ledger."""

import json
from pathlib import Path

import pytest
from ledgers import NOON, clip, entry

from engine.errors import ConfigError
from kws_app.ledger.commands import describe, run
from kws_app.ledger.entries import to_record
from kws_app.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger")
    ledger.create(["no", "yes"])
    ledger.add(entry(), clip(0))
    ledger.add(entry(1, keyword="no", kind="near miss", reason="not re-armed"), clip(1))
    ledger.add(entry(2, keyword="no"), clip(2))
    return ledger


def ids(ledger: Ledger) -> list[str]:
    return [item.id for item in ledger.entries()]


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    run([str(argument) for argument in arguments])
    return capsys.readouterr().out.splitlines()


def test_an_entry_in_one_line(ledger: Ledger) -> None:
    first, second, _ = ledger.entries()
    assert describe(first) == (
        f"{first.id} 2026-05-04 12:00:00Z      2.50 s  yes          detection  0.90 of 0.80"
    )
    ledger.label([second.id], "wrong")
    assert describe(ledger.entries()[1]) == (
        f"{second.id} 2026-05-04 12:01:00Z      2.50 s  no           near miss  0.90 of 0.80  "
        "not re-armed             wrong"
    )


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ([], [0, 1, 2]),
        (["--unlabelled"], [1, 2]),
        (["--keyword", "no"], [1, 2]),
        (["--kind", "detection"], [0, 2]),
        (["--kind", "near miss"], [1]),
        (["--keyword", "no", "--kind", "detection"], [2]),
        (["--keyword", "lamp"], []),
    ],
)
def test_lists(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], options: list[str], chosen: list[int]
) -> None:
    ledger.label(ids(ledger)[:1], "right")
    entries = [ledger.entries()[number] for number in chosen]
    assert printed(capsys, "list", ledger.folder, *options) == [describe(item) for item in entries]
    as_json = printed(capsys, "list", ledger.folder, "--json", *options)
    assert [json.loads(line) for line in as_json] == [
        {"v": 1, "event": "entry", **to_record(item)} for item in entries
    ]


def test_labels(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    one, two, three = ids(ledger)
    lines = printed(capsys, "label", ledger.folder, one, two, "no")
    assert [line.split()[0] for line in lines] == [one, two]
    assert all(line.endswith(" no") for line in lines)
    printed(capsys, "label", ledger.folder, three[:4], "=lamp")
    assert [item.label for item in ledger.entries()] == ["no", "no", "lamp"]


def test_exports(ledger: Ledger, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ledger.label(ids(ledger)[:2], "right")
    (ledger.folder / f"{ids(ledger)[1]}.flac").unlink()
    out = tmp_path / 'my "words"'
    run(["export", str(ledger.folder), str(out)])
    printed_out, err = capsys.readouterr()
    assert printed_out == f'corrections = "{tmp_path}/my \\"words\\""\n'
    gone, told, line = err.splitlines()
    assert gone.endswith("is gone")
    assert told == (
        "kws: 1 new, 0 moved to another label, 0 were there, 1 unlabelled ones left out"
    )
    assert line == "kws: the line for a recipe, under [data]:"
    assert len(list(out.glob("yes/*.flac"))) == 1


def test_purges(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert printed(capsys, "purge", ledger.folder, "--older-than", "36500") == [
        "removed 0 entries, 3 are left"
    ]
    assert printed(capsys, "purge", ledger.folder, "--all") == ["removed 3 entries, 0 are left"]
    ledger.add(entry(), clip(0))
    monkeypatch.setenv("KWS_LEDGER_DAYS", "36500")  # the limits of the settings
    assert printed(capsys, "purge", ledger.folder) == ["removed 0 entries, 1 are left"]
    monkeypatch.setenv("KWS_LEDGER_MB", "0.0001")
    assert printed(capsys, "purge", ledger.folder) == ["removed 1 entries, 0 are left"]


def test_older_than_counts_from_now(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    recent = ledger._now()
    ledger.add(entry((recent - NOON).total_seconds() / 60), clip(5))
    assert printed(capsys, "purge", ledger.folder, "--older-than", "0.5")[0].endswith("1 are left")


def test_damage_is_said(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    with (ledger.folder / "ledger.jsonl").open("ab") as file:
        file.write(b'rubbish\n{"id": "')
    run(["list", str(ledger.folder)])
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert err == (
        f"kws: {ledger.folder / 'ledger.jsonl'}: left out 1 damaged line and "
        "a half-written last line\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND; --help lists the flags"),
        (["lsit", "DIR"], "invalid choice: 'lsit'"),
        (["list"], "required: DIR"),
        (["list", "DIR", "--kind", "guess"], "invalid choice: 'guess'"),
        (["list", "DIR", "--unlabeled"], "unrecognized arguments: --unlabeled"),
        (["label", "DIR", "right"], "required: LABEL"),
        (["purge", "DIR", "--all", "--older-than", "3"], "not allowed with argument --all"),
        (["purge", "DIR", "--older-than", "soon"], "invalid float value: 'soon'"),
        (["purge", "DIR", "--older-than", "nan"], "--older-than is nan; it must be 0 to 36500"),
        (["purge", "DIR", "--older-than", "-1"], "--older-than is -1.0; it must be 0"),
        (["label", "DIR", "zzz", "right"], "no entry of .* is called 'zzz'; ledger list shows"),
        (["list", "DIR/x"], r"is no ledger; it has no ledger\.jsonl"),
    ],
)
def test_wrong_arguments(ledger: Ledger, arguments: list[str], message: str) -> None:
    given = [text.replace("DIR", str(ledger.folder)) for text in arguments]
    with pytest.raises(ConfigError, match=message):
        run(given)
