"""Count the structures that pass each step of a screening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from dualion.results.columns import Row
from dualion.results.vocabulary import split_flags


@dataclass(slots=True)
class Funnel:
    """Counts of structures, step by step; a structure counts if any of its pairs comes through.

    Attributes:
        read: structures found in the sources.
        parsed: of these, read without error.
        prepared: of these, given oxidation states and occupancies.
        computed: of these, with barriers of the cation and at least one anion.
        cation_below: of these, with the cation's barrier below its threshold.
        ratio_in_range: of these, with a pair that passes the criterion.
        candidates: of these, with a pair that nothing sets aside.
        set_aside: how often each reason set a passing pair aside.
        reasons: how often each reason ended a structure or a pair.
    """

    read: int = 0
    parsed: int = 0
    prepared: int = 0
    computed: int = 0
    cation_below: int = 0
    ratio_in_range: int = 0
    candidates: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, rows: Iterable[Row], *, stage: str, cation_below: bool) -> None:
        """Count one structure.

        Args:
            rows: all rows of the structure.
            stage: where it ended: ``read``, ``prepare``, ``screen`` or ``done``.
            cation_below: whether a pair's cation barrier is below the threshold.
        """
        rows = list(rows)
        self.read += 1
        self.parsed += stage != "read"
        self.prepared += stage in ("screen", "done")
        self.computed += any(row["status"] == "ok" for row in rows)
        self.cation_below += cation_below
        self.ratio_in_range += any(row.get("dai") is True for row in rows)
        passing = [row for row in rows if row.get("dai") is True]
        self.candidates += any(not row.get("set_aside") for row in passing)
        for row in passing:
            self.set_aside.update(split_flags(row.get("set_aside")))
        self.reasons.update(str(row["reason"]) for row in rows if row["status"] != "ok")

    def steps(self) -> list[tuple[str, int]]:
        """Return name and count of each step, widest first."""
        return [
            ("read", self.read),
            ("prepared", self.prepared),
            ("computed", self.computed),
            ("cation barrier below threshold", self.cation_below),
            ("ratio in range", self.ratio_in_range),
            ("candidates", self.candidates),
        ]
