"""For the moment in which a model is loaded, memory has an end."""

import resource
import sys

import numpy as np
import pytest

from engine.memory_limit import bounded_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the limit")


def test_memory_has_an_end_for_a_moment() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory(0):
        np.empty(1 << 29, np.uint8)
        with pytest.raises(MemoryError):
            np.empty(5 << 28, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    np.empty(5 << 28, np.uint8)


def test_a_large_model_has_more_room() -> None:
    with bounded_memory(1 << 27):
        np.empty(5 << 28, np.uint8)


def test_the_limit_goes_also_after_an_error() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(ValueError, match="x"), bounded_memory(0):
        raise ValueError("x")
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
