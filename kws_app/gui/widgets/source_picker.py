"""Which microphone: the devices with their host API, the default marked, listed anew on request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from qtpy.QtCore import QProcess, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget

from engine.audio.devices import InputDevice
from engine.own_process import module_command

DEFAULT_TEXT = "Default microphone"
_RECORDING = ("recording",)  # equals the name of no device
# PortAudio lists devices once a process, and doing it again closes what is open: another process
# sees what is there now while this one goes on listening.
_LIST = module_command("kws_app", "--list-devices", "--json")


class SourcePicker(QWidget):
    """A box with the devices and a button that looks again.

    Args:
        program: Prints the devices as JSON lines.
        parent: Owner.
    """

    chosen = Signal(object)
    problem = Signal(str)

    def __init__(self, program: Sequence[str] = _LIST, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._program = tuple(program)
        self._wanted: str | None = None
        self._recording: str | None = None
        self._box = QComboBox()
        self._box.setAccessibleName("Source: a microphone")
        self._box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._box.setMinimumContentsLength(22)
        self._box.activated.connect(self._activated)
        self._again = QPushButton("⟳")
        self._again.setMaximumWidth(3 * self.fontMetrics().height())
        self._again.setToolTip("Look for microphones again")
        self._again.setAccessibleName("Look for microphones again")
        self._again.clicked.connect(self.refresh)
        self._process = QProcess(self)
        self._process.finished.connect(self._listed)
        self._process.errorOccurred.connect(self._failed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box, 1)
        layout.addWidget(self._again)
        self._fill([])

    @property
    def parts(self) -> tuple[QWidget, ...]:
        """What takes the focus, in order."""
        return self._box, self._again

    @property
    def box(self) -> QComboBox:
        """The box."""
        return self._box

    def refresh(self) -> None:
        """Look for devices; the box is filled when they are known."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self._again.setEnabled(False)
            self._process.start(self._program[0], list(self._program[1:]))

    def choose(self) -> None:
        """Open the box."""
        self._box.setFocus()
        self._box.showPopup()

    def select(self, device: str | None, recording: str | None = None) -> None:
        """Show what is listened to; no signal.

        Args:
            device: The microphone; None for the default one.
            recording: Name of the sound file that is listened to instead.
        """
        self._wanted, self._recording = device, recording
        shown = self._box.findData(_RECORDING)
        if shown >= 0:
            self._box.removeItem(shown)
        if recording is not None:
            self._box.addItem(f"{recording} (recording)", _RECORDING)
            self._box.setCurrentIndex(self._box.count() - 1)
            return
        place = self._box.findData(device)
        if place < 0 and device is not None:
            self._box.addItem(f"{device} (not there)", device)
            place = self._box.count() - 1
        self._box.setCurrentIndex(max(0, place))

    def stop(self) -> None:
        """End the process that lists."""
        self._process.kill()
        self._process.waitForFinished(500)

    def _activated(self, place: int) -> None:
        if self._box.itemData(place) == _RECORDING:
            return
        self._wanted = self._box.itemData(place)
        self.chosen.emit(self._wanted)

    def _listed(self, status: int) -> None:
        self._again.setEnabled(True)
        if status != 0:
            said = bytes(self._process.readAllStandardError()).decode(errors="replace").strip()
            self.problem.emit(said.rpartition("\n")[2] or "the microphones cannot be listed")
            return
        text = bytes(self._process.readAllStandardOutput()).decode(errors="replace")
        try:
            devices = [_device(json.loads(line)) for line in text.splitlines() if line]
        except (ValueError, KeyError, TypeError):
            # Libraries of the system may write to standard output, too.
            self.problem.emit("the microphones cannot be listed: what was said is no list of them")
            return
        self._fill(devices)

    def _failed(self) -> None:
        self._again.setEnabled(True)

    def _fill(self, devices: Sequence[InputDevice]) -> None:
        self._box.clear()
        self._box.addItem(DEFAULT_TEXT, None)
        counts = Counter(device.name for device in devices)
        for device in devices:
            mark = " ★" if device.is_default else ""
            # Names outlive replugging, numbers don't; but only a number tells twins apart.
            data = device.name if counts[device.name] == 1 else str(device.index)
            self._box.addItem(f"{device.name} · {device.host_api}{mark}", data)
            self._box.setItemData(
                self._box.count() - 1,
                f"{device.channels} channels, {device.default_rate_hz} Hz"
                + (", the default" if device.is_default else ""),
                Qt.ItemDataRole.ToolTipRole,
            )
        self.select(self._wanted, self._recording)


def _device(values: dict[str, Any]) -> InputDevice:
    return InputDevice(**{item.name: values[item.name] for item in fields(InputDevice)})
