"""What is accepted can be computed with, and what is written is read back; the rest is refused."""

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from engine.config import DecisionConfig, FbankConfig, OperatingPoint, WindowConfig
from engine.errors import ConfigError, ModelError
from engine.features import fbank, mel_centers_hz, mel_matrix, model_input
from engine.manifest import ModelManifest, load_manifest, manifest_to_json

ONNX = b"stands for a model"
SIZES = st.sampled_from([0.0, 1e-30, 1e-20, 1e-9, 0.01, 1.0, 25.0, 1e4, 1e9, 1e30])
WILD = st.one_of(st.floats(), SIZES, SIZES.map(lambda size: -size))
WHOLE = st.one_of(st.integers(-(10**6), 10**6), st.integers(), st.sampled_from([8_000, 48_000]))


def fields_of(cls: type) -> dict[str, st.SearchStrategy[Any]]:
    """Some fields changed, to anything of their type."""
    kinds = {int: WHOLE, float: WILD, bool: st.booleans(), str: st.sampled_from(["hann", "", "x"])}
    return {item.name: kinds[type(item.default)] for item in dataclasses.fields(cls)}


FBANKS = st.fixed_dictionaries({}, optional=fields_of(FbankConfig))
FEW = FBANKS.map(lambda changes: dict(list(changes.items())[:2]))


@settings(max_examples=200)
@given(st.one_of(FBANKS, FEW))
@example({"mean": 1e9, "std": 1e-20, "std_factor": 1e-20})
@example({"low_hz": 7999.999999999999})
@example({"low_hz": 0.0, "high_hz": 5e-324})
def test_an_fbank_that_is_accepted_gives_finite_features(changes: dict[str, Any]) -> None:
    try:
        config = FbankConfig(**changes)
    except ConfigError:
        return
    assume(config.target_frames < 2_000)  # larger ones take long and show nothing else
    n = config.frame_length_samples + 3 * config.frame_hop_samples
    loud = np.where(np.arange(n) % 2, 1, -1).astype(np.float32)
    for samples in (np.zeros(n, np.float32), loud, loud * np.float32(1e-20)):
        log_mel = fbank(samples, config)
        assert log_mel.shape == (4, config.n_mels) == (config.n_frames(n), config.n_mels)
        assert np.isfinite(log_mel).all()
        rows = log_mel[: config.target_frames]
        found = model_input(rows, config)
        assert found.shape == (config.target_frames, config.n_mels)
        assert np.isfinite(found).all()
    assert (mel_matrix(config) >= 0).all()
    assert (np.diff(mel_centers_hz(config)) >= 0).all()
    again = FbankConfig(**json.loads(json.dumps(dataclasses.asdict(config))))
    assert again.fingerprint == config.fingerprint


@given(FBANKS, st.integers(-10, 70_000), st.integers(-10, 70_000))
def test_windows_fall_on_the_frames(changes: dict[str, Any], window: int, hop: int) -> None:
    try:
        config = FbankConfig(**changes)
    except ConfigError:
        config = FbankConfig()
    step = config.frame_hop_samples
    for windows in (
        WindowConfig(window_samples=window, hop_samples=hop),
        WindowConfig(window_samples=window, hop_samples=hop // step * step),
    ):
        wanted = (
            windows.hop_samples >= step
            and windows.hop_samples % step == 0
            and windows.hop_samples <= window <= 60 * config.sample_rate_hz
            and 1 <= config.n_frames(window) <= config.target_frames
        )
        try:
            windows.check_against(config)
        except ConfigError:
            assert not wanted
        else:
            assert wanted


@given(WILD, WILD)
def test_operating_points(threshold: float, rearm_threshold: float) -> None:
    wanted = 0 < rearm_threshold <= threshold <= 1
    if wanted:
        OperatingPoint(threshold=threshold, rearm_threshold=rearm_threshold)
        return
    with pytest.raises(ConfigError, match="threshold is"):
        OperatingPoint(threshold=threshold, rearm_threshold=rearm_threshold)


POINTS = st.builds(
    OperatingPoint,
    threshold=st.floats(0.5, 1),
    rearm_threshold=st.floats(0.01, 0.5),
    false_alarms_per_day=st.none() | st.floats(0, 1e6),
    false_alarms_per_day_interval=st.none()
    | st.tuples(st.floats(0, 1e3), st.floats(0, 1e3)).map(lambda pair: tuple(sorted(pair))),
)
WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12)


@st.composite
def manifests(draw: st.DrawFn) -> ModelManifest:
    labels = tuple(draw(st.lists(WORDS, min_size=1, max_size=6, unique=True)))
    n_background = draw(st.integers(0, len(labels) - 1))
    points = {word: draw(POINTS) for word in labels[n_background:]}
    return ModelManifest(
        name=draw(WORDS),
        labels=labels,
        background_labels=labels[:n_background],
        activation=draw(st.sampled_from(["softmax", "sigmoid"])),
        normalization=draw(st.sampled_from(["inside", "outside"])),
        fbank=FbankConfig(mean=draw(st.floats(-50, 50)), std=draw(st.floats(0.1, 50))),
        windows=WindowConfig(hop_samples=160 * draw(st.integers(1, 100))),
        decision=DecisionConfig(
            smoothing_windows=draw(st.integers(1, 100)),
            refractory_samples=draw(st.integers(0, 10**9)),
            operating_points=points,
        ),
        files={"model.onnx": hashlib.sha256(ONNX).hexdigest()},
        provenance=draw(st.dictionaries(WORDS, WORDS, max_size=2)),
    )


def loaded(text: str) -> ModelManifest:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(ONNX)
        (folder / "manifest.json").write_text(text)
        return dataclasses.replace(load_manifest(folder), folder=Path())


@given(manifests())
def test_a_manifest_is_read_as_it_was_written(manifest: ModelManifest) -> None:
    assert loaded(manifest_to_json(manifest)) == manifest


NASTY = [10**400, -(10**400), "\ud800", "\0", "..", "a/b", "x" * 300, None, 0]
NAMES = st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=2)
@given(manifests(), st.lists(JSON, min_size=3, max_size=3))
def test_one_wrong_field_is_one_error(manifest: ModelManifest, values: list[Any]) -> None:
    """Any field of any table: another value, one more beside it, or gone."""
    text = manifest_to_json(manifest)
    changes = [("drop", None)]
    changes += [(kind, value) for kind in ("value", "more") for value in [*NASTY, *values]]
    for place in range(len(places(json.loads(text)))):
        for kind, value in changes:
            data = json.loads(text)
            table, key = places(data)[place]
            if kind == "drop":
                del table[key]
            elif kind == "value":
                table[key] = value
            else:
                table[str(value)] = table[key]
            try:
                loaded(json.dumps(data))
            except ModelError as err:
                assert "/" in str(err)  # noqa: PT017  it says where


def places(data: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    tables = [data, *(table for table in data.values() if isinstance(table, dict))]
    tables += data["decision"]["operating_points"].values()
    return [(table, key) for table in tables for key in table]
