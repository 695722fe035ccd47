"""torchaudio's Kaldi fbank, the outside reference, also beside a torch without CUDA."""

import sys
import types

import numpy as np
import torch


def reference_fbank(samples: np.ndarray) -> np.ndarray:
    """As AST calls it: 128 mels, Hann taper, no dither, 10 ms frame hop."""
    make_importable()
    from torchaudio.compliance import kaldi

    log_mel = kaldi.fbank(
        torch.from_numpy(samples)[None],
        htk_compat=True,
        sample_frequency=16_000,
        use_energy=False,
        window_type="hanning",
        num_mel_bins=128,
        dither=0.0,
        frame_shift=10,
    )
    return log_mel.numpy()


def make_importable() -> None:
    """torchaudio's wheel is built against CUDA; its Python part needs none of that."""
    if torch.version.cuda is not None or "torchaudio" in sys.modules:
        return
    extension = types.ModuleType("torchaudio._extension")
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._check_cuda_version = lambda: None
    extension.fail_if_no_align = lambda function: function
    sys.modules["torchaudio._extension"] = extension
