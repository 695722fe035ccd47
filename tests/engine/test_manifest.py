"""A model folder is taken whole and unaltered, or refused with the field that is wrong."""

import hashlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_model import LABELS, edit_manifest

from engine import manifest as manifest_module
from engine.errors import ModelError
from engine.manifest import load_manifest, manifest_to_json

FIELDS = [
    "format_version",
    "name",
    "labels",
    "background_labels",
    "activation",
    "normalization",
    "fbank",
    "fbank_fingerprint",
    "windows",
    "decision",
    "files",
    "provenance",
]


def test_a_good_folder_is_read(tiny_folder: Path) -> None:
    manifest = load_manifest(tiny_folder)
    assert manifest.labels == LABELS
    assert manifest.keywords == ("low", "high")
    assert manifest.model_path == tiny_folder / "model.onnx"
    assert len(manifest.model_sha256) == 64


def test_writing_what_was_read_changes_nothing(tiny_folder: Path) -> None:
    assert (
        manifest_to_json(load_manifest(tiny_folder)) == (tiny_folder / "manifest.json").read_text()
    )


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_needed(own_tiny_folder: Path, name: str) -> None:
    edit_manifest(own_tiny_folder, lambda data: data.pop(name))
    with pytest.raises(ModelError, match=rf"field '{name}' is missing; it must be"):
        load_manifest(own_tiny_folder)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_has_its_type(own_tiny_folder: Path, name: str) -> None:
    edit_manifest(own_tiny_folder, lambda data: data.update({name: True}))
    with pytest.raises(ModelError, match=rf"field '{name}' is True; it must be"):
        load_manifest(own_tiny_folder)


def test_every_nested_field_is_needed_and_no_other(own_tiny_folder: Path) -> None:
    path = own_tiny_folder / "manifest.json"
    good = path.read_text()
    places: list[Callable[[Any], dict[str, Any]]] = [
        lambda data: data["fbank"],
        lambda data: data["windows"],
        lambda data: data["decision"],
        lambda data: data["decision"]["operating_points"]["low"],
    ]
    for place in places:
        for name in place(json.loads(good)):
            data = json.loads(good)
            del place(data)[name]
            path.write_text(json.dumps(data))
            with pytest.raises(ModelError, match=rf"field '{name}' is missing"):
                load_manifest(own_tiny_folder)
        data = json.loads(good)
        place(data)["surplus"] = 1
        path.write_text(json.dumps(data))
        with pytest.raises(ModelError, match="unknown field 'surplus'"):
            load_manifest(own_tiny_folder)


def _set(*keys: str) -> Callable[[Any], Callable[[Any], None]]:
    def with_value(value: Any) -> Callable[[Any], None]:
        def edit(data: Any) -> None:
            for key in keys[:-1]:
                data = data[key]
            data[keys[-1]] = value

        return edit

    return with_value


