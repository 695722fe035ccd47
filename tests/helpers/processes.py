"""Programs that leave files named by their numbers, so that tests can look after them."""

from pathlib import Path

from actions import wait_until


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie that waits for init does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def started(folder: Path, count: int) -> list[int]:
    wait_until(lambda: len(list(folder.iterdir())) == count)
    return [int(path.name) for path in folder.iterdir()]


SLEEPER = """
import os, pathlib, signal, sys, time
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
time.sleep(600)
"""
# The leader obeys SIGTERM, its child does not.
FAMILY = f"""
import os, pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEPER!r}, sys.argv[1], "deaf"])
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
time.sleep(600)
"""
