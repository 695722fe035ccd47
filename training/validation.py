"""Measures a model that is being trained on windows that it is not trained on."""

from __future__ import annotations

import torch

from training.ast import AudioSpectrogramTransformer
from training.data.batches import BatchMaker, WindowSource
from training.features import BatchFbank
from training.scores import accuracy, mean_average_precision
from training.settings import AugmentConfig

_BATCH_SIZE = 256
_METRICS = {"accuracy": accuracy, "map": mean_average_precision}


@torch.no_grad()
def measure(
    model: AudioSpectrogramTransformer, fbank: BatchFbank, source: WindowSource, metric: str
) -> float:
    """A metric over every window of a source, without augmentation.

    Logits rank as posteriors do, so no activation is applied, least of all twice.

    Args:
        model: In evaluation mode, on its device.
        fbank: The model's features, on the same device.
        source: Windows, in order.
        metric: "accuracy" or "map".
    """
    device = model.pos_embed.device
    maker = BatchMaker(source, batch_size=_BATCH_SIZE, augment=AugmentConfig(), steps=0, seed=0)
    logits, targets = [], []
    for step in range(len(maker)):
        batch = maker.batch(step)
        logits.append(model(fbank(batch.samples.to(device), batch.n_samples)).float().cpu())
        targets.append(batch.targets)
    return _METRICS[metric](torch.cat(logits).numpy(), torch.cat(targets).numpy())
