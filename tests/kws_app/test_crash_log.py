"""The log stays small and private, and names no recording."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from full_disk import files_of_at_most
from program import ROOT, environment

from kws_app import crash_log
from kws_app.crash_log import PrivateFile, describe, log_faults, open_private, without_names


def log_to(path: Path) -> tuple[logging.Logger, PrivateFile]:
    handler = PrivateFile(path)
    logger = logging.getLogger("kws.test")
    logger.propagate = False
    logger.handlers[:] = [handler]
    return logger, handler


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "a" / "kws.log"
    logger, handler = log_to(path)
    assert not path.parent.exists()
    old = os.umask(0)
    try:
        logger.warning("something %d", 3)
    finally:
        os.umask(old)
    handler.close()
    stamp, _, rest = path.read_text().partition("Z ")
    assert len(stamp) == len("2026-01-01 00:00:00")
    assert rest == "WARNING something 3\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_three_files_of_a_megabyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (crash_log.MAX_BYTES, crash_log.FILES) == (1 << 20, 3)
    monkeypatch.setattr(crash_log, "MAX_BYTES", 1_000)
    logger, handler = log_to(tmp_path / "kws.log")
    for _ in range(100):
        logger.error("x" * 100)
    handler.close()
    assert {path.name for path in tmp_path.iterdir()} == {"kws.log", "kws.log.1", "kws.log.2"}
    assert all(path.stat().st_size <= 1_000 for path in tmp_path.iterdir())
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


def test_a_log_that_cannot_be_written_is_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    logger, handler = log_to(tmp_path / "file" / "kws.log")
    logger.error("something")
    handler.close()
    logger, handler = log_to(tmp_path / "kws.log")
    with files_of_at_most(10):
        logger.error("something")
    handler.close()
    assert capsys.readouterr().err == ""


def test_appending(tmp_path: Path) -> None:
    for _ in range(2):
        with open_private(tmp_path / "a") as file:
            file.write("ä\udcff\n")
    assert (tmp_path / "a").read_text() == "ä?\nä?\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cannot read /home/me/my talk 1.wav: gone", "cannot read <path>: gone"),
        ("cannot read talk.FLAC: gone", "cannot read <path>: gone"),
        ("[Errno 2] No such file: '/home/me/secret plan'", "[Errno 2] No such file: '<path>'"),
        ('"a b/c d" is odd', '"<path>" is odd'),
        ("../talks/one and ~/two, three", "<path> and <path>, three"),
        ("heard/clip-1.npz is torn", "<path> is torn"),
        ("models/mine: SHA-256 differs", "<path>: SHA-256 differs"),
        ("shape [98, 128] is not [98, 64]; 3 / 4 = 0.75", None),
        ("it isn't there, and wasn't", None),
        ("false alarms per hour: 3.5", None),
        ("webhook http://127.0.0.1:8123: status 200", None),
        ("webhook https://lamp.home: status 200", None),
        ("not file:///home/me/plan", "not file://<path>"),
    ],
)
def test_names_are_left_out(text: str, wanted: str | None) -> None:
    assert without_names(text) == (text if wanted is None else wanted)


def raised() -> BaseException:
    try:
        try:
            raise FileNotFoundError(2, "No such file", "/home/me/talk.wav")
        except FileNotFoundError as err:
            raise RuntimeError("cannot open /home/me/talk.wav") from err
    except RuntimeError as err:
        return err


def described(error: BaseException, *, names: bool = False) -> str:
    return describe((type(error), error, error.__traceback__), names=names)


def test_the_programs_own_files_stay_and_the_names_in_messages_go() -> None:
    text = described(raised())
    assert f'File "{__file__}"' in text
    assert "FileNotFoundError: [Errno 2] No such file: '<path>'" in text
    assert "which led to:" in text
    assert text.endswith("RuntimeError: cannot open <path>")
    assert described(raised(), names=True).endswith("RuntimeError: cannot open /home/me/talk.wav")


def test_what_was_handled_and_groups() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise ExceptionGroup("many", [ValueError("a/b.wav"), raised()])  # noqa: B904
    except ExceptionGroup as err:
        text = described(err)
    assert text.index("KeyError: 'first'") < text.index("while that was handled:")
    assert text.count("one of them:") == 2
    assert "ValueError: <path>" in text
    assert "RuntimeError: cannot open <path>" in text


def test_without_a_traceback() -> None:
    assert described(ValueError("bare")) == "ValueError: bare"


def test_a_normal_end_leaves_nothing(tmp_path: Path) -> None:
    with log_faults(tmp_path / "state" / "log" / "kws.log"):
        (file,) = (tmp_path / "state" / "log").iterdir()
        assert file.name == f"faults-{os.getpid()}.log"
        assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == []


def test_what_else_lies_in_the_folder_stays(tmp_path: Path) -> None:
    with log_faults(tmp_path / "log" / "kws.log"):
        (tmp_path / "log" / "kws.log").touch()
    assert [file.name for file in (tmp_path / "log").iterdir()] == ["kws.log"]


def test_the_newest_crashes_are_kept(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    for age in range(8):
        file = tmp_path / f"faults-{gone.pid}{age}.log"
        file.write_text("stacks")
        os.utime(file, (1_000 - age, 1_000 - age))
    running = tmp_path / "faults-1.log"
    running.touch()
    os.utime(running, (0, 0))
    with log_faults(tmp_path / "kws.log"):
        kept = {file.name for file in tmp_path.iterdir()}
    own = f"faults-{os.getpid()}.log"
    assert kept == {own, running.name} | {f"faults-{gone.pid}{age}.log" for age in range(4)}


def test_where_no_file_can_be_written_stderr_gets_the_stacks(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    program = (
        "import faulthandler, sys; from pathlib import Path; "
        "from kws_app.crash_log import log_faults\n"
        "with log_faults(Path(sys.argv[1])): faulthandler._sigsegv()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "file" / "kws.log")],
        capture_output=True,
        cwd=ROOT,
        env=environment(),
    )
    assert done.returncode < 0
    assert done.stderr.startswith(b"Fatal Python error: Segmentation fault")
