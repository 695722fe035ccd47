"""Output that cannot be printed is thrown away: nothing is raised, nothing complains later."""

import io
import subprocess
import sys

import pytest
from program import ROOT, environment

from training.streams import say


def test_a_line_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    say("on stdout")
    say("on stderr", sys.stderr)
    assert capsys.readouterr() == ("on stdout\n", "on stderr\n")


def test_a_stream_that_takes_nothing() -> None:
    closed = io.StringIO()
    closed.close()
    say("lost", closed)


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", "2>/dev/full", "2>&- >&-"])
def test_python_has_nothing_to_complain_of_at_its_end(redirection: str) -> None:
    code = (
        "import sys; from training.streams import *; open_closed_streams(); say('a'); "
        "sys.stdout.write('b'); sys.stderr.write('c'); flush_streams()"
    )
    done = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "{code}" {redirection}'],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert done.returncode == 0
    assert "Error" not in done.stderr


def test_a_closed_stream_gives_its_number_to_no_file() -> None:
    code = (
        "from training.streams import open_closed_streams; open_closed_streams(); "
        "import os; assert os.open('/dev/null', os.O_RDONLY) > 2"
    )
    command = f'{sys.executable} -c "{code}" >&- 2>&-'
    assert subprocess.run(["bash", "-c", command], cwd=ROOT, env=environment()).returncode == 0
