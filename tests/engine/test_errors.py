"""One small tree."""

import pytest

from engine import errors


@pytest.mark.parametrize("name", ["ConfigError", "SourceError", "ModelError", "BackendError"])
def test_catching_the_base_catches_all_and_siblings_nothing(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, errors.KwsError)
    assert kind.__bases__ == (errors.KwsError,)


def test_a_device_is_a_source() -> None:
    assert issubclass(errors.DeviceError, errors.SourceError)
