"""Plays, asks, saves at once; goes on without sound; ends quietly."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_sounddevice import FakeSounddevice, PortAudioError
from ledgers import clip, entry

from kws_app.ledger.entries import Entry
from kws_app.ledger.review import review
from kws_app.ledger.store import Ledger
from kws_app.streams import ask as real_ask

QUESTION = "r(ight), w(rong), another WORD, s(kip), p(lay again), q(uit)? "


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger")
    ledger.create(["no", "right", "yes"])
    for number in range(4):
        ledger.add(entry(number), clip(number))
    return ledger


def describe(item: Entry) -> str:
    return item.keyword


def answer(monkeypatch: pytest.MonkeyPatch, ledger: Ledger, typed: str) -> list[str | None]:
    """Labels after a person has typed this."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    review(ledger, describe)
    return [item.label for item in Ledger(ledger.folder).entries()]


@pytest.mark.usefixtures("portaudio")
def test_answers(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(monkeypatch, ledger, "r\n w \nno\ns\n") == ["right", "wrong", "no", None]
    out, err = capsys.readouterr()
    assert out == "".join(f"{number} of 4: yes\n{QUESTION}" for number in range(1, 5))
    assert err == "kws: 3 labelled, 1 left\n"


@pytest.mark.usefixtures("portaudio")
def test_the_keyword_right_and_the_verdict_right(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    assert answer(monkeypatch, ledger, "right\n=right\nwrong\n=s\n") == [
        *("right", "=right", "wrong", "s")
    ]


@pytest.mark.usefixtures("portaudio")
def test_a_slip_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(monkeypatch, ledger, "e\n\nr\nq\nr\n") == ["right", None, None, None]
    assert "kws: 'e' is no keyword of this ledger" in capsys.readouterr().err


@pytest.mark.usefixtures("portaudio")
def test_only_what_has_no_label_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    ledger.label([item.id for item in ledger.entries()[:2]], "no")
    assert answer(monkeypatch, ledger, "r\nr\n") == ["no", "no", "right", "right"]


@pytest.mark.usefixtures("portaudio")
def test_an_entry_that_went_meanwhile_is_said(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["purge", "r", "q"])

    def ask(_: str) -> str:
        text = next(typed)
        if text == "purge":
            Ledger(ledger.folder).purge(None)
            return ""
        return text

    monkeypatch.setattr("kws_app.ledger.review.ask", ask)
    review(ledger, describe)
    assert "no entry of" in capsys.readouterr().err


def test_clips_are_played_and_played_again(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, portaudio: FakeSounddevice
) -> None:
    answer(monkeypatch, ledger, "p\nr\nq\n")
    assert len(portaudio.played) == 3
    first, again, second = (samples for samples, _ in portaudio.played)
    np.testing.assert_array_equal(first, again)
    assert len(first) == 1_600
    assert not np.array_equal(first, second)
    assert {rate_hz for _, rate_hz in portaudio.played} == {16_000}


def test_without_an_output_device_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch,
    ledger: Ledger,
    portaudio: FakeSounddevice,
    capsys: pytest.CaptureFixture[str],
) -> None:
    portaudio.open_error = PortAudioError("no device")
    assert answer(monkeypatch, ledger, "r\np\nr\n") == ["right", "right", None, None]
    assert capsys.readouterr().err.splitlines() == [
        "kws: nothing can be played: no device; plug in a loudspeaker or headphones",
        "kws: 2 labelled, 2 left",
    ]


def test_a_clip_that_is_gone_is_said_and_the_next_is_played(
    monkeypatch: pytest.MonkeyPatch,
    ledger: Ledger,
    portaudio: FakeSounddevice,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ledger.clip_path(ledger.entries()[0]).write_text("no sound")
    ledger.clip_path(ledger.entries()[1]).unlink()
    answer(monkeypatch, ledger, "s\ns\ns\n")
    assert len(portaudio.played) == 2
    assert capsys.readouterr().err.count("kws: cannot read ") == 2


@pytest.mark.usefixtures("portaudio")
def test_each_answer_is_saved_at_once_and_an_interrupt_is_quiet(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []

    def ask(question: str) -> str | None:
        seen.append([item.label for item in Ledger(ledger.folder).entries()])
        if len(seen) == 3:
            raise KeyboardInterrupt
        return real_ask(question)

    monkeypatch.setattr("kws_app.ledger.review.ask", ask)
    assert answer(monkeypatch, ledger, "r\nw\n") == ["right", "wrong", None, None]
    assert seen[1] == ["right", None, None, None]
    assert capsys.readouterr().err == "kws: 2 labelled, 2 left\n"


def test_a_clip_that_claims_to_be_endless_is_played(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, portaudio: FakeSounddevice
) -> None:
    path = ledger.clip_path(ledger.entries()[0])
    data = bytearray(path.read_bytes())
    data[21] |= 0x0F  # of the number of samples (RFC 9639, section 8.2): it would take 256 GB
    data[22:26] = b"\xff" * 4
    path.write_bytes(data)
    answer(monkeypatch, ledger, "q\n")
    assert [len(samples) for samples, _ in portaudio.played] == [1_600]
