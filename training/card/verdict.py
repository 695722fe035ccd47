"""What comes of comparing a card with the records."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Verdict:
    """Statements by what became of them.

    Attributes:
        held: How many hold.
        silent: How many say that nothing was measured or recorded.
        false: One line for each that does not hold.
        unchecked: Why, and what, for each that the records cannot decide.
        notes: What people should know besides.
    """

    held: int = 0
    silent: int = 0
    false: list[str] = field(default_factory=list)
    unchecked: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self, name: str) -> list[str]:
        """For people.

        Args:
            name: Of the card.
        """
        lines = [f"false: {text}" for text in self.false]
        reasons: dict[str, list[str]] = defaultdict(list)
        for why, what in self.unchecked:
            reasons[why].append(what)
        for why, unchecked in reasons.items():
            lines += [f"not checkable ({why}):", *(f"  {text}" for text in unchecked)]
        lines += [f"note: {text}" for text in self.notes]
        silent = f", {self.silent} say that nothing was measured" if self.silent else ""
        lines.append(
            f"{name}: {self.held} statements hold, {len(self.false)} do not, "
            f"{len(self.unchecked)} are not checkable{silent}"
        )
        return lines
