"""Checkpoints of every spelling compute what transformers computes; others are refused."""

import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from published import SIZES, original_spelling, save_original, transformers_model
from safetensors.torch import save_file

from engine.errors import ModelError
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.weights import Weights, build_model, read_weights, start_from, write_weights


def logits_differ(path: Path, reference: torch.nn.Module, **shape: object) -> float:
    weights = read_weights(path, shape=shape)
    model = build_model(weights, str(path))
    generator = torch.Generator().manual_seed(1)
    fbank = 0.5 * torch.randn(2, model.config.n_frames, model.config.n_mels, generator=generator)
    with torch.no_grad():
        return float((model(fbank) - reference(fbank).logits).abs().max())


@pytest.mark.parametrize("size", SIZES)
def test_transformers_5_tensors(tmp_path: Path, size: str) -> None:
    reference = transformers_model(*SIZES[size])
    torch.save(reference.state_dict(), tmp_path / "pytorch_model.bin")
    assert logits_differ(tmp_path / "pytorch_model.bin", reference) < 1e-4


@pytest.mark.parametrize("size", SIZES)
def test_the_original_spelling(tmp_path: Path, size: str) -> None:
    reference = transformers_model(*SIZES[size])
    path = save_original(tmp_path / "original.pth", reference)
    assert read_weights(path).config == AstConfig.published(size, n_labels=35, stride=10)
    # The original computes LayerNorm with 1e-6 and 1e-5, transformers with 1e-12.
    assert logits_differ(path, reference, norm_eps=1e-12, head_norm_eps=1e-12) < 1e-4
    assert logits_differ(path, reference) < 1e-3


@pytest.mark.parametrize(
    ("stride", "labels", "frames"),
    [(12, 527, 1024), (14, 527, 1024), (16, 527, 1024), (10, 50, 512), (16, 35, 128)],
)
def test_strides_and_lengths_are_found_by_the_positions(
    tmp_path: Path, stride: int, labels: int, frames: int
) -> None:
    reference = transformers_model(64, 1, depth=2, labels=labels, frames=frames, stride=stride)
    reference.save_pretrained(tmp_path)  # writes transformers 4 names
    weights = read_weights(tmp_path / "model.safetensors")
    assert (weights.config.mel_stride, weights.config.frame_stride) == (stride, stride)
    assert weights.config.n_frames == frames
    assert logits_differ(tmp_path / "model.safetensors", reference) < 1e-4


def test_a_shape_that_nobody_published_is_asked_for(tmp_path: Path) -> None:
    reference = transformers_model(64, 1, depth=1, labels=4, frames=200)
    path = save_original(tmp_path / "own.pth", reference)
    with pytest.raises(ModelError, match=r"positions for 228 patches; .* name --frames"):
        read_weights(path)
    assert logits_differ(path, reference, n_frames=200) < 1e-3


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    model = AudioSpectrogramTransformer(AstConfig(n_labels=3, dim=24, depth=2, heads=2)).eval()
    write_weights(tmp_path / "model.safetensors", model, {"name": "x"})
    weights = read_weights(tmp_path / "model.safetensors")
    assert weights.metadata["name"] == "x"
    assert weights.config == model.config
    fbank = torch.randn(2, 98, 128)
    torch.testing.assert_close(build_model(weights, "x")(fbank), model(fbank))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def dump_pickle(value: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(value))


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("writer", [torch.save, dump_pickle])
def test_a_pickle_payload_is_refused_and_never_run(tmp_path: Path, writer: object) -> None:
    canary = tmp_path / "ran"
    writer({"module.v.cls_token": Canary(canary)}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match=r"cannot read .*evil.pth: .*attack"):
        read_weights(tmp_path / "evil.pth")
    assert not canary.exists()


def test_a_payload_in_the_zip_that_torch_writes(tmp_path: Path) -> None:
    """A whole checkpoint, with a payload where its names and shapes are."""
    canary, path = tmp_path / "ran", tmp_path / "evil.pth"
    torch.save({"module.v.cls_token": torch.zeros(3)}, path)
    repack(path, {"data.pkl": pickle.dumps({"module.v.cls_token": Canary(canary)}, 2)})
    with pytest.raises(ModelError, match=r"cannot read .*evil.pth: .*attack"):
        read_weights(path)
    assert not canary.exists()


