"""A plain folder of words: who is in which split, what is left out, and what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_run import word_folder

from engine.errors import ConfigError
from training.data.folder import folder_labels, list_folder, read_folder, speaker_of


def write(path: Path, *, seconds: float = 0.5, rate_hz: int = 16_000, level: float = 0.3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    samples = level * rng.uniform(-1, 1, round(seconds * rate_hz))
    subtype = {".ogg": "VORBIS", ".opus": "OPUS"}.get(path.suffix)
    form = "OGG" if subtype else None
    soundfile.write(path, samples, rate_hz, format=form, subtype=subtype)


def test_labels_splits_and_speakers(tmp_path: Path) -> None:
    for word in ("lamp", "music"):
        for i in range(60):
            write(tmp_path / word / f"p{i:02}_nohash_{i % 3}.wav", seconds=0.05)
    entries = list_folder(tmp_path)
    assert folder_labels(entries) == ["lamp", "music"]
    splits: dict[str, set[str]] = {}
    for entry in entries:
        splits.setdefault(entry.speaker, set()).add(entry.split)
    assert all(len(found) == 1 for found in splits.values())
    held_out = sum(found == {"validation"} for found in splits.values())
    assert 3 <= held_out <= 17  # 15 % of 60


def test_a_new_recording_moves_nobody(tmp_path: Path) -> None:
    for i in range(20):
        write(tmp_path / "lamp" / f"p{i}_nohash_0.wav", seconds=0.05)
    before = {entry.path: entry.split for entry in list_folder(tmp_path)}
    write(tmp_path / "lamp" / "a_nohash_0.wav", seconds=0.05)
    after = {entry.path: entry.split for entry in list_folder(tmp_path)}
    assert {path: after[path] for path in before} == before


def test_lists_split_as_in_speech_commands(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "yes" / f"{name}_nohash_0.wav")
    (tmp_path / "validation_list.txt").write_text("yes/b_nohash_0.wav\n")
    (tmp_path / "testing_list.txt").write_text("yes/c_nohash_0.wav\n\n")
    assert [entry.split for entry in list_folder(tmp_path)] == ["train", "validation", "test"]
    clips, _ = read_folder(tmp_path, "test")
    assert [clip.path for clip in clips] == ["yes/c_nohash_0.wav"]
    (tmp_path / "testing_list.txt").write_text("yes/b_nohash_0.wav\n")
    with pytest.raises(ConfigError, match="which the other list has too"):
        list_folder(tmp_path)
    (tmp_path / "testing_list.txt").write_text("yes/gone.wav\n")
    with pytest.raises(ConfigError, match=r"1 listed files are not there, yes/gone.wav first"):
        list_folder(tmp_path)
    (tmp_path / "testing_list.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"cannot read .*testing_list.txt"):
        list_folder(tmp_path)


def test_any_format_rate_and_length(tmp_path: Path) -> None:
    for suffix, rate_hz in (
        (".wav", 44_100),
        (".flac", 8_000),
        (".ogg", 22_050),
        (".opus", 48_000),
    ):
        write(tmp_path / "word" / f"x{suffix}", seconds=2.0, rate_hz=rate_hz)
    write(tmp_path / "word" / "short.wav", seconds=0.01)
    (tmp_path / "word" / "notes.txt").write_text("not a sound")
    clips = [clip for split in ("train", "validation") for clip in read_folder(tmp_path, split)[0]]
    assert len(clips) == 5
    for clip in clips:
        wanted = 160 if "short" in clip.path else 32_000
        assert abs(len(clip.samples) - wanted) < 700
        assert clip.samples.dtype == np.int16


def test_backgrounds(tmp_path: Path) -> None:
    for name in ("_unknown_", "_speech_", "_noise_", "_background_noise_", "word"):
        write(tmp_path / name / "a.wav")
    (tmp_path / "validation_list.txt").write_text("")
    clips, _ = read_folder(tmp_path, "train")
    assert {clip.path.split("/")[0]: (clip.kind, clip.word) for clip in clips} == {
        "_unknown_": ("other_word", ""),
        "_speech_": ("speech", ""),
        "_noise_": ("noise", ""),
        "_background_noise_": ("noise", ""),
        "word": ("word", "word"),
    }
    write(tmp_path / "_other_" / "a.wav")
    with pytest.raises(ConfigError, match=r"_other_: background folders are _unknown_, .*rename"):
        list_folder(tmp_path)


def test_unusable_clips_are_left_out_and_named(tmp_path: Path) -> None:
    for i in range(4):
        write(tmp_path / "yes" / f"good{i}.wav")
    write(tmp_path / "yes" / "silent.wav", level=0.0)
    (tmp_path / "yes" / "broken.flac").write_bytes(b"fLaC broken")
    (tmp_path / "yes" / "empty.wav").write_bytes(b"")
    write(tmp_path / "yes" / "nothing.wav", seconds=0)
    problems = []
    count = 0
    for split in ("train", "validation"):
        clips, found = read_folder(tmp_path, split)
        count += len(clips)
        problems += found
    assert count == 4
    for name, reason in (
        ("silent.wav", "is silent"),
        ("broken.flac", "cannot read"),
        ("empty.wav", "cannot read"),
        ("nothing.wav", "holds no samples"),
    ):
        assert any(name in problem and reason in problem for problem in problems), name
    assert len(problems) == 4


def test_numbers_that_are_none_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "yes").mkdir()
    samples = np.full(1_000, np.nan, np.float32)
    soundfile.write(tmp_path / "yes" / "nan.wav", samples, 16_000, subtype="FLOAT")
    (tmp_path / "validation_list.txt").write_text("")
    with pytest.raises(ConfigError, match=r"no clip of .* can be used: .*that are no numbers"):
        read_folder(tmp_path, "train")


def test_what_is_no_file_is_no_clip(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    before = list_folder(folder)
    os.mkfifo(folder / "low" / "pipe.wav")
    (folder / "low" / "folder.wav").mkdir()
    (folder / "low" / "gone.wav").symlink_to("nowhere")
    assert list_folder(folder) == before


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    bad = Path(os.fsdecode(os.fsencode(folder) + b"/\xff"))
    bad.mkdir()
    with pytest.raises(ConfigError, match=r"the name .*udcff is no UTF-8; rename it"):
        list_folder(folder)
    bad.rmdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/low/\xff.wav")).touch()
    with pytest.raises(ConfigError, match=r"is no UTF-8; rename it"):
        list_folder(folder)


def test_lists_of_other_systems(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    before = list_folder(folder)
    text = (folder / "validation_list.txt").read_text()
    (folder / "validation_list.txt").write_bytes(
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    )
    assert list_folder(folder) == before


def test_folders_with_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist; it must hold"):
        list_folder(tmp_path / "gone")
    with pytest.raises(ConfigError, match="holds no sound files"):
        list_folder(tmp_path)
    write(tmp_path / "only" / "a.wav")
    with pytest.raises(ConfigError, match=r"has one class, 'only', and nothing to tell it from"):
        folder_labels(list_folder(tmp_path))
    write(tmp_path / "_unknown_" / "a.wav")
    assert folder_labels(list_folder(tmp_path)) == ["only"]
    (tmp_path / "only" / "a.wav").unlink()
    with pytest.raises(ConfigError, match="has no word"):
        folder_labels(list_folder(tmp_path))


def test_speakers_by_name() -> None:
    assert speaker_of("yes/espeak-f3_nohash_12.flac") == "espeak-f3"
    assert speaker_of("yes/my voice.wav") == "my voice"


def test_programs_speak_in_a_folder_that_synthesize_filled(tmp_path: Path) -> None:
    write(tmp_path / "word" / "a.wav")
    (tmp_path / "validation_list.txt").write_text("")
    assert not read_folder(tmp_path, "train")[0][0].synthetic
    assert read_folder(tmp_path, "train", synthetic=True)[0][0].synthetic
    (tmp_path / "synthesize.json").write_text("{}")
    assert read_folder(tmp_path, "train")[0][0].synthetic


def test_links_of_folders_of_others_lead_nowhere(tmp_path: Path) -> None:
    """A circle ends, a link into nothing is no clip, and a pipe is not waited for."""
    folder = tmp_path / "data"
    write(folder / "word" / "a.wav")
    (folder / "word" / "round.wav").symlink_to(folder)
    (folder / "word" / "gone.wav").symlink_to(tmp_path / "nowhere")
    (folder / "circle").symlink_to(folder)
    os.mkfifo(folder / "word" / "pipe.wav")
    assert [entry.path for entry in list_folder(folder)] == ["word/a.wav"]