_point = ("decision", "operating_points", "low")
WRONG = [
    (_set("format_version")(2), "format_version is 2; this program reads 1"),
    (_set("labels")(["a", "a"]), r"field 'labels' is .* different, non-empty strings"),
    (_set("labels")(["a", ""]), "non-empty strings"),
    (_set("labels")(["a\nb", "c"]), "label 'a.nb' must be text of at most 64 characters"),
    (_set("labels")(["a\u2028b", "c"]), "must be text of at most 64 characters"),
    (_set("labels")(["\ud800", "c"]), "must be text of at most 64 characters"),
    (_set("name")("a\x1bb"), "name 'a.x1bb' must be text of at most 64 characters"),
    (_set("name")("a" * 65), "must be text of at most 64 characters"),
    (_set("labels")(["a" * 65, "c"]), "must be text of at most 64 characters"),
    (_set("background_labels")(list(LABELS)), "every label is a background label"),
    (_set("background_labels")(["nobody"]), "background label 'nobody' is not among the labels"),
    (_set("background_labels")(["_silence_"]), "keyword '_unknown_' has no operating point"),
    (_set("activation")("relu"), "field 'activation' is 'relu'; it must be one of softmax"),
    (_set("normalization")("none"), "field 'normalization' is 'none'"),
    (_set("fbank", "mean")(-6.0), "the features were changed after training"),
    (_set("fbank_fingerprint")("00"), "fbank_fingerprint is 00"),
    (_set("fbank", "n_mels")(0), "fbank n_mels is 0; it must be 1 to 256"),
    (_set("fbank", "std")("wide"), "field 'std' is 'wide'; it must be float"),
    (_set("windows", "hop_samples")(1_000), "it must be a multiple of 160"),
    (_set("windows", "window_samples")(32_000), r"has 198 frames; the model takes 1 to 98"),
    (_set("decision", "smoothing_windows")(0), "smoothing is 0 windows"),
    (_set(*_point, "threshold")(1.5), "threshold is 1.5; it must be above 0"),
    (_set(*_point, "rearm_threshold")(0.9), "re-arm threshold is 0.9"),
    (_set(*_point, "false_alarms_per_day_interval")([2, 1]), r"it must be \[low, high\]"),
    (_set(*_point, "false_alarms_per_day_interval")(["a", 1]), r"it must be \[low, high\]"),
    (_set(*_point, "threshold")(math.nan), "threshold is nan; it must be above 0"),
    (_set(*_point, "rearm_threshold")(math.nan), "re-arm threshold is nan"),
    (_set(*_point, "threshold")(10**400), "threshold is inf; it must be above 0"),
    (_set(*_point, "false_alarms_per_day")(math.nan), "false_alarms_per_day is nan"),
    (_set(*_point, "false_alarms_per_day")(-1), "false_alarms_per_day is -1.0"),
    (_set(*_point, "false_alarms_per_day_interval")([0, math.inf]), r"must be \[low, high\]"),
    (_set(*_point, "false_alarms_per_day_interval")([math.nan, 1]), r"must be \[low, high\]"),
    (_set(*_point, "false_alarms_per_day_interval")([0, 10**400]), r"must be \[low, high\]"),
    (_set("decision", "refractory_samples")(10**300), r"samples; it must be 0 to 1e\+09"),
    (_set("decision", "smoothing_windows")(10**300), "it must be 1 to 100"),
    (_set("windows", "window_samples")(10**12), "at most 60 s"),
    (_set("windows", "hop_samples")(160 * 10**300), "must be at least one hop"),
    (_set("fbank", "target_frames")(10**9), "it must be 1 to 4096"),
    (_set("fbank", "mean")(10**400), "fbank mean is inf; it must be finite"),
    (_set("fbank", "n_mels")("x" * 1_000), r"field 'n_mels' is 'x{79}\.\.\.; it must be int"),
    (_set("decision", "operating_points", "_unknown_")({}), "_unknown_: field '.*' is missing"),
    (_set("files")({}), "files does not name model.onnx"),
    (_set("files", "model.onnx")("0" * 64), "was altered or cut short"),
    (_set("files", "card.md")("0" * 64), "cannot read .*card.md: No such file"),
    (_set(*_point, "false_alarms_per_day_interval")([1, 10**400]), r"it must be \[low, high\]"),
    *(
        (_set("files", name)("0" * 64), "must be a plain file inside the model folder")
        for name in ("../secret", "/etc/passwd", "sub/file", ".", "", "a\0b", "\ud800", "a\nb")
    ),
    (_set("files", "..")("0" * 64), "must be a plain file"),
    (_set("files", "model.onnx")("A" * 64), "is 'A{64}'; it must be 64 hex digits in lower case"),
    (_set("files", "model.onnx")("0" * 63), "it must be 64 hex digits"),
    (_set("files", "model.onnx")(None), "field 'model.onnx' is None; it must be str"),
    (_set("surplus")(1), "unknown field 'surplus'; remove it or update kws"),
]


@pytest.mark.parametrize(("edit", "message"), WRONG)
def test_wrong_values_are_named(
    own_tiny_folder: Path, edit: Callable[[Any], None], message: str
) -> None:
    edit_manifest(own_tiny_folder, edit)
    with pytest.raises(ModelError, match=message):
        load_manifest(own_tiny_folder)


