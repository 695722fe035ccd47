"""Flags, environment and file: one field each, the nearer one wins."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.manifest import ModelManifest
from kws_app.settings import (
    Settings,
    decision_for,
    read_command,
    require_window_has,
    to_toml,
)

FLAGS = {
    "--device": ("USB", "device", "USB"),
    "--input": ("a.wav", "input", "a.wav"),
    "--rate": ("8000", "rate", 8_000),
    "--channels": ("2", "channels", 2),
    "--model": ("m", "model", Path("m")),
    "--backend": ("cpu", "backend", "cpu"),
    "--keywords": ("yes, no,", "keywords", ("yes", "no")),
    "--threshold": ("yes=0.8", "threshold", {"yes": 0.8}),
    "--smoothing": ("4", "smoothing", 4),
    "--refractory": ("0.5", "refractory", 0.5),
    "--posteriors": ("p.npz", "posteriors", Path("p.npz")),
    "--record": ("r.flac", "record", Path("r.flac")),
    "--ledger": ("kept", "ledger", Path("kept")),
    "--near-miss": ("0.7", "near_miss", 0.7),
    "--ledger-days": ("7", "ledger_days", 7.0),
    "--ledger-mb": ("0.5", "ledger_mb", 0.5),
    "--actions": ("dry-run", "actions", "dry-run"),
    "--duration": ("2.5", "duration", 2.5),
    "--max-detections": ("3", "max_detections", 3),
}


def settings(*arguments: str, **environment: str) -> Settings:
    return read_command(arguments, environment).settings


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_and_its_variable(flag: str) -> None:
    text, name, value = FLAGS[flag]
    assert getattr(settings(flag, text), name) == value
    variable = "KWS_" + name.upper()
    assert getattr(settings(**{variable: text}), name) == value


def test_switches() -> None:
    on = settings("--json", "--realtime", "--input", "a", "-q", "-vv")
    assert (on.json, on.realtime, on.quiet, on.verbose) == (True, True, True, 2)
    assert settings(KWS_JSON="true").json
    assert not settings(KWS_JSON="0").json


def test_thresholds_may_be_repeated() -> None:
    got = settings("--threshold", "yes=0.8", "--threshold", "no=.9").threshold
    assert got == {"yes": 0.8, "no": 0.9} == settings(KWS_THRESHOLD="yes=0.8,no=0.9").threshold
    assert settings("--threshold", "yes=0.8,no=0.9").threshold == got


def test_flag_beats_environment_beats_file(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_text('smoothing = 2\nrefractory = 1\njson = true\nkeywords = ["yes"]\n')
    got = read_command(
        ["--config", str(path), "--smoothing", "4"],
        {"KWS_SMOOTHING": "3", "KWS_REFRACTORY": "2"},
    ).settings
    assert (got.smoothing, got.refractory, got.json, got.keywords) == (4, 2.0, True, ("yes",))
    assert settings(KWS_CONFIG=str(path)).smoothing == 2


def test_what_was_given_is_told_apart_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_text("smoothing = 2\nrefractory = 1\n")
    command = read_command(["--config", str(path), "--smoothing", "4"], {"KWS_RATE": "8000"})
    assert command.given == {"rate": 8_000, "smoothing": 4}
    assert command.file == path
    assert read_command([], {}).file is None


@pytest.mark.parametrize(
    ("file", "arguments", "wanted"),
    [
        ('device = "USB"', ["--input", "a.wav"], (None, "a.wav", False)),
        ('input = "a.wav"\nrealtime = true', ["--device", "USB"], ("USB", None, False)),
        ('input = "a.wav"', ["--realtime"], (None, "a.wav", True)),
    ],
)
def test_a_nearer_source_puts_the_other_kind_out_of_force(
    tmp_path: Path, file: str, arguments: list[str], wanted: tuple[str | None, str | None, bool]
) -> None:
    path = tmp_path / "kws.toml"
    path.write_text(file)
    got = settings("--config", str(path), *arguments)
    assert (got.device, got.input, got.realtime) == wanted


def test_the_table_of_the_window_is_left_to_the_window(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_text('smoothing = 2\n[window]\ntheme = "dark"\n')
    assert settings("--config", str(path)) == Settings(smoothing=2)
    path.write_text("window = 3\n")
    with pytest.raises(ConfigError, match=r"kws.toml: window must be a table, \[window\]"):
        settings("--config", str(path))


def test_foreign_variables_are_left_alone() -> None:
    assert settings(PATH="x", HOME="y") == Settings()


@pytest.mark.parametrize(
    ("arguments", "action"),
    [
        ([], "window"),
        (["--headless"], "headless"),
        (["--list-devices"], "list-devices"),
        (["--headless", "--print-config"], "print-config"),
        (["--headless", "--list-devices", "--json"], "list-devices"),
    ],
)
def test_actions(arguments: list[str], action: str) -> None:
    assert read_command(arguments, {}).action == action


def test_printed_settings_read_back_the_same(tmp_path: Path) -> None:
    given = settings(
        *("--threshold", "yes=0.8", "--keywords", "yes,no", "--smoothing", "2", "--json"),
        *("--input", 'a "quoted" \\ näme.wav', "--duration", "1.5", "-v"),
    )
    path = tmp_path / "kws.toml"
    path.write_text(to_toml(given), encoding="utf-8")
    assert settings("--config", str(path)) == given
    path.write_text(to_toml(Settings()))
    assert settings("--config", str(path)) == Settings()


def test_printed_actions_read_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_text("""
        actions = "on"
        [threshold]
        yes = 0.5
        [[action]]
        keyword = ["yes", "no"]
        command = ["echo", 'a "quoted" \\ näme']
        [[action]]
        keyword = "*"
        webhook = "http://127.0.0.1/"
        headers = { X-Room = "kitchen", Authorization = { env = "HOOK_TOKEN" } }
        cooldown_s = 2.5
        dry_run = true
    """)
    given = read_command(["--config", str(path)], {})
    assert len(given.actions) == 2
    path.write_text(to_toml(given.settings, given.actions), encoding="utf-8")
    assert read_command(["--config", str(path)], {}) == given


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--headles"], r"unknown argument '--headles' \(did you mean '--headless'\?\)"),
        (["--max-detection=3"], r"'--max-detection' \(did you mean '--max-detections'\?\)"),
        (["docter"], r"unknown argument 'docter' \(did you mean 'doctor'\?\)"),
        (["stray"], "unknown argument 'stray'; --help lists them"),
        (["--smoothing"], "--smoothing: expected one argument; --help"),
        (["--smoothing", "x"], "smoothing is 'x'; it must be a whole number"),
        (["--smoothing", "1.5"], "smoothing is '1.5'; it must be a whole number"),
        (["--duration", "soon"], "duration is 'soon'; it must be a number"),
        (["--duration", "0"], "duration is 0.0; it must be above 0"),
        (["--duration", "inf"], "duration is inf; it must be above 0"),
        (["--max-detections", "-1"], "max_detections is -1; it must be above 0"),
        (["--input", ""], "input is empty; name a sound file, or - for standard input"),
        (["--rate", "0"], "rate is 0; it must be above 0"),
        (["--channels", "0"], "channels is 0; it must be above 0"),
        (["--refractory", "nan"], "refractory is nan; it must be 0 to 3600 seconds"),
        (["--refractory", "1e308"], r"refractory is 1e\+308; it must be 0 to 3600 seconds"),
        (["--duration", "1e308"], r"duration is 1e\+308; it must be above 0 and at most"),
        (["--ledger", "a\0b"], r"ledger is 'a\\x00b'; it must be a path without zero bytes"),
        (["--device", "a\0b"], r"device is 'a\\x00b'; it must be a text without zero bytes"),
        (["--near-miss", "0"], "near_miss is 0.0; it must be above 0 and at most 1"),
        (["--near-miss", "1.1"], "near_miss is 1.1; it must be above 0 and at most 1"),
        (["--near-miss", "nan"], "near_miss is nan; it must be above 0 and at most 1"),
        (["--ledger-days", "0"], "ledger_days is 0.0; it must be above 0 and at most 36500"),
        (["--ledger-days", "1e9"], "ledger_days is 1000000000.0; it must be above 0 and at mo"),
        (["--ledger-mb", "-1"], "ledger_mb is -1.0; it must be above 0"),
        (["--threshold", "yes"], "'yes' is not KEYWORD=VALUE, for example yes=0.8"),
        (["--threshold", "yes=high"], "'yes=high' is not KEYWORD=VALUE"),
        (["--threshold", "yes=1.1"], "threshold of 'yes' is 1.1; it must be above 0"),
        (["--threshold", "yes=-0.1"], "threshold of 'yes' is -0.1"),
        (["--threshold", "yes=nan"], "threshold of 'yes' is nan"),
        (
            ["--backend", "tpu"],
            "backend 'tpu' is unknown; choose one of auto, tensorrt, tensorrt_rtx",
        ),
        (
            ["--actions", "of"],
            r"actions is 'of'; it must be one of off, dry-run, on \(did you mean",
        ),
        (["--device", "a", "--input", "b"], "--device and --input exclude each other"),
        (["--device", ""], "device is empty; name a microphone"),
        (["--fallback-device", " "], "fallback_device is empty; name a microphone"),
        (["--realtime"], "--realtime paces a file; give --input FILE with it"),
        (["--config", "nowhere.toml"], "cannot read nowhere.toml: No such file"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_command(arguments, {})


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"KWS_SMOTHING": "1"}, r"KWS_SMOTHING is unknown \(did you mean 'KWS_SMOOTHING'\?\)"),
        ({"KWS_JSON": "perhaps"}, "json is 'perhaps'; it must be true or false"),
        ({"KWS_RATE": ""}, "rate is ''; it must be a whole number"),
    ],
)
def test_wrong_variables(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_command([], environment)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smoothing = ", "is not valid TOML"),
        ("smothing = 1", r"setting 'smothing' is unknown \(did you mean 'smoothing'\?\)"),
        ("smoothing = 1.0", "smoothing is 1.0; it must be a whole number"),
        ("smoothing = true", "smoothing is True; it must be a whole number"),
        ("refractory = " + "9" * 400, "a whole number has more than 64 bits"),
        ('ledger = "a\\u0000b"', r"ledger is 'a\\x00b'; it must be a path"),
        ("refractory = true", "refractory is True; it must be a number"),
        ("json = 1.5", "json is 1.5; it must be true or false"),
        ("model = 3", "model is 3; it must be a path"),
        ("keywords = 3", "keywords is 3; it must be a list of words"),
        ("threshold = 3", "threshold is 3; it must be a list of KEYWORD=VALUE"),
        ("[threshold]\nyes = true", "threshold is .*; it must be a list of KEYWORD=VALUE"),
        ("device = 1.5", "device is 1.5; it must be a text"),
        ("\udcff", "is not valid TOML"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "kws.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=message):
        read_command(["--config", str(path)], {})


def test_without_wishes_the_manifest_decides(tiny: ModelManifest) -> None:
    assert decision_for(Settings(), tiny) == tiny.decision


def test_wishes_over_the_manifest(tiny: ModelManifest) -> None:
    wishes = Settings(keywords=("high",), threshold={"high": 0.9}, smoothing=5, refractory=0.25)
    decision = decision_for(wishes, tiny)
    assert list(decision.operating_points) == ["high"]
    assert decision.operating_points["high"].threshold == 0.9
    assert decision.operating_points["high"].rearm_threshold == pytest.approx(0.45)
    assert (decision.smoothing_windows, decision.refractory_samples) == (5, 4_000)


@pytest.mark.parametrize(
    "wishes", [Settings(keywords=("hihg",)), Settings(threshold={"hihg": 0.5})]
)
def test_unknown_keywords_are_named_with_a_suggestion(
    tiny: ModelManifest, wishes: Settings
) -> None:
    with pytest.raises(ConfigError, match=r"'hihg' is not a keyword.*'high'.*keywords: low, high"):
        decision_for(wishes, tiny)


def test_listening_for_nothing_is_refused(tiny: ModelManifest) -> None:
    with pytest.raises(ConfigError, match="keywords is empty; name at least one"):
        decision_for(settings("--keywords", " ,"), tiny)


def test_smoothing_out_of_range(tiny: ModelManifest) -> None:
    with pytest.raises(ConfigError, match="smoothing is 0 windows; it must be 1 to 100"):
        decision_for(Settings(smoothing=0), tiny)


def test_an_empty_folder_is_none(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_text('ledger = "heard"\nrecord = "r.flac"\n')
    for given in (
        settings("--config", str(path), "--ledger", "", "--record", ""),
        settings("--config", str(path), KWS_LEDGER="", KWS_RECORD=""),
    ):
        assert (given.ledger, given.record) == (None, None)
    path.write_text('ledger = ""\n')
    assert settings("--config", str(path)).ledger is None


@pytest.mark.parametrize(
    "flag", ["--duration=5", "--max-detections=2", "--json", "--posteriors=p.npz", "--input=-"]
)
def test_what_the_window_does_not_do_is_refused(flag: str) -> None:
    given = read_command([flag], {}).given
    with pytest.raises(ConfigError, match=f"^{flag.partition('=')[0]}.* goes with --headless; "):
        require_window_has(given, {})


def test_what_the_window_does_is_not_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^KWS_JSON goes with --headless"):
        require_window_has(read_command([], {"KWS_JSON": "1"}).given, {"KWS_JSON": "1"})
    require_window_has(read_command([], {"KWS_JSON": "0"}).given, {"KWS_JSON": "0"})
    path = tmp_path / "kws.toml"
    path.write_text("duration = 5\n")  # for the console
    mine = ["--record", "r.flac", "--realtime", "--input", "a.wav", "--config", str(path)]
    require_window_has(read_command(mine, {}).given, {})
