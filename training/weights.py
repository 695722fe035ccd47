"""Reads and writes the weights of an AST: safetensors, or `.pth` and `.bin` without unpickling."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor

from engine.errors import ConfigError, ModelError
from engine.files import create_plain_file
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.positions import adapt_positions
from training.spellings import to_ast_names
from training.tables import from_table

WEIGHTS_FILE = "model.safetensors"
_HEAD_DIM = 64  # DeiT and AST of every size
_HEAD = ("head.weight", "head.bias")
_ADDING = ("attn.proj.", "fc2.")  # what a block's two branches end with
_STRIDES = (10, 12, 14, 16)
# Frames that were published, by number of labels: Speech Commands, ESC-50, AudioSet.
_FRAMES = {35: 128, 50: 512, 527: 1024}
# transformers computes every LayerNorm with this, unless a config file says otherwise.
_SPELLING_EPS = {"transformers AST": {"norm_eps": 1e-12, "head_norm_eps": 1e-12}}


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A checkpoint's tensors and the shape of the model that they make.

    Attributes:
        tensors: By the names of training.ast, float32.
        config: Shape; None for DeiT, whose grid is that of images.
        spelling: Where they come from.
        metadata: What a safetensors file of ours says besides.
    """

    tensors: dict[str, Tensor]
    config: AstConfig | None
    spelling: str
    metadata: Mapping[str, str]


def read_weights(path: Path, *, shape: Mapping[str, Any] | None = None) -> Weights:
    """Read a checkpoint in any published spelling.

    Args:
        path: `.safetensors`, or a file of `torch.save`, which is read with weights_only=True.
        shape: Fields of AstConfig that the tensors do not tell (heads, n_frames, strides,
            epsilons), where they are known; what is missing is taken from the published models.

    Raises:
        ModelError: The file cannot be read, holds more than tensors, or is of no AST.
    """
    tensors, metadata = _read_tensors(path)
    try:
        named, spelling = to_ast_names(tensors, str(path))
        named = {name: _as_float(name, tensor) for name, tensor in named.items()}
        if "ast_config" in metadata:
            config: AstConfig | None = _stated_config(metadata["ast_config"], shape)
        elif "head.weight" in named:
            stated = {**_SPELLING_EPS.get(spelling, {}), **(shape or {})}
            config = _infer_config(named, stated, str(path))
        else:
            config = None
        named["patch_embed.weight"] = _as_matrix(named["patch_embed.weight"])
    except KeyError as err:
        raise ModelError(f"{path} has no tensor {err}; it is not a whole AST") from err
    except ConfigError as err:
        raise ModelError(f"{path}: {err}") from err
    except (TypeError, ValueError, IndexError, RuntimeError) as err:
        reason = str(err).partition("\n")[0]
        raise ModelError(f"{path} has tensors that no AST has: {reason}; fetch it anew") from err
    return Weights(tensors=named, config=config, spelling=spelling, metadata=metadata)


def build_model(weights: Weights, where: str) -> AudioSpectrogramTransformer:
    """The model that a checkpoint holds, ready to score.

    Raises:
        ModelError: Tensors are missing, left over, or of other shapes.
    """
    if weights.config is None:
        raise ModelError(f"{where} has no classifier: it is a start for training, not a model")
    # Nothing is allocated before the tensors are known to fit what the file says of itself.
    with torch.device("meta"):
        model = AudioSpectrogramTransformer(weights.config)
    _check_fit(model, weights.tensors, where)
    model.load_state_dict(dict(weights.tensors), assign=True)
    return model.requires_grad_().eval()


