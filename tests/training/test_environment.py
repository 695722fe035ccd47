"""What a run was made with is read off the machine, and nothing is imported for it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from training import environment


def test_versions_are_those_that_run() -> None:
    found = environment.software()
    assert found["numpy"] == np.__version__
    assert found["torch"] == torch.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_package_that_is_not_there_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_PACKAGES", ("numpy", "no-such-package"))
    assert set(environment.software()) == {"python", "numpy"}


def test_nothing_is_imported_for_the_versions() -> None:
    script = (
        "import sys; from training.environment import machine, software; software(); machine();"
        "print([n for n in ('torch', 'numpy', 'onnx', 'onnxruntime') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor : 0\nmodel name\t: A Processor 3000\nmodel name\t: B\n", "A Processor 3000"),
        ("model name :\n", ""),
        (None, ""),
    ],
)
def test_the_processor_names_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, name: str
) -> None:
    info = tmp_path / "cpuinfo"
    if text is not None:
        info.write_text(text)
    monkeypatch.setattr(environment, "_CPU_INFO", info)
    monkeypatch.setattr("platform.machine", lambda: "the architecture")
    assert environment.cpu_name() == (name or "the architecture")


def test_a_training_machine_has_threads_and_maybe_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    found = environment.training_machine(torch.device("cpu"))
    assert found["torch_threads"] == torch.get_num_threads()
    assert found["cores"] >= 1
    assert found["gpu"] is None
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: f"GPU of {device}")
    assert environment.training_machine(torch.device("cuda", 1))["gpu"] == "GPU of cuda:1"
