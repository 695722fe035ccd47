"""The switch, the model and the machine decide what may run."""

from pathlib import Path

import pytest
from actions import detection, make_certificate, read

from engine.errors import ConfigError
from engine.manifest import ModelManifest
from kws_app.actions.wiring import make_runner

BOTH = """
[[action]]
keyword = "low"
command = ["true"]
[[action]]
keyword = ["low", "high"]
command = ["false"]
enabled = false
"""


def lines_of(switch: str, text: str, manifest: ModelManifest, level: int = 0) -> list[str]:
    lines: list[str] = []
    actions = read(text) if text else ()
    with make_runner(switch, actions, manifest, lines.append, level=level) as runner:
        runner.put(detection("low"))
    return lines


def test_off_says_that_it_is_off(tiny: ModelManifest) -> None:
    assert lines_of("off", BOTH, tiny) == [
        "actions are off (2 in the settings file): --actions on does them, "
        "--actions dry-run only says what it would do"
    ]
    assert lines_of("off", BOTH, tiny, -1) == []
    assert lines_of("off", "", tiny) == []


def test_on_and_dry_run(tiny: ModelManifest) -> None:
    assert lines_of("on", BOTH, tiny) == [
        "actions are on: 1 of 2 enabled",
        "action 1, low at 1.50 s: command true: exit status 0",
        "actions: 1 begun",
    ]
    assert lines_of("on", BOTH, tiny, -1) == []
    assert lines_of("dry-run", BOTH, tiny) == [
        "actions are only said, not done: 1 of 2 enabled",
        "action 1, low at 1.50 s: command true: dry run",
        "actions: 1 only said",
    ]


def test_on_without_actions_is_told(tiny: ModelManifest) -> None:
    for switch in ("on", "dry-run"):
        assert lines_of(switch, "", tiny) == [
            f"actions are {switch}, but no enabled [[action]] was read; --config names the file"
        ]


HOOK = 'webhook = "http://h/"\nheaders = { A = { env = "HOOK_TOKEN" } }'
MQTT = 'mqtt = "t"\nhost = "h"\n'
MISSING = {
    'keyword = "lo"\ncommand = ["true"]': "'lo' is not a keyword of model 'tiny' .did you mean 'lo",
    'keyword = "_silence_"\ncommand = ["true"]': "is not a keyword .*; its keywords: low, high",
    'keyword = "*"\ncommand = ["no-such-program"]': "no program 'no-such-program' is on PATH; inst",
    'keyword = "*"\ncommand = ["/etc/passwd"]': "no program '/etc/passwd' is on PATH",
    'keyword = "*"\nkeystroke = "m"': "keystroke needs an X display",
    'keyword = "*"\n' + HOOK: "headers, A: environment variable HOOK_TOKEN is not set; export it",
    f'keyword = "*"\n{MQTT}username = "u"\npassword_file = "/no"': "cannot read /no: No such file",
    f'keyword = "*"\n{MQTT}tls = true\nca_file = "/no"': "cannot use ca_file /no: No such file",
    f'keyword = "*"\n{MQTT}tls = true\nca_file = "/etc/passwd"': "no certificates in PEM format",
}


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # Xlib's sockets that failed
@pytest.mark.parametrize("text", MISSING)
def test_what_is_missing(tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.delenv("HOOK_TOKEN", raising=False)
    for switch in ("on", "dry-run"):
        with pytest.raises(ConfigError, match=f"^kws.toml, action 1.*{MISSING[text]}"):
            lines_of(switch, f"[[action]]\n{text}", tiny)
    assert len(lines_of("off", f"[[action]]\n{text}", tiny)) == 1
    assert len(lines_of("on", f"[[action]]\n{text}\nenabled = false", tiny)) == 1


def test_secrets_for_headers_are_ascii(
    tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "hush ä")
    with pytest.raises(ConfigError, match="A: the secret has letters outside of ASCII") as err:
        lines_of("on", f'[[action]]\nkeyword = "*"\n{HOOK}', tiny)
    assert "hush" not in str(err.value)


def test_mqtt_needs_paho(tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "paho.mqtt.client", None)
    with pytest.raises(ConfigError, match="action 1: mqtt needs paho-mqtt"):
        lines_of("on", f'[[action]]\nkeyword = "*"\n{MQTT}', tiny)


def test_what_is_there_is_accepted(tmp_path: Path, tiny: ModelManifest) -> None:
    certificate, _ = make_certificate(tmp_path)
    (tmp_path / "pass").write_text("sesame")
    text = f'{MQTT}tls = true\nca_file = "{certificate}"\nusername = "u"\n'
    text += f'password_file = "{tmp_path / "pass"}"\ndry_run = true'
    assert len(lines_of("on", f'[[action]]\nkeyword = "high"\n{text}', tiny)) == 2
