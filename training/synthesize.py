"""Makes a plain folder of words (training.data.folder) from synthetic voices, each clip checked."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from engine.errors import ConfigError
from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ, speech_extent
from training.progress import ProgressReport
from training.unknown_texts import unknown_texts
from training.voices import Voice, VoiceError, installed_voices, speak

UNKNOWN = "_unknown_"
_PEAK = 0.5
_MIN_S, _MAX_S = 0.12, 1.5
_MIN_RMS = 0.005
_CLIPPED_SHARE = 0.002
# Of the five people behind flite's and festival's voices, these two are kept for validation.
_HELD_OUT_PEOPLE = frozenset({"rms", "ked"})
_PROGRAM_SHARES = {"espeak-ng": 0.7, "flite": 0.2, "festival": 0.1}
_TRIES = 4


@dataclass(frozen=True, kw_only=True)
class SynthesizeConfig:
    """What to make.

    Attributes:
        words: The keywords.
        clips: Clips of each word.
        unknown_clips: Clips of other words and phrases, in `_unknown_`; 0 for none.
        validation_share: Share of the speakers, and about that of the clips, for validation.
        speed_range: Largest relative change of the speed either way.
        pitch_range: Largest relative change of the pitch either way.
        language: As espeak-ng spells it.
        seed: Of everything drawn.
    """

    words: Sequence[str]
    clips: int = 200
    unknown_clips: int = 600
    validation_share: float = 0.2
    speed_range: float = 0.25
    pitch_range: float = 0.25
    language: str = "en"
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse words that cannot be folders, and numbers that make no folder."""
        for word in self.words:
            if (
                not word.strip()
                or word != word.strip()
                or word.startswith(("_", "."))
                or (set(word) & set('/\\\0\n"'))
            ):
                raise ConfigError(
                    f"word {word!r} cannot be a folder's name; take letters, digits and spaces"
                )
        if len(set(self.words)) != len(self.words) or not self.words:
            raise ConfigError(f"words are {', '.join(self.words) or 'none'}; they must differ")
        if self.clips < 1 or self.unknown_clips < 0:
            raise ConfigError(f"clips is {self.clips} and unknown {self.unknown_clips}; at least 1")
        if not 0 <= self.validation_share < 1:
            raise ConfigError(f"validation share is {self.validation_share}; it must be 0 to 0.9")


@dataclass(kw_only=True)
class SynthesizeReport:
    """What was made.

    Attributes:
        clips: Clips by label.
        speakers: Speakers by split.
        rejected: Reasons with counts; another voice was tried each time.
    """

    clips: Counter[str] = field(default_factory=Counter)
    speakers: dict[str, int] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True)
class _Task:
    label: str
    text: str
    number: int
    validation: bool


def synthesize(folder: Path, config: SynthesizeConfig, *, workers: int = 2) -> SynthesizeReport:
    """Make a plain folder of words.

    Clips that are there already are kept: the same command goes on after an interruption.

    Args:
        folder: Where to write `<word>/<speaker>_nohash_<n>.flac`, `validation_list.txt` and
            `clips.csv`.
        config: What to make.
        workers: Programs at a time.

    Returns:
        Counts.

    Raises:
        ConfigError: No voice is installed, or no voice can say a word.
    """
    speakers = _split_speakers(installed_voices(config.language), config)
    report = SynthesizeReport(
        speakers={
            split: len({name for people in programs.values() for name in people})
            for split, programs in speakers.items()
        }
    )
    tasks = _tasks(config)
    rows = []
    folder.mkdir(parents=True, exist_ok=True)
    with (
        ThreadPoolExecutor(workers) as pool,
        ProgressReport("speaking", len(tasks), unit="clips") as progress,
    ):
        for row, reasons in pool.map(
            lambda task: _make_clip(folder, task, speakers, config), tasks
        ):
            rows.append(row)
            report.rejected.update(reason.partition(":")[0] for reason in reasons)
            report.clips[row["label"]] += 1
            progress.advance()
    _write_tables(folder, rows)
    return report


def _tasks(config: SynthesizeConfig) -> list[_Task]:
    texts = [(word, word, i) for word in config.words for i in range(config.clips)]
    others = unknown_texts(config.words)
    texts += [(UNKNOWN, others[i % len(others)], i) for i in range(config.unknown_clips)]
    step = round(1 / config.validation_share) if config.validation_share else 0
    return [
        _Task(label=label, text=text, number=i, validation=bool(step) and i % step == step - 1)
        for label, text, i in texts
    ]