def start_from(
    model: AudioSpectrogramTransformer,
    weights: Weights,
    where: str,
    head_rows: Mapping[int, int] | None = None,
) -> None:
    """Copy a backbone into a model that is to be trained further.

    Position embeddings are fitted to the model's grid as AST does it. A model with more blocks than
    the weights computes what they did at first: each block too many is a copy of the one before it
    whose branches add nothing yet (Chen et al. 2016, Net2Net, section 2.3).

    Args:
        model: Changed in place; its head keeps its fresh values but for `head_rows`.
        weights: ImageNet (DeiT), AudioSet or any other AST of the same width and patches.
        where: For error messages.
        head_rows: Label of the model to label of the weights, for those that mean the same.

    Raises:
        ModelError: The widths differ, or the model has fewer blocks.
    """
    config = model.config
    tensors = _grown(weights.tensors, config.depth)
    n_special = 1 + ("dist_token" in tensors)
    if n_special != config.n_special:
        raise ModelError(
            f"{where} has {n_special} special token(s), the model {config.n_special}; set "
            f"distillation_token = {str(n_special == 2).lower()}"
        )
    old_grid = weights.config.grid if weights.config else _image_grid(tensors, n_special)
    tensors["pos_embed"] = adapt_positions(
        tensors["pos_embed"], old_grid=old_grid, new_grid=config.grid, n_special=n_special
    )
    old_head = {name: tensors.pop(name) for name in _HEAD if name in tensors}
    _check_fit(model, tensors, where, may_miss=("head.", "head_norm."))
    model.load_state_dict(tensors, strict=False)
    with torch.no_grad():
        for name, old in old_head.items():
            new = model.state_dict()[name]
            for row, old_row in (head_rows or {}).items():
                new[row] = old[old_row]


def _grown(tensors: Mapping[str, Tensor], depth: int) -> dict[str, Tensor]:
    """The same tensors with copied blocks between theirs, up to a depth."""
    blocks: dict[int, dict[str, Tensor]] = {}
    grown: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.startswith("blocks."):
            _, number, rest = name.split(".", 2)
            blocks.setdefault(int(number), {})[rest] = tensor
        else:
            grown[name] = tensor
    if depth <= len(blocks):
        return dict(tensors)
    sources = [place * len(blocks) // depth for place in range(depth)]
    for place, source in enumerate(sources):
        is_copy = place > 0 and sources[place - 1] == source
        for rest, tensor in blocks[source].items():
            adds = rest.startswith(_ADDING)
            grown[f"blocks.{place}.{rest}"] = (
                torch.zeros_like(tensor) if is_copy and adds else tensor
            )
    return grown


def write_weights(path: Path, model: AudioSpectrogramTransformer, metadata: dict[str, str]) -> None:
    """Write a model as safetensors, aside first, with its shape in the metadata."""
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    config = json.dumps(model.config.to_dict())
    data = to_safetensors(tensors, metadata={**metadata, "ast_config": config})
    aside = path.with_suffix(".partial")
    with create_plain_file(aside) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if path.suffix == ".safetensors":
        if not path.is_file():
            raise ModelError(f"cannot read {path}: there is no such file")
        try:
            with safe_open(path, framework="pt") as file:
                names = file.keys()
                return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
        except (OSError, SafetensorError) as err:
            raise ModelError(f"cannot read {path}: {err}; fetch or convert it anew") from err
    state = load_tensors(path, "it must be a file of tensors")
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]  # DeiT's files
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise ModelError(f"{path} must hold a dict of tensors; it holds other things")
    return state, {}


