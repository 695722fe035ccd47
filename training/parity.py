"""What a precision changes against float32, and how much of it an export may change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from training.evaluation.intervals import hours_text

PROVENANCE = "precision_parity"
# Below this nothing is known of how seldom things happen: a change in 1 of 300 windows is missed
# by 1,000 in one case of 28, by 300 in one of three.
MIN_WINDOWS = 1_000
# Float32 as every export is held to it; float16 as NVIDIA advises for TensorRT; bfloat16 has three
# bits less, which is 8 times. Where a logit moves by 0.1, a posterior of 0.9 moves by 0.01: the
# steps in which thresholds are tried, so on average nothing is decided otherwise.
MOST_MEAN_DIFFERENCE = {"fp32": 1e-3, "fp16": 1e-2, "bf16": 8e-2, "int8": 0.1}
# And 0.9 becomes 0.77 or 0.96 by 1.0: what one window of several that are averaged may do.
MOST_DIFFERENCE = 1.0
# Windows whose highest label changes hesitate between two; more than these are no hesitation.
MOST_CHANGED_LABELS = 0.01
# A third of what the words of a validation split can tell apart: 3 points either way of 660 words.
MOST_MORE_MISSES = 0.01
# One event more or less is what no audio of an hour can tell from none (3 / T).
MOST_MORE_ALARMS = 1
# Detections gained and lost even out in the two above; together they may still be no other model.
MOST_CHANGED_DECISIONS = 0.03


@dataclass(frozen=True, kw_only=True)
class Parity:
    """What one precision changes against float32.

    Attributes:
        precision: Its name.
        scored_by: What ran it.
        windows: How many were scored.
        largest: Largest absolute logit difference.
        mean: Mean absolute logit difference.
        changed_labels: Windows with another highest label.
        decisions: Detections of float32.
        gained: Detections that float32 did not make.
        lost: Detections of float32 that are not made.
        words: Keywords that were spoken.
        missed: Of these, without and with the precision.
        hours: Of background without keywords.
        alarms: Detections there, without and with the precision.
    """

    precision: str
    scored_by: str
    windows: int
    largest: float
    mean: float
    changed_labels: int
    decisions: int
    gained: int
    lost: int
    words: int
    missed: tuple[int, int]
    hours: float
    alarms: tuple[int, int]

    def failures(self) -> list[str]:
        """What is beyond its limit, for people; empty where the gate is passed."""
        changed = self.gained + self.lost
        more_missed = self.missed[1] - self.missed[0]
        most_mean = MOST_MEAN_DIFFERENCE[self.precision]
        checks = (
            (self.mean, most_mean, "mean logit difference {:.2g}, limit {:g}"),
            (self.largest, MOST_DIFFERENCE, "largest logit difference {:.2g}, limit {:g}"),
            (
                self.changed_labels / self.windows,
                MOST_CHANGED_LABELS,
                "another highest label in {:.2%} of the windows, limit {:.0%}",
            ),
            (
                changed / max(1, self.decisions),
                MOST_CHANGED_DECISIONS,
                "{:.1%} of the decisions changed, limit {:.0%}",
            ),
            (more_missed / self.words, MOST_MORE_MISSES, "{:.1%} more words missed, limit {:.0%}"),
            (self.alarms[1] - self.alarms[0], MOST_MORE_ALARMS, "{} more alarms, limit {}"),
        )
        # Not-a-number is beyond every limit.
        return [text.format(found, limit) for found, limit, text in checks if not found <= limit]

    def as_values(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "precision": self.precision,
            "scored_by": self.scored_by,
            "windows": self.windows,
            "largest_logit_difference": self.largest,
            "mean_logit_difference": self.mean,
            "changed_labels": self.changed_labels,
            "decisions": self.decisions,
            "decisions_gained": self.gained,
            "decisions_lost": self.lost,
            "words": self.words,
            "miss_rate_float32": self.missed[0] / self.words,
            "miss_rate": self.missed[1] / self.words,
            "background_hours": self.hours,
            "false_alarms_per_hour_float32": self.alarms[0] / self.hours,
            "false_alarms_per_hour": self.alarms[1] / self.hours,
        }

    @property
    def text(self) -> str:
        """All figures in a line."""
        before, after = (missed / self.words for missed in self.missed)
        quiet, loud = (alarms / self.hours for alarms in self.alarms)
        return (
            f"{self.windows} windows scored by {self.scored_by}: logits differ by "
            f"{self.mean:.2g} on average, {self.largest:.2g} at most; another highest label in "
            f"{self.changed_labels}; of {self.decisions} detections {self.lost} lost, "
            f"{self.gained} gained; of {self.words} words {before:.1%} missed before, {after:.1%} "
            f"now; {quiet:.1f} false alarms an hour before, {loud:.1f} now "
            f"({hours_text(self.hours)})"
        )
