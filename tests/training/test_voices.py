"""Synthetic voices speak as asked, or say that they do not."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ConfigError
from training import voices as module
from training.voices import Voice, VoiceError, installed_voices, speak

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="no flite here")
needs_festival = pytest.mark.skipif(shutil.which("text2wave") is None, reason="no festival here")


def espeak(name: str) -> Voice:
    return Voice(program="espeak-ng", name=name, speaker="x")


@needs_espeak
def test_espeak_has_hundreds_of_settings_of_tens_of_speakers() -> None:
    voices = [voice for voice in installed_voices() if voice.program == "espeak-ng"]
    assert len(voices) > 300
    assert 50 < len({voice.speaker for voice in voices}) < 110
    assert all("+" in voice.name and not voice.name.startswith("mb") for voice in voices)
    assert not [voice for voice in voices if "robo" in voice.name.lower()]


@needs_espeak
def test_every_accent_takes_its_variant() -> None:
    by_accent = {
        voice.name.partition("+")[0]: voice for voice in installed_voices() if "+f3" in voice.name
    }
    assert len(by_accent) >= 5
    for voice in by_accent.values():
        assert len(speak("four", voice)) > 1_600


@needs_espeak
@pytest.mark.parametrize("name", ["en-gb+f3", "en-us+Nonexistent"])
def test_a_variant_that_is_left_out_is_noticed(name: str) -> None:
    with pytest.raises(VoiceError, match="left out the variant: en-"):
        speak("four", espeak(name))


@needs_espeak
def test_speed_and_pitch_change_what_is_heard() -> None:
    voice = espeak("en-us+f3")
    plain = speak("seven", voice)
    assert len(speak("seven", voice, speed=1.4)) < 0.9 * len(plain)
    assert not np.array_equal(speak("seven", voice, pitch=1.3), plain)


@needs_espeak
def test_a_word_is_never_taken_for_a_flag() -> None:
    assert len(speak("--version", espeak("en-us+f3"))) > 1_600


@needs_flite
def test_flite_speaks_with_its_own_voices() -> None:
    voices = {voice.name: voice for voice in installed_voices() if voice.program == "flite"}
    assert {"slt", "rms"} <= set(voices)
    plain = speak("seven", voices["slt"])
    assert len(speak("seven", voices["slt"], speed=0.7)) > 1.2 * len(plain)
    assert not np.array_equal(speak("seven", voices["slt"], pitch=1.3), plain)


@needs_festival
def test_festival_speaks_or_says_why_not() -> None:
    voices = [voice for voice in installed_voices() if voice.program == "festival"]
    assert voices
    assert len(speak("seven", voices[0])) > 1_600
    with pytest.raises(VoiceError, match=r"text2wave did not say 'seven': .*voice_nobody"):
        speak("seven", Voice(program="festival", name="nobody", speaker="x"))


@needs_flite
@needs_festival
def test_a_person_behind_two_programs_is_one_speaker() -> None:
    programs: dict[str, set[str]] = {}
    for voice in installed_voices():
        programs.setdefault(voice.speaker, set()).add(voice.program)
    assert programs["kal"] == {"flite", "festival"}


def test_without_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match=r"no synthetic voice: none is installed \(Debian"):
        installed_voices()


@needs_espeak
def test_other_languages() -> None:
    assert {voice.program for voice in installed_voices("de")} == {"espeak-ng"}
    with pytest.raises(ConfigError, match="cannot speak 'tlh-x'"):
        installed_voices("tlh-x")


def test_a_program_that_fails_or_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.2)
    for command, message in (
        (["sleep", "5"], "timed out"),
        (["false"], "it wrote no sound"),
        (["/nonexistent/program"], "No such file"),
    ):
        monkeypatch.setitem(module._COMMANDS, "flite", lambda *_, command=command: command)
        with pytest.raises(VoiceError, match=message):
            speak("x", Voice(program="flite", name="slt", speaker="slt"))
