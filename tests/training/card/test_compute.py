"""Costs are those of the model alone, in a process that only scores."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
from card_world import World

from engine.errors import BackendError, ModelError
from engine.manifest import load_manifest
from training.ast import AudioSpectrogramTransformer
from training.card import compute
from training.card.compute import count_parameters, logit_differences, measure_cost, run_apart


def test_parameters_bytes_and_parity(world: World) -> None:
    cost = world.records.cost
    assert cost
    from training.start import open_trained

    model: AudioSpectrogramTransformer = open_trained(str(world.model)).model
    assert cost.parameters == sum(p.numel() for p in model.parameters())
    assert cost.file_bytes["model.onnx"] == (world.model / "model.onnx").stat().st_size
    assert set(cost.file_bytes) == {"model.onnx", "model.safetensors"}
    assert cost.parity is not None
    assert 0 <= cost.parity["cpu"] < 1e-4


def test_parity_sees_other_weights(world: World, tmp_path: Path) -> None:
    from training.start import open_trained
    from training.weights import write_weights

    folder = tmp_path / "model"
    shutil.copytree(world.model, folder)
    manifest = load_manifest(folder)
    model = open_trained(str(folder)).model
    with torch.no_grad():
        model.head.bias += 0.5
    write_weights(folder / "model.safetensors", model, {})
    # The hash would give it away; parity must, too.
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr("engine.manifest._verify_files", lambda manifest: None)
        assert logit_differences(manifest, ["cpu"])["cpu"] == pytest.approx(0.5, abs=1e-3)


def test_times_and_memory_are_of_a_process_that_only_scores(world: World) -> None:
    cost = world.records.cost
    assert cost
    found = cost.scoring["cpu"]
    assert 0 < found["model_ms"]["p50"] <= found["model_ms"]["p95"]
    assert found["model_ms"]["p50"] < found["total_ms"]["p50"]
    # This process holds torch; what only scores holds less.
    here = int(
        next(
            line.split()[1]
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )
    )
    assert 10 < found["peak_mib"] < here / 1024


def test_what_is_only_counted_takes_no_time(world: World) -> None:
    manifest = world.records.manifest
    assert manifest
    cost = measure_cost(manifest, timed=False)
    assert cost.scoring == {}
    assert cost.parity is None
    assert world.records.cost
    assert cost.multiply_adds == world.records.cost.multiply_adds


def test_a_model_without_weights(tiny_folder: Path) -> None:
    cost = measure_cost(load_manifest(tiny_folder), timed=False)
    assert cost.parameters is None
    assert cost.multiply_adds.products == 128 * 4


def test_damaged_weights_are_one_error(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match=r"cannot read .*model.safetensors: .*; export the model"):
        count_parameters(path)


def test_a_process_that_says_nothing_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute.sys, "executable", "/bin/false")
    with pytest.raises(BackendError, match="the process that scores with cpu failed: status 1"):
        compute._scored_apart(Path("model"), "cpu")


def test_a_process_that_never_ends_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "_TIMEOUT_S", 0.2)
    with pytest.raises(BackendError, match="took more than"):
        run_apart([sys.executable, "-c", "import time; time.sleep(9)"])


def test_programs_are_found_wherever_the_caller_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    command = [sys.executable, "-c", "import training; print(training.__file__)"]
    found = Path(run_apart(command).stdout.strip())
    assert found.parent == Path(compute.__file__).parent.parent