def load_tensors(path: Path, wanted: str) -> Any:
    """What a file of `torch.save` holds, if that is tensors and plain values.

    Args:
        path: The file.
        wanted: What it must be, for the message.

    Raises:
        ModelError: It cannot be read, or holds what only running its code would make.
    """
    if not path.is_file():
        raise ModelError(f"cannot read {path}: there is no such file; {wanted}")
    try:
        _require_stored(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch advises what is never done here
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # torch raises many kinds for a bad file
        reason = str(err).partition("\n")[0] or type(err).__name__
        if "weights_only" in str(err):
            reason = "it is damaged, or holds more than tensors and values, which may be an attack"
        raise ModelError(f"cannot read {path}: {reason}; {wanted}") from err


def _require_stored(path: Path) -> None:
    """Refuse a zip file that is larger inside than outside; torch itself never packs."""
    if not zipfile.is_zipfile(path):
        return  # as torch wrote before 1.6
    with zipfile.ZipFile(path) as file:
        inside = sum(record.file_size for record in file.infolist())
    if inside > path.stat().st_size:
        raise ValueError(f"it unpacks to {inside} bytes, which torch never does")


def _as_float(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point() or tensor.is_quantized or tensor.layout != torch.strided:
        raise ConfigError(f"{name} is {tensor.dtype}; weights are dense floating point numbers")
    # Strides of zero make any number of weights of one: copying them would take all memory.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ConfigError(f"{name} is {list(tensor.shape)}, of which the file holds less")
    return tensor.float()


def _stated_config(text: str, shape: Mapping[str, Any] | None) -> AstConfig:
    """The shape that a file of ours states; nobody else knows it better."""
    if shape:
        raise ConfigError(f"it states its own shape; leave out {', '.join(sorted(shape))}")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise ConfigError(f"its ast_config is no JSON: {err}") from err
    if not isinstance(fields, dict):
        raise ConfigError(f"its ast_config is {text[:40]!r}; it must be an object")
    return from_table(AstConfig, fields, "its ast_config")


def _infer_config(tensors: Mapping[str, Tensor], shape: Mapping[str, Any], where: str) -> AstConfig:
    """What the tensors and the given fields tell; the rest is as published."""
    patch = tensors["patch_embed.weight"]
    if patch.ndim != 4:
        raise ModelError(f"{where} says nothing of its patches; convert the original checkpoint")
    n_labels, dim = tensors["head.weight"].shape
    mlp_dim = tensors["blocks.0.fc1.weight"].shape[0]
    n_special = 1 + ("dist_token" in tensors)
    fields: dict[str, Any] = {
        "n_labels": n_labels,
        "n_frames": _FRAMES.get(n_labels, 1024),
        "dim": dim,
        "depth": 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks.")),
        "heads": max(1, dim // _HEAD_DIM),
        "mlp_dim": 0 if mlp_dim == 4 * dim else mlp_dim,
        "patch_mels": patch.shape[2],
        "patch_frames": patch.shape[3],
        "distillation_token": n_special == 2,
        "frame_stride": 10,
        "mel_stride": 10,
        **shape,
    }
    config = AstConfig(**fields)
    n_patches = tensors["pos_embed"].shape[1] - n_special
    if "frame_stride" in shape and "mel_stride" in shape:
        candidates = [config]
    else:
        candidates = [replace(config, frame_stride=s, mel_stride=s) for s in _STRIDES]
    for candidate in candidates:
        if candidate.grid[0] * candidate.grid[1] == n_patches:
            return candidate
    raise ModelError(
        f"{where} has positions for {n_patches} patches; {config.n_frames} frames and "
        f"{config.n_mels} mels give that at no published stride: name --frames and --strides"
    )


def _as_matrix(patch_weight: Tensor) -> Tensor:
    """A convolution's kernel [D, channels, mels, frames] as [D, mels * frames].

    The channels of ImageNet's weights are summed, as AST does it: a grey image in all three.
    """
    return patch_weight.sum(dim=1).flatten(1) if patch_weight.ndim == 4 else patch_weight


def _image_grid(tensors: Mapping[str, Tensor], n_special: int) -> tuple[int, int]:
    side = round((tensors["pos_embed"].shape[1] - n_special) ** 0.5)
    return side, side


def _check_fit(
    model: AudioSpectrogramTransformer,
    tensors: Mapping[str, Tensor],
    where: str,
    may_miss: tuple[str, ...] = (),
) -> None:
    wanted = model.state_dict()
    missing = [n for n in wanted if n not in tensors and not n.startswith(may_miss or ("\0",))]
    extra = [name for name in tensors if name not in wanted]
    if missing or extra:
        raise ModelError(
            f"{where} does not fit the model: "
            + "; ".join(
                f"{len(names)} tensors {text}, {names[0]} first"
                for names, text in ((missing, "are missing"), (extra, "are left over"))
                if names
            )
        )
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            raise ModelError(
                f"{where} does not fit the model: {name} is {list(tensor.shape)}; the model has "
                f"{list(wanted[name].shape)}"
            )
