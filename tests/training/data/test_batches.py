"""Batches depend on the seed and the step alone; mixup mixes labels as it mixes sound."""

import copy

import numpy as np
import pytest
import torch

from engine.errors import SourceError
from training.data.batches import BatchMaker, load_batches
from training.data.clip_source import ClipItem, ClipSource
from training.settings import AugmentConfig


def item(value: float, label: int, length: int = 100) -> ClipItem:
    return ClipItem(
        name=str(value), read=lambda: np.full(length, value, np.float32), labels=(label,)
    )


def source(count: int = 10, **more: object) -> ClipSource:
    items = [item(i + 1.0, i % 3, 50 + 10 * i) for i in range(count)]
    return ClipSource(items, 3, **({"max_samples": 1_000, "seed": 1} | more))


def maker(of: ClipSource, augment: AugmentConfig | None = None, **more: object) -> BatchMaker:
    options = {"batch_size": 4, "steps": 100, "seed": 1} | more
    return BatchMaker(of, augment=augment or AugmentConfig(), **options)


def test_an_epoch_has_every_clip_once_in_a_new_order() -> None:
    batches = maker(source())
    assert len(batches) == 3
    epochs = []
    for epoch in range(2):
        steps = [batches.batch(3 * epoch + i) for i in range(3)]
        assert [len(batch.samples) for batch in steps] == [4, 4, 2]
        assert [batch.total for batch in steps] == [4, 4, 2]
        epochs.append([float(row[0]) for batch in steps for row in batch.samples])
        assert sorted(epochs[-1]) == [float(i + 1) for i in range(10)]
    assert epochs[0] != epochs[1]


def test_windows_keep_their_length_and_labels() -> None:
    batch = maker(source()).batch(0)
    for samples, n, target in zip(batch.samples, batch.n_samples, batch.targets, strict=True):
        value = float(samples[0])
        assert int(n) == 50 + 10 * (value - 1)
        assert (samples[:n] == value).all()
        assert not samples[n:].any()
        assert target.tolist() == [float(label == (value - 1) % 3) for label in range(3)]


def test_a_long_clip_loses_its_end() -> None:
    batch = maker(source(max_samples=60)).batch(0)
    assert int(batch.n_samples.max()) == 60


def test_the_same_step_gives_the_same_batch() -> None:
    augment = AugmentConfig(mixup=1.0)
    first, second = (maker(source(), augment).batch(7) for _ in range(2))
    torch.testing.assert_close(first.samples, second.samples)
    assert not torch.equal(first.samples, maker(source(), augment, seed=2).batch(7).samples)


def test_processes_share_a_batch() -> None:
    augment = AugmentConfig(mixup=0.5)
    whole = maker(source(), augment).batch(4)
    parts = [maker(source(), augment, share=(rank, 2)).batch(4) for rank in range(2)]
    for rank, part in enumerate(parts):
        assert part.total == whole.total
        assert part.rows.tolist() == whole.rows[rank::2].tolist()
        longest = part.samples.shape[1]
        torch.testing.assert_close(part.samples, whole.samples[rank::2, :longest])
        torch.testing.assert_close(part.targets, whole.targets[rank::2])


def test_a_process_may_have_no_row_of_a_batch() -> None:
    batch = maker(source(9), share=(1, 2)).batch(2)  # the ninth clip is alone
    assert batch.total == 1
    assert batch.counted == 0
    assert batch.samples.shape[0] == len(batch.rows) == 1  # a silent one in its place
    assert batch.targets.tolist() == [[0, 0, 0]]


def test_mixup_mixes_sound_and_labels_by_one_ratio() -> None:
    ratios = []
    batches = maker(source(200), AugmentConfig(mixup=1.0), batch_size=200)
    batch = batches.batch(0)
    plain = maker(source(200), batch_size=200).batch(0)
    for row, mixed in enumerate(batch.samples):
        first = float(plain.samples[row, 0])
        n = int(batch.n_samples[row])
        assert n == int(plain.n_samples[row])  # the first clip's length
        own = plain.targets[row].argmax()
        ratio = float(batch.targets[row, own])
        assert float(batch.targets[row].sum()) == pytest.approx(1)
        if ratio < 1:  # the partner has another label
            partner = (float(mixed[0]) - ratio * first) / (1 - ratio)
            assert partner == pytest.approx(round(partner), abs=0.02)
            assert batch.targets[row, (round(partner) - 1) % 3] == pytest.approx(1 - ratio)
            ratios.append(ratio)
    # Beta(10, 10): mean 0.5, standard deviation 0.109
    assert np.mean(ratios) == pytest.approx(0.5, abs=0.04)
    assert np.std(ratios) == pytest.approx(0.109, abs=0.03)


def test_mixup_happens_as_often_as_asked_and_ends() -> None:
    augment = AugmentConfig(mixup=0.5, mixup_until=0.5)
    batches = maker(source(400), augment, batch_size=400, steps=4)
    plain = maker(source(400), batch_size=400, steps=4)

    def mixed_share(step: int) -> float:
        width = plain.batch(step).samples.shape[1]
        changed = (batches.batch(step).samples[:, :width] != plain.batch(step).samples).any(dim=1)
        return float(changed.float().mean())

    assert 0.4 < mixed_share(1) < 0.6
    assert mixed_share(2) == 0


def test_balanced_drawing_favours_rare_classes() -> None:
    items = [item(1.0, 0) for _ in range(95)] + [item(2.0, 1) for _ in range(5)]
    drawn = ClipSource(items, 2, max_samples=100, seed=1, balanced=True)
    rng = np.random.default_rng(0)
    labels = [drawn.window(0, row, rng)[1].argmax() for row in range(100)]
    assert 0.3 < np.mean(labels) < 0.7
    assert drawn.epoch_windows == 100


def test_a_batch_travels_by_content() -> None:
    batch = maker(source()).batch(1)
    state = batch.__getstate__()
    assert not any(isinstance(value, torch.Tensor) for value in state.values())
    arrived = copy.copy(batch)  # goes the way of pickle
    for name in ("samples", "n_samples", "targets"):
        torch.testing.assert_close(getattr(arrived, name), getattr(batch, name))
    np.testing.assert_array_equal(arrived.rows, batch.rows)
    assert isinstance(arrived.rows, np.ndarray)
    assert arrived.total == batch.total


def test_loading_goes_on_from_any_step() -> None:
    loaded = load_batches(maker(source()), range(5, 8), workers=0, pin_memory=False)
    for step, batch in enumerate(loaded, start=5):
        torch.testing.assert_close(batch.samples, maker(source()).batch(step).samples)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_keeps_its_one_line(workers: int) -> None:
    def broken() -> np.ndarray:
        raise SourceError("cannot read x.wav: damaged; leave it out")

    bad = ClipSource([ClipItem(name="x", read=broken, labels=(0,))], 1, max_samples=10, seed=1)
    with pytest.raises(SourceError, match=r"^cannot read x.wav: damaged; leave it out$"):
        list(load_batches(maker(bad), range(1), workers=workers, pin_memory=False))


def test_an_empty_clip_is_named() -> None:
    empty = ClipSource([item(1.0, 0, length=0)], 1, max_samples=10, seed=1)
    with pytest.raises(SourceError, match=r"1.0 holds no samples; take it off the list"):
        maker(empty).batch(0)