def test_an_operating_point_of_a_background_label_is_refused(own_tiny_folder: Path) -> None:
    def edit(data: Any) -> None:
        points = data["decision"]["operating_points"]
        points["_unknown_"] = points["low"]

    edit_manifest(own_tiny_folder, edit)
    with pytest.raises(ModelError, match="operating point for '_unknown_', which is not a keyword"):
        load_manifest(own_tiny_folder)


def test_a_calibrated_operating_point_is_read(own_tiny_folder: Path) -> None:
    def edit(data: Any) -> None:
        data["decision"]["operating_points"]["low"] |= {
            "false_alarms_per_day": 1,
            "false_alarms_per_day_interval": [0, 5.5],
        }

    edit_manifest(own_tiny_folder, edit)
    point = load_manifest(own_tiny_folder).decision.operating_points["low"]
    assert point.false_alarms_per_day == 1.0
    assert point.false_alarms_per_day_interval == (0.0, 5.5)


def test_one_altered_byte_of_the_model_is_refused(own_tiny_folder: Path) -> None:
    path = own_tiny_folder / "model.onnx"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"model.onnx has SHA-256 .* the manifest says"):
        load_manifest(own_tiny_folder)


def test_a_link_in_place_of_the_model_is_refused(own_tiny_folder: Path) -> None:
    path = own_tiny_folder / "model.onnx"
    moved = path.rename(own_tiny_folder.parent / "elsewhere.onnx")
    path.symlink_to(moved)
    with pytest.raises(ModelError, match="must be a plain file inside the model folder"):
        load_manifest(own_tiny_folder)


def test_a_link_in_place_of_the_manifest_is_refused(own_tiny_folder: Path) -> None:
    path = own_tiny_folder / "manifest.json"
    path.symlink_to(path.rename(own_tiny_folder.parent / "elsewhere.json"))
    with pytest.raises(ModelError, match=r"cannot read .*manifest.json: it is a link"):
        load_manifest(own_tiny_folder)


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx"])
def test_a_pipe_is_not_waited_for(own_tiny_folder: Path, name: str) -> None:
    (own_tiny_folder / name).unlink()
    os.mkfifo(own_tiny_folder / name)
    with pytest.raises(ModelError, match="plain file"):
        load_manifest(own_tiny_folder)


def test_the_hash_of_another_file_is_refused(own_tiny_folder: Path) -> None:
    other = hashlib.sha256(b"another").hexdigest()
    edit_manifest(own_tiny_folder, _set("files", "model.onnx")(other))
    with pytest.raises(ModelError, match=f"the manifest says {other[:16]}"):
        load_manifest(own_tiny_folder)


def test_a_field_that_stands_twice_is_refused(own_tiny_folder: Path) -> None:
    path = own_tiny_folder / "manifest.json"
    path.write_text(path.read_text().replace('"name":', '"name": "first", "name":'))
    with pytest.raises(ModelError, match="is not valid JSON: 'name' stands in it twice"):
        load_manifest(own_tiny_folder)


def test_a_model_beyond_the_size_limit_is_not_hashed(
    own_tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest_module, "MAX_MODEL_BYTES", 100)
    with pytest.raises(ModelError, match="at most 100 are accepted"):
        load_manifest(own_tiny_folder)


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx"])
def test_a_missing_file_is_named(own_tiny_folder: Path, name: str) -> None:
    (own_tiny_folder / name).unlink()
    with pytest.raises(ModelError, match=rf"cannot read .*{name}: No such file"):
        load_manifest(own_tiny_folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere does not exist; name a folder with manifest"):
        load_manifest(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("\udcff", "is not valid JSON"),
        ("[1]", "holds a list; it must hold an object"),
        (" " * ((4 << 20) + 1), "cannot read .*: it is larger than 4194304 bytes"),
    ],
    ids=["cut", "deep", "bytes", "list", "huge"],
)
def test_what_is_no_manifest_is_refused(own_tiny_folder: Path, text: str, message: str) -> None:
    (own_tiny_folder / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ModelError, match=message):
        load_manifest(own_tiny_folder)
