"""The model has the shapes of the paper, and every part of it learns."""

import pytest
import torch

from engine.errors import ConfigError
from training.ast import AstConfig, AudioSpectrogramTransformer

SMALL = {"n_labels": 5, "dim": 24, "depth": 2, "heads": 3}


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        (AstConfig(**SMALL), 23),
        # The published grid: 16 x 16 patches, stride 10, 12 x 12 of them for 128 frames.
        (
            AstConfig(
                **SMALL,
                n_frames=128,
                patch_frames=16,
                patch_mels=16,
                frame_stride=10,
                mel_stride=10,
            ),
            144,
        ),
    ],
)
def test_tokens_and_logits(config: AstConfig, tokens: int) -> None:
    model = AudioSpectrogramTransformer(config)
    assert model.pos_embed.shape == (1, tokens + 1, 24)
    assert model(torch.randn(3, config.n_frames, config.n_mels)).shape == (3, 5)


def test_the_default_is_small_enough_for_two_cores() -> None:
    model = AudioSpectrogramTransformer(AstConfig(n_labels=37))
    assert 2.5e6 < sum(p.numel() for p in model.parameters()) < 3.5e6


def test_patches_overlap_frequency_major() -> None:
    config = AstConfig(
        **SMALL, n_frames=6, n_mels=4, patch_frames=4, patch_mels=2, frame_stride=2, mel_stride=2
    )
    fbank = torch.arange(24.0).reshape(1, 6, 4)
    patches = AudioSpectrogramTransformer(config)._patches(fbank)
    assert patches.shape == (1, 4, 8)
    expected = [fbank[0, t : t + 4, f : f + 2].T.flatten() for f in (0, 2) for t in (0, 2)]
    torch.testing.assert_close(patches[0], torch.stack(expected))


def test_the_special_tokens_are_averaged() -> None:
    one = AudioSpectrogramTransformer(AstConfig(**SMALL))
    two = AudioSpectrogramTransformer(AstConfig(**SMALL, distillation_token=True))
    assert (one.config.n_special, two.config.n_special) == (1, 2)
    assert one.dist_token is None
    assert two.pos_embed.shape[1] == one.pos_embed.shape[1] + 1
    two(torch.randn(2, 98, 128)).sum().backward()
    assert two.dist_token.grad.abs().sum() > 0


def test_attention_is_softmax_of_scaled_products() -> None:
    attention = AudioSpectrogramTransformer(AstConfig(**SMALL)).blocks[0].attn
    x = torch.randn(2, 7, 24)
    query, key, value = attention.qkv(x).reshape(2, 7, 3, 3, 8).permute(2, 0, 3, 1, 4)
    weights = (query @ key.transpose(-1, -2) / 8**0.5).softmax(-1)
    expected = attention.proj((weights @ value).transpose(1, 2).reshape(2, 7, 24))
    torch.testing.assert_close(attention(x), expected)


def test_every_parameter_gets_a_gradient() -> None:
    model = AudioSpectrogramTransformer(AstConfig(**SMALL))
    model(torch.randn(4, 98, 128)).square().sum().backward()
    without = [name for name, p in model.named_parameters() if not p.grad.abs().sum() > 0]
    assert without == []


def test_branches_are_skipped_as_the_draws_say() -> None:
    model = AudioSpectrogramTransformer(AstConfig(**SMALL, drop_path=0.5)).eval()
    first, last = model.blocks
    assert (first.drop_path, last.drop_path) == (0.0, 0.5)  # it rises with depth
    x = torch.randn(3, 23, 24)
    draws = torch.tensor([[0.1, 0.1], [0.9, 0.9], [0.9, 0.1]])
    out = last(x, draws)
    torch.testing.assert_close(out[1], x[1])  # both branches are skipped
    attended = x + 2 * last.attn(last.norm1(x))
    kept = 2 * last.fc2(torch.nn.functional.gelu(last.fc1(last.norm2(attended))))
    torch.testing.assert_close(out[0], (attended + kept)[0])  # kept ones count double
    alone = 2 * last.fc2(torch.nn.functional.gelu(last.fc1(last.norm2(x))))
    torch.testing.assert_close(out[2], (x + alone)[2])
    torch.testing.assert_close(first(x, draws), first(x))
    fbank = torch.randn(3, 98, 128)
    blocks_draws = torch.stack([draws.flip(0), draws], dim=1)
    assert not torch.allclose(model(fbank, blocks_draws), model(fbank))


@pytest.mark.parametrize(
    ("frames", "tokens"),
    [(128, (144, 100, 81, 64)), (512, (600, 420, 324, 256)), (1024, (1212, 850, 657, 512))],
)
def test_published_grids(frames: int, tokens: tuple[int, ...]) -> None:
    for stride, count in zip((10, 12, 14, 16), tokens, strict=True):
        config = AstConfig.published("tiny", n_labels=35, n_frames=frames, stride=stride)
        assert config.grid[0] * config.grid[1] == count


def test_published_sizes() -> None:
    for size, n_labels, n_frames, parameters in (
        ("base", 35, 128, 85_395_491),
        ("base", 527, 1024, 86_594_063),
    ):
        config = AstConfig.published(size, n_labels=n_labels, n_frames=n_frames)
        with torch.device("meta"):
            model = AudioSpectrogramTransformer(config)
        assert sum(p.numel() for p in model.parameters()) == parameters


def test_published_epsilons() -> None:
    model = AudioSpectrogramTransformer(AstConfig(**SMALL))
    assert {block.norm1.eps for block in model.blocks} == {1e-6}
    assert (model.blocks[0].norm2.eps, model.norm.eps, model.head_norm.eps) == (1e-6, 1e-6, 1e-5)


def test_half_precision_products_stay_small() -> None:
    """Query-key products of 64 features of 40 reach 102,400; float16 ends at 65,504."""
    attention = AudioSpectrogramTransformer(AstConfig(n_labels=2, dim=64, heads=1)).blocks[0].attn
    with torch.no_grad():
        attention.qkv.weight.zero_()
        attention.qkv.bias.copy_(torch.full((192,), 40.0))
        assert torch.isfinite(attention.half()(torch.zeros(1, 3, 64).half())).all()


def test_another_input_length_is_refused() -> None:
    model = AudioSpectrogramTransformer(AstConfig(**SMALL))
    for shape in ((2, 97, 128), (2, 98, 64), (98, 128)):
        with pytest.raises(ConfigError, match=r"it takes \[batch, 98, 128\]: pad or cut"):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"heads": 5}, "dim is 24; it must be a multiple of 5 heads"),
        ({"depth": 0}, "model depth is 0; it must be 1 to 256"),
        ({"dim": 10**9}, "model dim is 1000000000; it must be 1 to 8192"),
        ({"dim": 24.0}, "model dim is 24.0"),
        ({"mlp_dim": -5}, "model mlp_dim is -5; it must be 0 to 65536"),
        ({"norm_eps": float("nan")}, "model norm_eps is nan; it must be above 0"),
        ({"n_frames": 9}, "9 frames x 128 mels is smaller than a patch of 10 x 128"),
        ({"drop_path": 1.0}, "drop_path is 1.0"),
    ],
)
def test_impossible_shapes_are_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AstConfig(**{**SMALL, **fields})
    with pytest.raises(ConfigError, match="'huge'; it must be one of tiny, small, base"):
        AstConfig.published("huge", n_labels=2)