def repack(path: Path, changed: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> None:
    """Write a zip file of torch anew with some of its records changed."""
    with zipfile.ZipFile(path) as file:
        records = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, data in records.items():
            file.writestr(name, changed.get(name.partition("/")[2], data))


def test_a_bomb_of_zeros_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    torch.save({"module.v.cls_token": torch.zeros(1 << 24)}, path)
    repack(path, {}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 18
    with pytest.raises(ModelError, match=r"it unpacks to 67[0-9]* bytes, which torch never does"):
        read_weights(path)


def test_records_shorter_than_they_state_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.pth"
    torch.save({"module.v.cls_token": torch.zeros(100)}, path)
    repack(path, {"data/0": b"0000"})
    with pytest.raises(ModelError, match=r"short.pth"):
        read_weights(path)


def test_one_number_that_states_to_be_ten_thousand_million(tmp_path: Path) -> None:
    good = original_spelling(transformers_model(64, 1, depth=1).state_dict())
    huge = torch.zeros(1, dtype=torch.float16).as_strided((100_000, 100_000), (0, 0))
    torch.save(good | {"module.v.norm.weight": huge}, tmp_path / "odd.pth")
    with pytest.raises(ModelError, match=r"norm.weight is \[100000, 100000\], of which the file"):
        read_weights(tmp_path / "odd.pth")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"conv1.weight": torch.zeros(3)}, r"is no AST or DeiT checkpoint: .*conv1.weight"),
        ({}, r"is no AST or DeiT checkpoint: among its 0 tensors are none"),
        ([torch.zeros(3)], "must hold a dict of tensors"),
        ({"cls_token": 3}, "must hold a dict of tensors"),
        ({3: torch.zeros(3)}, "must hold a dict of tensors"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, state: object, message: str) -> None:
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(ModelError, match=message):
        read_weights(tmp_path / "other.pth")


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    good = original_spelling(transformers_model(64, 1, depth=1).state_dict())
    for change, message in (
        ({"module.v.relative_bias": torch.zeros(2)}, r"tensor 'v.relative_bias', which no AST has"),
        ({"module.v.pos_embed": None}, r"no tensor 'pos_embed'"),
        ({"module.v.norm.weight": None}, r"1 tensors are missing, norm.weight first"),
        ({"module.v.norm.weight": torch.zeros(7)}, r"norm.weight is \[7\]; the model has \[64\]"),
    ):
        state = {name: value for name, value in (good | change).items() if value is not None}
        torch.save(state, tmp_path / "changed.pth")
        with pytest.raises(ModelError, match=message):
            build_model(read_weights(tmp_path / "changed.pth"), "changed.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 10**9}, "model dim is 1000000000; it must be 1 to 8192"),
        ({"depth": 10**7}, "model depth is 10000000; it must be 1 to 256"),
        ({"depth": 200}, "tensors are missing, blocks.2"),
        ({"dim": 24.0}, "its ast_config: dim is 24.0; it must be a whole number"),
        ({"norm_eps": "x"}, "norm_eps is 'x'; it must be a number"),
        ({"n_beams": 3}, "its ast_config has an unknown key 'n_beams'"),
        ("[" * 100_000, "its ast_config is no JSON: .*recursion"),
        ("3", "its ast_config is '3'; it must be an object"),
        ("{", "its ast_config is no JSON"),
    ],
)
def test_a_file_that_lies_about_its_shape(tmp_path: Path, change: object, message: str) -> None:
    config = AstConfig(n_labels=3, dim=24, depth=2, heads=2)
    write_weights(tmp_path / "good.safetensors", AudioSpectrogramTransformer(config), {})
    tensors = read_weights(tmp_path / "good.safetensors").tensors
    stated = json.dumps(config.to_dict() | change) if isinstance(change, dict) else change
    save_file(tensors, tmp_path / "liar.safetensors", metadata={"ast_config": stated})
    with pytest.raises(ModelError, match=message):
        build_model(read_weights(tmp_path / "liar.safetensors"), "liar.safetensors")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("module.v.pos_embed", torch.zeros(())),
        ("module.v.blocks.0.mlp.fc1.weight", torch.zeros(())),
        ("module.v.patch_embed.proj.weight", torch.zeros(64)),
        ("module.v.blocks.10000000.norm1.weight", torch.zeros(64)),
        ("module.mlp_head.1.weight", torch.zeros(35)),
        ("module.v.norm.weight", torch.zeros(64, dtype=torch.int64)),
    ],
)
def test_tensors_that_no_ast_has(tmp_path: Path, name: str, value: torch.Tensor) -> None:
    good = original_spelling(transformers_model(64, 1, depth=1).state_dict())
    torch.save(good | {name: value}, tmp_path / "odd.pth")
    with pytest.raises(ModelError, match=r"odd.pth"):
        build_model(read_weights(tmp_path / "odd.pth"), "odd.pth")
    hub = transformers_model(64, 1, depth=1).state_dict()
    query = "audio_spectrogram_transformer.layers.0.attention.q_proj.weight"
    torch.save(hub | {query: torch.zeros(())}, tmp_path / "odd.pth")
    with pytest.raises(ModelError, match=r"odd.pth"):
        read_weights(tmp_path / "odd.pth")


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    for name in ("cut.safetensors", "cut.pth"):
        (tmp_path / name).write_bytes(b"\x10\0\0\0not a checkpoint")
        with pytest.raises(ModelError, match="cannot read"):
            read_weights(tmp_path / name)
    with pytest.raises(ModelError, match="cannot read"):
        read_weights(tmp_path / "missing.safetensors")


