"""Settings, recordings and the ledger: what is written is read back, and limits hold."""

import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.config import DecisionConfig
from engine.errors import ConfigError
from engine.manifest import ModelManifest
from kws_app.ledger.entries import (
    ID_CHARACTERS,
    KINDS,
    Entry,
    encode_id,
    from_record,
    id_number,
    is_folder_name,
    is_id,
    parse_label,
    to_record,
)
from kws_app.ledger.log import NAME, EntryLog
from kws_app.ledger.retention import Limits, beyond_limits
from kws_app.pcm import to_pcm
from kws_app.recording import Recording
from kws_app.settings import MAX_DAYS, Settings, decision_for, read_command, to_toml
from kws_app.values import convert

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
WORDS = TEXTS.map(str.strip).filter(lambda text: text and "," not in text)
PATHS = TEXTS.filter(bool).map(Path)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    PLAIN | st.sampled_from([10**400, datetime(2026, 1, 1, tzinfo=UTC), "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
KINDS_OF_SETTINGS = {
    "bool": bool,
    "int | None": int,
    "float | None": float,
    "float": float,
    "tuple[str, ...] | None": tuple,
    "Mapping[str, float]": dict,
    "Path | None": Path,
    "str | None": str,
}


@settings(max_examples=300)
@given(st.sampled_from(sorted(KINDS_OF_SETTINGS)), VALUES)
@example("float", 10**400)
@example("Mapping[str, float]", {"yes": 10**400})
def test_a_value_is_of_its_kind_or_refused(kind: str, value: Any) -> None:
    try:
        found = convert("x", kind, value)
    except ConfigError as err:
        assert str(err)  # noqa: PT017
        return
    assert isinstance(found, KINDS_OF_SETTINGS[kind])


POSITIVE = st.floats(1e-3, 1e6)
SETTINGS = st.builds(
    Settings,
    device=st.none() | TEXTS.filter(str.strip),
    rate=st.none() | st.integers(1, 10**6),
    channels=st.none() | st.integers(1, 99),
    duration=st.none() | POSITIVE,
    model=PATHS,
    backend=st.sampled_from(["auto", "cpu", "cuda"]),
    keywords=st.none() | st.lists(WORDS, max_size=3).map(tuple),
    threshold=st.dictionaries(TEXTS, st.floats(1e-9, 1), max_size=3),
    smoothing=st.none() | st.integers(-5, 200),
    refractory=st.none() | st.floats(0, 3_600),
    max_detections=st.none() | st.integers(1, 2**63 - 1),
    json=st.booleans(),
    posteriors=st.none() | PATHS,
    record=st.none() | PATHS,
    ledger=st.none() | PATHS,
    near_miss=st.floats(1e-9, 1),
    ledger_days=st.floats(1e-9, MAX_DAYS),
    ledger_mb=POSITIVE,
    actions=st.sampled_from(["off", "dry-run", "on"]),
    health=st.none() | PATHS,
    verbose=st.integers(0, 9),
    quiet=st.booleans(),
)


@given(SETTINGS)
@example(Settings(device="\x7f"))
@example(Settings(model=Path('"\\\u2028\t')))
def test_printed_settings_are_read_back(wanted: Settings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kws.toml"
        file.write_text(to_toml(wanted), encoding="utf-8", newline="")
        command = read_command(["--headless", "--config", os.fspath(file)], {})
    assert command.settings == wanted


ARGUMENTS = st.sampled_from(["--json", "--rate", "3", "-v", "--threshold", "a=1", "x"])


@given(st.lists(ARGUMENTS | TEXTS))
def test_any_command_line_is_read_or_refused(arguments: list[str]) -> None:
    if {"-h", "--help", "--version"} & set(arguments):
        return
    try:
        read_command(arguments, {})
    except ConfigError as err:
        assert str(err)  # noqa: PT017


@given(SETTINGS, st.lists(st.sampled_from(["low", "high", "lwo"]), max_size=3).map(tuple))
def test_a_decision_is_what_was_asked_for(
    tiny: ModelManifest, asked: Settings, words: tuple[str, ...]
) -> None:
    thresholds = dict.fromkeys(words, 0.25)
    plain = {"smoothing": asked.smoothing, "refractory": asked.refractory}
    wishes = Settings(keywords=words or None, threshold=thresholds, **plain)
    known = set(words) <= set(tiny.keywords)
    if not known or not (asked.smoothing is None or 1 <= asked.smoothing <= 100):
        with pytest.raises(ConfigError):
            decision_for(wishes, tiny)
        return
    decision = decision_for(wishes, tiny)
    assert isinstance(decision, DecisionConfig)
    assert set(decision.operating_points) == set(words or tiny.keywords)
    assert decision.smoothing_windows == (asked.smoothing or tiny.decision.smoothing_windows)
    for word, point in decision.operating_points.items():
        assert point.threshold == (0.25 if word in words else 0.6)


@given(arrays(np.int16, st.integers(0, 500)))
def test_pcm_comes_out_as_it_went_in(pcm: np.ndarray) -> None:
    np.testing.assert_array_equal(to_pcm(pcm.astype(np.float32) / np.float32(32_768)), pcm)


@given(arrays(np.float32, st.integers(0, 50), elements=st.floats(-1e8, 1e8, width=32)))
def test_louder_samples_are_clipped(samples: np.ndarray) -> None:
    exact = np.clip(samples.astype(np.float64), -1, 32_767 / 32_768) * 32_768
    assert np.abs(to_pcm(samples) - exact).max(initial=0) <= 0.5


PIECES = st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 20_000)), min_size=1, max_size=5)


