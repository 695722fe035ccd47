"""Every error that kws raises on purpose.

    KwsError
    ├── ConfigError     a setting or argument is wrong
    ├── SourceError     audio cannot be read
    │   └── DeviceError   no usable audio device
    ├── ModelError      a model folder is refused
    ├── BackendError    a backend cannot run the model
    ├── BusyError       another process has what is needed; it may let go
    ├── DisplayError    no window can be shown
    └── TrainingError   a training run cannot go on

Each message says what was got, what was wanted and how to mend it.
"""


class KwsError(Exception):
    """Base of all errors below; catching it catches nothing else."""


class ConfigError(KwsError):
    """A setting, flag or argument is outside what is accepted."""


class SourceError(KwsError):
    """A sound file, stream or device cannot be read."""


class DeviceError(SourceError):
    """No usable audio device: missing, unknown, busy or without PortAudio."""


class ModelError(KwsError):
    """A model folder is incomplete, altered or does not fit this program."""


class BackendError(KwsError):
    """A backend is not available or failed while scoring."""


class BusyError(KwsError):
    """Another process uses what is needed; trying again later may work."""


class DisplayError(KwsError):
    """No window can be shown: no display, or a part that it needs is not installed."""


class TrainingError(KwsError):
    """A training run cannot go on; its last checkpoint is whole."""
