"""A backend is compared with ONNX Runtime before it is trusted."""

from pathlib import Path

import numpy as np
import pytest

from engine.backends.onnxruntime import CpuBackend
from engine.backends.self_test import (
    LIMITS,
    check_against,
    expected_logits,
    self_test_inputs,
)
from engine.errors import BackendError
from engine.manifest import load_manifest


def test_the_inputs_are_fixed_and_told_apart(default_folder: Path) -> None:
    manifest = load_manifest(default_folder)
    inputs = self_test_inputs(manifest)
    np.testing.assert_array_equal(inputs, self_test_inputs(manifest))
    expected = expected_logits(manifest, manifest.model_path.read_bytes())
    assert expected.shape == (8, 37)
    apart = np.abs(expected[:, None] - expected[None]).max(axis=2)
    # A program that mixes rows up is told from one that rounds, in every precision but int8.
    assert apart[~np.eye(8, dtype=bool)].min() > LIMITS["bf16"]
    with CpuBackend(manifest) as cpu:
        assert check_against(expected, cpu.infer(inputs), "fp32", "cpu") < 1e-4


@pytest.mark.parametrize("precision", list(LIMITS))
def test_the_limit_is_kept(precision: str) -> None:
    expected = np.zeros((2, 3), np.float32)
    limit = LIMITS[precision]
    check_against(expected, expected + np.float32(0.99 * limit), precision, "it")
    for wrong in (1.01 * limit, np.nan, np.inf):
        with pytest.raises(BackendError, match="it failed its self-test"):
            check_against(expected, expected + np.float32(wrong), precision, "it")
