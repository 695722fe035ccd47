"""What composed windows are made of."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import ConfigError
from training.data.clips import SAMPLE_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class SceneConfig:
    """What windows are made of.

    Attributes:
        window_samples: Length of a window.
        word_share: Windows with a whole keyword.
        cut_share: Windows with a keyword cut by the edge.
        speech_share: Windows of running speech or other words; the rest is noise and silence.
        mistake_share: Share of the windows of speech that are what a model took for a keyword,
            where there are any.
        splice_probability: Windows of speech that are short pieces of many voices, of keywords too.
        overlap_probability: Windows of speech in which a second voice talks at the same time.
        neighbour_probability: A second word beside the first, where there is room.
        clean_probability: Words without added noise.
        min_snr_db: Lowest word-to-noise ratio.
        max_snr_db: Highest word-to-noise ratio of noisy words.
        min_level_db: Quietest peak of the finished window, relative to full scale.
        max_level_db: Loudest; above 0 the window clips.
        speed_range: Largest relative change of speed and pitch.
        reverb_probability: Windows with a synthetic room response.
        count_power: A class with n clips is drawn in proportion to n ** count_power.
        real_share: Share of a word's draws that are clips of people, where both people and
            programs spoke it; None draws all its clips alike.
    """

    window_samples: int = 16_000
    word_share: float = 0.55
    cut_share: float = 0.12
    speech_share: float = 0.27
    mistake_share: float = 0.2
    splice_probability: float = 0.2
    overlap_probability: float = 0.2
    neighbour_probability: float = 0.2
    clean_probability: float = 0.25
    min_snr_db: float = -3.0
    max_snr_db: float = 25.0
    min_level_db: float = -40.0
    max_level_db: float = 3.0
    speed_range: float = 0.12
    reverb_probability: float = 0.2
    count_power: float = 0.6
    real_share: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no window can be made of."""
        if not 1_600 <= self.window_samples <= 60 * SAMPLE_RATE_HZ:
            raise ConfigError(
                f"window_samples is {self.window_samples}; it must be 1600 to {60 * SAMPLE_RATE_HZ}"
            )
        shares = {
            name: getattr(self, name)
            for name in (
                *("word_share", "cut_share", "speech_share", "neighbour_probability"),
                *("splice_probability", "mistake_share", "overlap_probability"),
                *("clean_probability", "reverb_probability", "speed_range", "count_power"),
            )
        }
        shares["real_share"] = self.real_share or 0.0
        shares["word_share + cut_share + speech_share"] = (
            self.word_share + self.cut_share + self.speech_share
        )
        for name, share in shares.items():
            most = 0.5 if name == "speed_range" else 1
            if not 0 <= share <= most + 1e-9:
                raise ConfigError(f"{name} is {share:g}; it must be 0 to {most:g}")
        for low, high in (("min_snr_db", "max_snr_db"), ("min_level_db", "max_level_db")):
            lowest, highest = getattr(self, low), getattr(self, high)
            if not -200 <= lowest <= highest <= 200:
                raise ConfigError(f"{low} is {lowest:g} and {high} {highest:g}; they must rise")