def _split_speakers(
    voices: Sequence[Voice], config: SynthesizeConfig
) -> dict[str, dict[str, dict[str, list[Voice]]]]:
    """Split to program to speaker to voices; nobody is on both sides."""
    people = sorted({voice.speaker for voice in voices if voice.program == "espeak-ng"})
    random.Random(config.seed).shuffle(people)
    held_out = set(people[: round(config.validation_share * len(people))]) | _HELD_OUT_PEOPLE
    if not config.validation_share:
        held_out = set()
    out: dict[str, dict[str, dict[str, list[Voice]]]] = {"train": {}, "validation": {}}
    for voice in voices:
        split = "validation" if voice.speaker in held_out else "train"
        by_speaker = out[split].setdefault(voice.program, defaultdict(list))
        by_speaker[voice.speaker].append(voice)
    if not out["train"] or (config.validation_share and not out["validation"]):
        raise ConfigError(
            f"{len({voice.speaker for voice in voices})} synthetic speaker(s) cannot be split; "
            "install espeak-ng, which has many"
        )
    return out


def _make_clip(
    folder: Path,
    task: _Task,
    speakers: dict[str, dict[str, dict[str, list[Voice]]]],
    config: SynthesizeConfig,
) -> tuple[dict[str, str], list[str]]:
    """One clip's row of the table, and why other voices were given up."""
    programs = speakers["validation" if task.validation else "train"]
    reasons: list[str] = []
    for attempt in range(_TRIES):
        rng = random.Random(f"{config.seed}/{task.label}/{task.number}/{attempt}")
        shares = [_PROGRAM_SHARES[name] for name in programs]
        program = rng.choices(list(programs), shares)[0]
        # Each speaker in turn, so that all are heard before one is heard twice.
        names = sorted(programs[program])
        voice = rng.choice(programs[program][names[(task.number + 7 * attempt) % len(names)]])
        speed = 1 + rng.uniform(-1, 1) * config.speed_range
        pitch = 1 + rng.uniform(-1, 1) * config.pitch_range
        row = {
            "path": f"{task.label}/{voice.speaker}_nohash_{task.number}.flac",
            "label": task.label,
            "text": task.text,
            "split": "validation" if task.validation else "train",
            "program": program,
            "voice": voice.name,
            "speed": f"{speed:.3f}",
            "pitch": f"{pitch:.3f}",
        }
        if (folder / row["path"]).exists():
            return row, reasons
        try:
            limit_s = _MAX_S if task.label != UNKNOWN else 10.0
            samples = checked(speak(task.text, voice, speed=speed, pitch=pitch), max_s=limit_s)
        except VoiceError as err:
            reasons.append(str(err))
            continue
        _write(folder / row["path"], samples)
        return row, reasons
    raise ConfigError(f"no voice could say {task.text!r}: {reasons[-1]}; spell it differently")


def checked(samples: Float32, *, max_s: float = _MAX_S) -> Float32:
    """Trim silence, scale to a peak of 0.5, and refuse what is no word.

    Args:
        samples: 16 kHz, shape [n].
        max_s: Longest word.

    Raises:
        VoiceError: It is silent, clipped, too short or too long.
    """
    peak = float(np.abs(samples).max()) if len(samples) else 0.0
    if peak < _MIN_RMS or float(np.sqrt(np.mean(samples**2))) < _MIN_RMS * peak:
        raise VoiceError("a clip was silent")
    if np.mean(np.abs(samples) >= 0.999) > _CLIPPED_SHARE:
        raise VoiceError("a clip was clipped")
    start, stop = speech_extent(np.round(samples * 32_767).astype(np.int16))
    seconds = (stop - start) / SAMPLE_RATE_HZ
    if seconds < _MIN_S:
        raise VoiceError(f"a clip was shorter than {_MIN_S} s")
    if seconds > max_s:
        raise VoiceError(f"a clip was longer than {max_s:g} s")
    trimmed: Float32 = samples[start:stop] * np.float32(_PEAK / peak)
    return trimmed


def _write(path: Path, samples: Float32) -> None:
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(".partial")
    soundfile.write(aside, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    aside.replace(path)


def _write_tables(folder: Path, rows: list[dict[str, str]]) -> None:
    listed = [row["path"] for row in rows if row["split"] == "validation"]
    (folder / "validation_list.txt").write_text("".join(f"{path}\n" for path in listed))
    with (folder / "clips.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
