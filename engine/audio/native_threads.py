"""Threads that PortAudio starts and that nobody can end.

Version 19.6 on ALSA: where a device goes while it is being opened, the thread that calls back may
run in circles for ever, for which it cannot be cancelled or asked to stop.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

_LOOK_S = 0.5
_BUSY = 0.4  # of a core, also on a busy machine
_TASKS = Path("/proc/self/task")
_was_found = False


def thread_ids() -> frozenset[int]:
    """All threads of this process; none where the system does not tell (only Linux does)."""
    try:
        return frozenset(int(task.name) for task in _TASKS.iterdir())
    except OSError:
        return frozenset()


def has_runaway(before: frozenset[int]) -> bool:
    """Whether a thread that has come since then does nothing but run; takes half a second.

    Args:
        before: `thread_ids` of then.
    """
    global _was_found
    used_s = {thread: _used_s(thread) for thread in thread_ids() - before}
    time.sleep(_LOOK_S)
    for thread, then_s in used_s.items():
        if _used_s(thread) - then_s > _BUSY * _LOOK_S:
            _was_found = True
            return True
    return False


def was_found() -> bool:
    """Whether there has been one: it still runs, in libraries that the end of a process unloads."""
    return _was_found


def _used_s(thread: int) -> float:
    """Processor time so far; 0 of one that has ended."""
    with contextlib.suppress(OSError):
        # proc(5): the name, in parentheses, may hold spaces; utime and stime are fields 14 and 15.
        fields = (_TASKS / str(thread) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
