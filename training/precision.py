"""The number type that an exported model computes in, written into its ONNX.

No runtime flag sets precision: TensorRT is strongly typed, and computes what the file says. A typed
model takes and gives float32, and computes the head, whose logits decide, in float32. Two things
keep half precision safe, and both are there in every type: the query is scaled before the product
with the keys (training/ast.py), and LayerNorm is one operator, whose sums are kept in float32.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import ConfigError, ModelError
from engine.plans.onnx_file import widened
from engine.types import Float32
from training.ast import AudioSpectrogramTransformer

# In the order in which they are offered where one is refused.
PRECISIONS = ("int8", "fp16", "bf16", "fp32")
HALVES = {"fp16": torch.float16, "bf16": torch.bfloat16}
_FILE_LIMIT = 1e-3


def advice(precision: str) -> str:
    """What to do where a precision is refused: the next one that keeps more."""
    if precision == PRECISIONS[-1]:
        return "Nothing safer is left: train or convert the model anew"
    return f"Take --precision {PRECISIONS[PRECISIONS.index(precision) + 1]}"


class Cast(nn.Module):
    """Changes the type of what passes through.

    Args:
        dtype: Type that comes out.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        """The same numbers, rounded to the type."""
        return x.to(self.dtype)


def typed(model: AudioSpectrogramTransformer, precision: str) -> AudioSpectrogramTransformer:
    """A copy that computes in half precision between a float32 input and a float32 head.

    Args:
        model: In evaluation mode; not changed.
        precision: "fp16" or "bf16".

    Raises:
        ConfigError: A weight is larger than the type's numbers.
    """
    dtype = HALVES[precision]
    half = deepcopy(model).to(dtype)
    for name, weight in half.named_parameters():
        if not weight.isfinite().all():
            raise ConfigError(
                f"{precision} is refused: it does not hold the weights of {name}. "
                f"{advice(precision)}"
            )
    half.add_module("patch_embed", nn.Sequential(Cast(dtype), half.patch_embed))
    half.add_module("head_norm", nn.Sequential(Cast(torch.float32), half.head_norm.float()))
    half.head.float()
    return half.eval()


class TorchBackend:
    """Scores with a torch module.

    ONNX Runtime's CPU provider computes float16 graphs in float32 and has no bfloat16 at all. Torch
    rounds after every operator, as a GPU does, so what overflows there overflows here.

    Args:
        model: In evaluation mode.
    """

    name = "torch"

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def __enter__(self) -> Self:
        """There is nothing to load."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """There is nothing to free."""

    def infer(self, model_inputs: Float32) -> Float32:
        """Logits [batch, labels] of model inputs [batch, frames, mels]."""
        with torch.no_grad():
            logits: Float32 = self._model(torch.from_numpy(model_inputs)).numpy()
        return logits


def check_typed_file(path: Path, model: AudioSpectrogramTransformer, inputs: Float32) -> float:
    """Check that a half-precision file holds a typed module: its graph and its rounded weights.

    Both are widened to float32, where any machine can run them and they must agree closely.

    Args:
        path: ONNX file.
        model: The typed module that it was made of.
        inputs: Model inputs, [n, frames, mels].

    Returns:
        Largest logit difference of the two.

    Raises:
        ModelError: They differ.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(
        _widened(path).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {session.get_inputs()[0].name: inputs})
    wide = deepcopy(model).float()
    for module in wide.modules():
        if isinstance(module, Cast):
            module.dtype = torch.float32
    wanted = TorchBackend(wide).infer(inputs)
    difference = float(np.abs(found - wanted).max())
    if not difference <= _FILE_LIMIT:
        raise ModelError(
            f"the exported graph differs from its module by up to {difference:.2e} where both "
            f"are widened to float32; at most {_FILE_LIMIT:.0e} is accepted"
        )
    return difference


def _widened(path: Path) -> Any:
    """The model of a file with float32 in place of half precision."""
    import onnx

    model: Any = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    return widened(model)
