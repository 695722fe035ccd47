"""A virtual microphone for the tests that need one."""

from collections.abc import Iterator

import pytest
from program import run
from virtual_microphone import missing_program, virtual_microphone


@pytest.fixture(scope="module")
def microphone() -> Iterator[dict[str, str]]:
    """Variables under which `pulse` is a microphone."""
    missing = missing_program()
    if missing is not None:
        pytest.skip(f"no virtual microphone: {missing} is not installed")
    if "PortAudio is missing" in run("--list-devices").stderr:
        pytest.skip("no virtual microphone: PortAudio is not installed")
    with virtual_microphone() as variables:
        listed = run("--list-devices", **variables).stdout
        if " pulse " not in listed:
            pytest.skip("no virtual microphone: ALSA has no pulse device (libasound2-plugins)")
        yield variables
