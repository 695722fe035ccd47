"""Makes a plain folder of words (training.data.folder) from synthetic voices, each clip checked."""

from __future__ import annotations

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
from training.synthetic_folder import SyntheticFolder
from training.unknown_texts import keyword_parts, unknown_texts
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
_LONGEST_WORD = 100
# What decides who stands in which split, and what the clips of a number are.
_SPLITTING = ("validation_share", "speed_range", "pitch_range", "language", "seed")


@dataclass(frozen=True, kw_only=True)
class SynthesizeConfig:
    """What to make.

    Attributes:
        words: The keywords.
        clips: Clips of each word.
        unknown_clips: Clips of other words and phrases, in `_unknown_`; 0 for none.
        other_texts: Those words and phrases; () takes English ones.
        validation_share: Share of the speakers, and about that of the clips, for validation.
        speed_range: Largest relative change of the speed either way.
        pitch_range: Largest relative change of the pitch either way.
        language: As espeak-ng spells it.
        seed: Of everything drawn.
    """

    words: Sequence[str]
    clips: int = 200
    unknown_clips: int = 600
    other_texts: Sequence[str] = ()
    validation_share: float = 0.2
    speed_range: float = 0.25
    pitch_range: float = 0.25
    language: str = "en"
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse words that cannot be folders, and numbers that make no folder."""
        for word in self.words:
            if (
                word != word.strip()
                or not 0 < len(word) <= _LONGEST_WORD
                or not word.isprintable()
                or word.startswith(("_", ".", "-"))
                or (set(word) & set('/\\"'))
            ):
                raise ConfigError(
                    f"word {word[:40]!r} cannot be a folder's name; take letters, digits and spaces"
                )
        if len(set(self.words)) != len(self.words) or not self.words:
            raise ConfigError(f"words are {', '.join(self.words) or 'none'}; they must differ")
        if self.clips < 1 or self.unknown_clips < 0:
            raise ConfigError(f"clips is {self.clips} and unknown {self.unknown_clips}; at least 1")
        if not 0 <= self.validation_share <= 0.9:
            raise ConfigError(f"validation share is {self.validation_share}; it must be 0 to 0.9")
        if not self.language:
            raise ConfigError("language is empty; name one as espeak-ng does, such as en or de")


@dataclass(kw_only=True)
class SynthesizeReport:
    """What was made.

    Attributes:
        clips: Clips by label.
        speakers: Speakers by split.
        rejected: Reasons with counts; another voice was tried each time.
        from_before: Labels that the folder had and that were not asked for now.
    """

    clips: Counter[str] = field(default_factory=Counter)
    speakers: dict[str, int] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    from_before: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Task:
    label: str
    text: str
    number: int
    validation: bool


def synthesize(folder: Path, config: SynthesizeConfig, *, workers: int = 2) -> SynthesizeReport:
    """Make a plain folder of words.

    Clips that are there already are kept: the same command goes on after an interruption, and
    another one adds words or clips.

    Args:
        folder: Where to write `<word>/<speaker>_nohash_<n>.flac`, `validation_list.txt` and
            `clips.csv`.
        config: What to make.
        workers: Programs at a time.

    Returns:
        Counts.

    Raises:
        ConfigError: No voice is installed, no voice can say a word, or the folder holds other
            things.
    """
    if workers < 1:
        raise ConfigError(f"workers is {workers}; it must be at least 1")
    speakers = _split_speakers(installed_voices(config.language), config)
    report = SynthesizeReport(
        speakers={
            split: len({name for people in programs.values() for name in people})
            for split, programs in speakers.items()
        }
    )
    target = SyntheticFolder(folder, {name: getattr(config, name) for name in _SPLITTING})
    labels = {row["label"] for row in target.rows.values()} | set(config.words)
    keywords = sorted(labels - {UNKNOWN})
    taken = keyword_parts(keywords)
    # What became a keyword is nobody's other word any more.
    target.forget(
        lambda row: row["label"] == UNKNOWN and bool(taken & keyword_parts([row["text"]]))
    )
    tasks = _tasks(config, keywords)
    with (
        ThreadPoolExecutor(workers) as pool,
        ProgressReport("speaking", len(tasks), unit="clips") as progress,
    ):
        for task, reasons in zip(
            tasks,
            pool.map(lambda task: _make_clip(target, task, speakers, config), tasks),
            strict=True,
        ):
            report.rejected.update(reason.partition(":")[0] for reason in reasons)
            report.clips[task.label] += 1
            progress.advance()
    target.finish()
    report.from_before = sorted({row["label"] for row in target.rows.values()} - set(report.clips))
    return report


def _tasks(config: SynthesizeConfig, keywords: Sequence[str]) -> list[_Task]:
    texts = [(word, word, i) for word in config.words for i in range(config.clips)]
    others = unknown_texts(keywords, config.other_texts)
    texts += [(UNKNOWN, others[i % len(others)], i) for i in range(config.unknown_clips)]
    share = config.validation_share
    return [
        _Task(label=label, text=text, number=i, validation=int((i + 1) * share) > int(i * share))
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
    target: SyntheticFolder,
    task: _Task,
    speakers: dict[str, dict[str, dict[str, list[Voice]]]],
    config: SynthesizeConfig,
) -> list[str]:
    """Make one clip if it is not there; returns why other voices were given up."""
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
        if target.has(row):
            return reasons
        try:
            limit_s = _MAX_S if task.label != UNKNOWN else 10.0
            samples = checked(speak(task.text, voice, speed=speed, pitch=pitch), max_s=limit_s)
        except VoiceError as err:
            reasons.append(str(err))
            continue
        target.add(row)
        _write(target.folder / row["path"], samples)
        return reasons
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
