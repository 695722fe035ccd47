"""Plans are built for real, on machines without a GPU, too."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import BackendError
from engine.plans.compile import BuildCanceledError, Phases, compile_plan, profile_of
from engine.plans.libraries import Library, find_library, require_installed


@pytest.fixture(scope="module")
def library() -> Library:
    try:
        return find_library("tensorrt_rtx")
    except BackendError as err:
        pytest.skip(f"needs TensorRT for RTX: {err}")


@pytest.fixture(scope="module")
def model(default_folder: Path) -> bytes:
    return (default_folder / "model.onnx").read_bytes()


def test_the_shipped_model_is_built_and_the_share_rises(library: Library, model: bytes) -> None:
    shares: list[float] = []

    def go_on(share: float) -> bool:
        shares.append(share)
        return True

    compiled = compile_plan(library, model, max_batch=8, go_on=go_on)
    assert len(compiled.plan) > len(model)
    assert len(shares) > 100
    assert shares == sorted(shares)
    assert 0.99 <= shares[-1] <= 1


def test_twelve_attentions_of_the_base_model_become_one_kernel_each(
    library: Library, tmp_path: Path
) -> None:
    from training.ast import AstConfig, AudioSpectrogramTransformer
    from training.model_folder import export_onnx
    from training.precision import typed

    config = AstConfig.published("base", n_labels=35)
    export_onnx(
        typed(AudioSpectrogramTransformer(config).eval(), "fp16"),
        config,
        tmp_path / "base.onnx",
        "logits",
    )
    compiled = compile_plan(library, (tmp_path / "base.onnx").read_bytes(), max_batch=8)
    assert compiled.fused_attentions == 12


def test_a_build_can_be_canceled(library: Library, model: bytes) -> None:
    with pytest.raises(BuildCanceledError):
        compile_plan(library, model, max_batch=1, go_on=lambda share: share < 0.1)


@pytest.mark.parametrize("content", [b"", b"junk", np.zeros(1_000, np.uint8).tobytes()])
def test_what_is_no_model_is_refused(library: Library, content: bytes) -> None:
    with pytest.raises(BackendError, match="tensorrt_rtx cannot"):
        compile_plan(library, content, max_batch=1)


def test_hopper_is_refused_and_newer_gpus_are_not(library: Library) -> None:
    for capability in ("8.0", "8.9", "12.0", "12.1", "13.0"):
        library.require_capability(capability, "a GPU")
    with pytest.raises(BackendError, match=r"does not run on NVIDIA H100, .* is 9\.0; it names"):
        library.require_capability("9.0", "NVIDIA H100")


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "tensorrt", None)
    for look in (require_installed, find_library):
        with pytest.raises(BackendError, match="tensorrt is not installed; docs"):
            look("tensorrt")


def test_single_windows_have_a_profile_of_their_own() -> None:
    assert [profile_of(batch) for batch in (1, 2, 8)] == [0, 1, 1]


def test_the_share_of_nested_phases_never_falls() -> None:
    phases = Phases()
    seen = []
    phases.start("build", None, 2)
    for outer in range(2):
        phases.start("optimise", "build", 4)
        for inner in range(4):
            phases.step("optimise", inner)
            seen.append(phases.share)
        phases.finish("optimise")
        phases.step("build", outer)
        seen.append(phases.share)
    phases.step("unknown", 5)
    assert seen == [0.125, 0.25, 0.375, 0.5, 0.5, 0.625, 0.75, 0.875, 1.0, 1.0]