def deit(dim: int = 64, side: int = 14) -> dict[str, torch.Tensor]:
    """DeiT's spelling: three colours, an image grid, two ImageNet heads."""
    state = original_spelling(transformers_model(dim, 1, depth=1).state_dict())
    state = {name.removeprefix("module.v."): value for name, value in state.items()}
    state = {name: value for name, value in state.items() if "mlp_head" not in name}
    state["patch_embed.proj.weight"] = torch.randn(dim, 3, 16, 16)
    state["pos_embed"] = torch.randn(1, 2 + side * side, dim)
    return state


def test_training_starts_from_imagenet(tmp_path: Path) -> None:
    state = deit()
    torch.save({"model": state}, tmp_path / "deit.pth")
    weights = read_weights(tmp_path / "deit.pth")
    assert weights.config is None
    with pytest.raises(ModelError, match="a start for training, not a model"):
        build_model(weights, "deit.pth")
    config = AstConfig(
        n_labels=5, n_frames=128, patch_frames=16, patch_mels=16, frame_stride=10,
        mel_stride=10, dim=64, depth=1, heads=1, distillation_token=True,
    )  # fmt: skip
    model = AudioSpectrogramTransformer(config)
    head = model.head.weight.clone()
    start_from(model, weights, "deit.pth")
    torch.testing.assert_close(model.head.weight, head)
    summed = state["patch_embed.proj.weight"].sum(1).flatten(1)
    torch.testing.assert_close(model.patch_embed.weight.data, summed)
    centre = state["pos_embed"][:, 2:].reshape(1, 14, 14, 64)[:, 1:13, 1:13].reshape(1, 144, 64)
    torch.testing.assert_close(model.pos_embed.data[:, 2:], centre)


def test_a_start_of_another_width_or_token_count_is_refused(tmp_path: Path) -> None:
    torch.save(deit(), tmp_path / "deit.pth")
    weights = read_weights(tmp_path / "deit.pth")
    published = AstConfig.published("tiny", n_labels=5)
    with pytest.raises(ModelError, match=r"does not fit the model"):
        start_from(AudioSpectrogramTransformer(published), weights, "deit.pth")
    with pytest.raises(ModelError, match=r"2 special token.* set distillation_token = true"):
        start_from(AudioSpectrogramTransformer(AstConfig(n_labels=5, dim=24)), weights, "deit.pth")


def test_the_head_is_taken_over_label_by_label(tmp_path: Path) -> None:
    model = AudioSpectrogramTransformer(AstConfig(n_labels=3, dim=24, depth=1, heads=2))
    write_weights(tmp_path / "model.safetensors", model, {})
    weights = read_weights(tmp_path / "model.safetensors")
    other = AudioSpectrogramTransformer(AstConfig(n_labels=3, dim=24, depth=1, heads=2))
    fresh = other.head.weight.clone()
    start_from(other, weights, "x", {0: 2})
    torch.testing.assert_close(other.head.weight[0], model.head.weight[2])
    torch.testing.assert_close(other.head.weight[1:], fresh[1:])
    torch.testing.assert_close(other.blocks[0].fc1.weight, model.blocks[0].fc1.weight)


def test_safetensors_of_other_content(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="is no AST or DeiT checkpoint"):
        read_weights(tmp_path / "other.safetensors")


@pytest.mark.parametrize("depth", [3, 4, 5, 7])
def test_a_deeper_model_begins_as_the_one_it_starts_from(depth: int) -> None:
    shape = AstConfig(n_labels=3, dim=24, depth=3, heads=2)
    old = AudioSpectrogramTransformer(shape).eval()
    with torch.no_grad():
        for parameter in old.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    deeper = AudioSpectrogramTransformer(replace(shape, depth=depth)).eval()
    weights = Weights(tensors=old.state_dict(), config=shape, spelling="own", metadata={})
    start_from(deeper, weights, "old", {i: i for i in range(3)})
    fbank = torch.randn(4, shape.n_frames, shape.n_mels)
    torch.testing.assert_close(deeper(fbank), old(fbank), atol=1e-5, rtol=1e-5)
    # Its new blocks can learn at once: what they end with gets gradients.
    deeper(fbank).sum().backward()
    ends = [block.fc2.weight for block in deeper.blocks]
    assert sum(bool((end == 0).all()) for end in ends) == depth - 3
    assert all(bool(end.grad.abs().sum() > 0) for end in ends)


def test_a_shallower_model_is_refused() -> None:
    shape = AstConfig(n_labels=3, dim=24, depth=3, heads=2)
    old = AudioSpectrogramTransformer(shape)
    weights = Weights(tensors=old.state_dict(), config=shape, spelling="own", metadata={})
    with pytest.raises(ModelError, match=r"tensors are left over, blocks.2"):
        start_from(AudioSpectrogramTransformer(replace(shape, depth=2)), weights, "old")
