"""Synthetic voices: espeak-ng, flite and festival, run as programs.

None of them complains about a voice or a setting that it does not know: espeak-ng leaves out the
variant, flite takes another voice, festival writes nothing. So voices come from the programs' own
lists, and `speak` compares a variant with the plain voice.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.errors import ConfigError
from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ

_TIMEOUT_S = 20.0
_INSTALL = "Debian, Ubuntu: apt-get install espeak-ng flite festival"
_ESPEAK_WORDS_PER_MINUTE = 175
_ESPEAK_PITCH = 50
# Not voices of people.
_INHUMAN = ("robo", "demonic", "unirobot", "storm", "croak", "whisper", "echo", "fast", "/mr")
# flite's and festival's voices were made from recordings of five people: who speaks in which.
_FLITE_PEOPLE = {"kal16": "kal", "awb": "awb", "rms": "rms", "slt": "slt"}
_FLITE_MEAN_HZ = {"slt": 170.0}  # the others are men
_FESTIVAL_PEOPLE = {"kal_diphone": "kal", "ked_diphone": "ked", "cmu_us_slt_arctic_hts": "slt"}


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One way to speak.

    Attributes:
        program: "espeak-ng", "flite" or "festival".
        name: As the program knows it.
        speaker: Who it sounds like; voices of one speaker never stand in two splits.
    """

    program: str
    name: str
    speaker: str


class VoiceError(Exception):
    """A program did not say what it was asked to, the way it was asked to."""


def installed_voices(language: str = "en") -> list[Voice]:
    """Every voice of a language on this machine, sorted.

    Args:
        language: As espeak-ng spells it: "en", "de", "fr-fr"; flite and festival speak English.

    Raises:
        ConfigError: No program is installed, or none speaks the language.
    """
    voices = _espeak_voices(language)
    if language.partition("-")[0] == "en":
        voices += _flite_voices() + _festival_voices()
    if not voices:
        have = [name for name in ("espeak-ng", "flite", "festival") if shutil.which(name)]
        if have:
            raise ConfigError(
                f"{', '.join(have)} cannot speak {language!r}; espeak-ng --voices lists languages"
            )
        raise ConfigError(f"no synthetic voice: none is installed ({_INSTALL})")
    return sorted(voices, key=lambda voice: (voice.program, voice.name))


def speak(text: str, voice: Voice, *, speed: float = 1.0, pitch: float = 1.0) -> Float32:
    """Let a program speak.

    Args:
        text: What to say.
        voice: Who says it.
        speed: 1 is the voice's own.
        pitch: 1 is the voice's own; festival's and some of flite's voices have none to set.

    Returns:
        Samples at 16 kHz, shape [n], at the program's own level.

    Raises:
        VoiceError: The program failed, wrote nothing, or left out the variant.
    """
    samples = _run(text, voice, speed, pitch)
    accent, _, variant = voice.name.partition("+")
    if voice.program == "espeak-ng" and variant:
        plain = Voice(program=voice.program, name=accent, speaker="")
        if np.array_equal(samples, _run(text, plain, speed, pitch)):
            raise VoiceError(f"espeak-ng left out the variant: {voice.name}")
    return samples


def _run(text: str, voice: Voice, speed: float, pitch: float) -> Float32:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = _COMMANDS[voice.program](voice.name, speed, pitch, path)
        try:
            done = subprocess.run(  # noqa: S603  a list; the text goes to standard input
                command, input=text, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as err:
            raise VoiceError(f"{command[0]} failed: {err}") from err
        try:
            samples, rate_hz = soundfile.read(path, dtype="float32")
        except (OSError, soundfile.LibsndfileError) as err:
            reason = done.stderr.strip().partition("\n")[0] or "it wrote no sound"
            raise VoiceError(f"{command[0]} did not say {text!r}: {reason}") from err
    resampled: Float32 = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ)
    return resampled


def _espeak_command(name: str, speed: float, pitch: float, path: Path) -> list[str]:
    rate = round(_ESPEAK_WORDS_PER_MINUTE * speed)
    height = min(99, max(0, round(_ESPEAK_PITCH * pitch)))
    return ["espeak-ng", "-v", name, "-s", str(rate), "-p", str(height), "-w", str(path), "--stdin"]


def _flite_command(name: str, speed: float, pitch: float, path: Path) -> list[str]:
    command = ["flite", "-voice", name, "-f", "/dev/stdin", "-o", str(path)]
    if speed != 1:
        command += ["--setf", f"duration_stretch={1 / speed:.3f}"]
    if pitch != 1:
        mean_hz = _FLITE_MEAN_HZ.get(name, 110.0) * pitch
        command += ["--setf", f"int_f0_target_mean={mean_hz:.1f}"]
    return command


def _festival_command(name: str, speed: float, pitch: float, path: Path) -> list[str]:
    stretch = f"(begin (voice_{name}) (Parameter.set (quote Duration_Stretch) {1 / speed:.3f}))"
    return ["text2wave", "-o", str(path), "-eval", stretch]


_COMMANDS = {
    "espeak-ng": _espeak_command,
    "flite": _flite_command,
    "festival": _festival_command,
}


def _espeak_voices(language: str) -> list[Voice]:
    if shutil.which("espeak-ng") is None:
        return []
    accents = [
        # The language's code would leave the variant out where it stands for another file.
        row[4].rpartition("/")[2].lower()
        for row in _table(["espeak-ng", f"--voices={language}"])
        # mbrola's voices are listed whether they are installed or not.
        if not row[4].startswith(("mb/", "!v/"))
    ]
    variants = [
        row[4].removeprefix("!v/")
        for row in _table(["espeak-ng", "--voices=variant"])
        if not any(word in row[4].lower() for word in _INHUMAN)
    ]
    return [
        Voice(program="espeak-ng", name=f"{accent}+{variant}", speaker=f"espeak-{variant.lower()}")
        for accent in sorted(set(accents))
        for variant in sorted(set(variants))
    ]


def _table(command: list[str]) -> list[list[str]]:
    """Rows of espeak-ng's list: priority, language, age and gender, name, file."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    return [row for row in rows if len(row) >= 5]


def _flite_voices() -> list[Voice]:
    if shutil.which("flite") is None:
        return []
    command = ["flite", "-lv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    listed = done.stdout.partition(":")[2].split()
    return [
        Voice(program="flite", name=name, speaker=person)
        for name, person in _FLITE_PEOPLE.items()
        if name in listed
    ]


def _festival_voices() -> list[Voice]:
    if shutil.which("festival") is None or shutil.which("text2wave") is None:
        return []
    command = ["festival", "--batch", "(print (voice.list))"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    listed = done.stdout.replace("(", " ").replace(")", " ").split()
    return [
        Voice(program="festival", name=name, speaker=person)
        for name, person in _FESTIVAL_PEOPLE.items()
        if name in listed
    ]