@settings(max_examples=25)
@given(PIECES, st.sampled_from([".wav", ".flac"]), st.integers(0, 2**32 - 1))
def test_a_recording_is_what_was_heard(
    pieces: list[tuple[int, int]], suffix: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    expected = [np.zeros(0, np.int16)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"r{suffix}"
        with Recording(path, 16_000) as recording:
            for n, lost in pieces:
                pcm = rng.integers(-32_768, 32_768, n).astype(np.int16)
                recording.add(pcm.astype(np.float32) / np.float32(32_768), lost)
                expected += [np.zeros(lost, np.int16), pcm]
        whole = np.concatenate(expected)
        assert path.exists() == bool(len(whole))
        if len(whole):
            np.testing.assert_array_equal(soundfile.read(path, dtype="int16")[0], whole)


NOW = datetime(2026, 5, 1, tzinfo=UTC)
IDS = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=ID_CHARACTERS, max_size=12)
ENTRIES = st.builds(
    Entry,
    id=IDS,
    utc=st.integers(0, 10**9).map(lambda ms: NOW - timedelta(milliseconds=ms)),
    time_s=st.floats(0, 1e12),
    keyword=TEXTS,
    kind=st.sampled_from(KINDS),
    reason=st.none() | TEXTS,
    score=st.floats(0, 1),
    threshold=st.floats(0, 1),
    model=TEXTS,
    model_sha256=TEXTS,
    source=TEXTS,
    clip_bytes=st.integers(0, 10**6),
    label=st.none() | TEXTS,
)
LEDGERS = st.lists(ENTRIES, max_size=8, unique_by=lambda entry: entry.id).map(
    lambda entries: sorted(entries, key=lambda entry: entry.utc)
)


@given(ENTRIES)
def test_an_entry_comes_back(entry: Entry) -> None:
    assert from_record(json.loads(json.dumps(to_record(entry)))) == entry


@settings(max_examples=200)
@given(ENTRIES, st.integers(0, 100), VALUES)
def test_a_damaged_record_is_none(entry: Entry, place: int, value: Any) -> None:
    for other in (value, 10**400, "\ud800"):
        record = to_record(entry)
        record[sorted(record)[place % len(record)]] = other
        found = from_record(record)
        assert found is None or is_id(found.id)
        if found is not None:
            assert from_record(json.loads(json.dumps(to_record(found)))) == found


@given(st.lists(IDS, min_size=2, max_size=2, unique=True), st.binary(min_size=32, max_size=32))
@example(["00000", "000000"], bytes(32))
def test_ids_differ_in_their_numbers(ids: list[str], digest: bytes) -> None:
    assert id_number(ids[0]) != id_number(ids[1])
    assert is_id(encode_id(digest))


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_a_label_names_a_folder(text: str, keywords: list[str]) -> None:
    try:
        label = parse_label(text, keywords)
    except ConfigError:
        return
    assert is_folder_name(label.removeprefix("="))


@given(LEDGERS, st.floats(1e-3, 30), st.floats(1e-6, 5))
def test_what_stays_is_within_the_limits(
    entries: list[Entry], days: float, megabytes: float
) -> None:
    limits = Limits(days=days, megabytes=megabytes)
    log_bytes = 300 * len(entries)
    gone = beyond_limits(entries, log_bytes, limits, NOW)
    stays = [entry for entry in entries if entry.id not in gone]
    old = {entry.id for entry in entries if entry.utc < limits.oldest(NOW)}
    assert old <= gone
    assert sum(entry.clip_bytes + 300 for entry in stays) <= limits.size_bytes + 1e-6
    young = [entry for entry in entries if entry.id not in old]
    if sum(entry.clip_bytes + 300 for entry in young) <= limits.size_bytes:
        assert gone == old
    if any(entry.label is not None and entry.id in gone - old for entry in entries):
        assert all(entry.label is not None for entry in stays)
    for group in (True, False):  # of each kind the oldest went
        ids = [entry.id for entry in young if (entry.label is None) is group]
        removed = [entry_id in gone for entry_id in ids]
        assert removed == sorted(removed, reverse=True)


@settings(max_examples=30)
@given(LEDGERS, st.floats(0, 1))
def test_a_log_that_was_cut_off_has_its_whole_lines(entries: list[Entry], share: float) -> None:
    lines = [json.dumps(to_record(entry)).encode() + b"\n" for entry in entries]
    data = b"".join(lines)
    kept = data[: round(share * len(data))]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / NAME).write_bytes(kept)
        log = EntryLog(Path(folder))
        log.refresh()
        whole = kept.count(b"\n")
        assert list(log.entries.values()) == entries[:whole]
        assert (log.damage is None) == (kept == b"".join(lines[:whole]))
        log.append([to_record(entry) for entry in entries[whole:]])
        assert list(log.entries.values()) == entries
        log.close()
