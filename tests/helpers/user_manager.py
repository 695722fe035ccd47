"""A systemd of its own, as it is for a person who has logged in, with the bundled unit in it."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from program import ROOT, environment

from kws_app.resources import asset

MANAGER = "/lib/systemd/systemd"
# A person's systemd may do nothing that only root may, and keeps services apart by other means.
# This person is whoever runs the tests, by another number.
AS_A_PERSON = "unshare --user --map-user=1000 --map-group=1000"
ALONE = ("unshare", "--fork", "--pid", "--mount", "--ipc", "--kill-child", "--mount-proc")
# systemd runs for a person only where it looks booted. Mounts are seen in this namespace alone.
BOOT = (
    "mount --make-rprivate / && mount -t tmpfs tmpfs /run && "
    "mkdir -p /run/systemd/system /run/systemd/unit-root && "
)
START_S = 10.0


def missing() -> str | None:
    """Why there can be none here."""
    if not Path(MANAGER).exists() or shutil.which("systemctl") is None:
        return "systemd is not installed"
    for name in ("unshare", "nsenter"):
        if shutil.which(name) is None:
            return f"{name} is not installed"
    done = subprocess.run(
        [*ALONE, "sh", "-c", f"{BOOT}{AS_A_PERSON} true"], capture_output=True, text=True
    )
    if done.returncode:
        return f"no namespace here: {done.stderr.strip()}"
    with tempfile.TemporaryDirectory() as folder, user_manager(Path(folder)) as manager:
        try:
            manager.begin()
        except AssertionError as err:  # it finds no control groups, for one
            return str(err)
    return None


class UserManager:
    """The manager, and the unit `kws` as docs/service.md installs it.

    Attributes:
        home: The person's.
        out: What the service prints.
        err: What it says on stderr.
        log: What the manager says.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.out, self.err = folder / "out", folder / "err"
        self.log = folder / "log"
        self._runtime = folder / "runtime"
        self._units = folder / ".config" / "systemd" / "user"
        self._units.mkdir(parents=True)
        self._runtime.mkdir(mode=0o700)
        self._environment = environment(HOME=str(folder), XDG_RUNTIME_DIR=str(self._runtime))
        self._process: subprocess.Popen[bytes] | None = None

    def install(self, config: str, *, more: str = "", **variables: str) -> None:
        """The unit, its settings, further lines for its section and its variables."""
        unit = asset("kws.service").read_text().replace("/opt/kws/.venv/bin/python", sys.executable)
        (self._units / "kws.service").write_text(unit)
        # Tests and the interpreter may lie in folders of which it has its own.
        seen = {str(ROOT), sys.prefix, sys.base_prefix, str(self.home)}
        lines = [f"BindReadOnlyPaths={' '.join(sorted(seen))}", f"WorkingDirectory={self.home}"]
        lines += [f"StandardOutput=append:{self.out}", f"StandardError=append:{self.err}"]
        lines += [f"Environment={name}={value}" for name, value in variables.items()]
        own = self._units / "kws.service.d"
        own.mkdir(exist_ok=True)
        (own / "test.conf").write_text("\n".join(["[Service]", *lines, more, ""]))
        settings = self.home / ".config" / "kws" / "service.toml"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(config)

    def begin(self) -> None:
        """Run the manager."""
        command = f"{BOOT}{AS_A_PERSON} {MANAGER} --user --unit=basic.target; true"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*ALONE, "sh", "-c", command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + START_S
        while not self._inside or self("is-system-running").stdout.strip() != "running":
            assert time.monotonic() < until, f"systemd does not begin: {self.log.read_text()}"
            time.sleep(0.05)

    def end(self) -> None:
        """End it, and all that it started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)

    @property
    def _inside(self) -> str:
        """A process in the manager's namespaces."""
        assert self._process is not None
        pid = self._process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()

    def run_path(self, name: str) -> Path:
        """What the service knows as /run/NAME."""
        return Path(f"/proc/{self._inside}/root/run") / name

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Systemctl; it refuses where it looks as if nothing had booted, too."""
        there = ("nsenter", "--mount", "--pid", "--target", self._inside)
        return subprocess.run(
            [*there, "systemctl", "--user", *words],
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=90,
        )

    def shown(self, name: str) -> str:
        """A property of the unit."""
        return self("show", "--value", "--property", name, "kws").stdout.strip()


@contextmanager
def user_manager(folder: Path) -> Iterator[UserManager]:
    """One that has not begun yet; it ends with the test."""
    made = UserManager(folder)
    try:
        yield made
    finally:
        made.end()
