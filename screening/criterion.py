"""The DAI verdict: can cation and anion both migrate?

Criterion of Cen et al., Nat. Sustain. (2025), "Adaptive interphase enabled pressure-free
all-solid-state lithium metal batteries": E_m(cation) < 1 eV and 0.5 ≤ E_m(anion)/E_m(cation)
≤ 1.5. The paper names no dimensionality, and its figure plots the inverse ratio, so every
dimensionality and both readings are judged; a verdict that depends on the choice is flagged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from dualion.screening.triple import Triple
from dualion.structures.errors import InputError

RatioReading = Literal["anion_over_cation", "cation_over_anion"]

Passes = tuple[bool, bool, bool]

MAX_CATION_BARRIER_EV = 1.0
MIN_RATIO = 0.5
MAX_RATIO = 1.5
"""The published thresholds; every default of a command, a file or a figure is read from here."""

DIMENSIONALITY: Literal[1, 2, 3] = 3
READING: RatioReading = "anion_over_cation"
"""What the paper leaves open: barriers of three-dimensional transport, the ratio as in its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaiCriterion:
    """Thresholds of the verdict.

    Attributes:
        max_cation_barrier_ev: the cation's barrier must be below this, eV.
        min_ratio, max_ratio: bounds of the barrier ratio, both included.
        dimensionality: 1, 2 or 3: the barriers that decide.
        reading: which barrier is divided by which.

    Raises:
        InputError: a threshold makes no sense.
    """

    max_cation_barrier_ev: float = MAX_CATION_BARRIER_EV
    min_ratio: float = MIN_RATIO
    max_ratio: float = MAX_RATIO
    dimensionality: int = DIMENSIONALITY
    reading: RatioReading = READING

    def __post_init__(self) -> None:
        if self.dimensionality not in (1, 2, 3):
            raise InputError(f"Dimensionality is 1, 2 or 3, not {self.dimensionality}.")
        if not 0.0 <= self.min_ratio <= self.max_ratio:
            raise InputError(
                f"The ratio's bounds {self.min_ratio} and {self.max_ratio} are not in order; "
                "give 0 ≤ smallest ≤ largest."
            )
        if not self.max_cation_barrier_ev > 0.0:
            raise InputError("The cation's largest barrier must be above 0 eV.")
        if self.reading not in get_args(RatioReading):
            raise InputError(
                f"Unknown ratio reading {self.reading!r}; known: "
                f"{', '.join(get_args(RatioReading))}."
            )

    @property
    def other_reading(self) -> RatioReading:
        """The reading of the ratio that was not chosen."""
        return "cation_over_anion" if self.reading == "anion_over_cation" else "anion_over_cation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Judgement of one cation–anion pair.

    Attributes:
        ratios: anion over cation barrier for 1D, 2D, 3D; ``inf`` where the anion alone does not
            percolate, NaN where the cation does not.
        passes: whether the criterion holds at 1D, 2D, 3D with the chosen reading.
        passes_other_reading: the same with the other reading of the ratio.
        dai: the verdict: ``passes`` at the chosen dimensionality.
        dai_other_reading: ``passes_other_reading`` there.
        cation_below: whether the cation's barrier there is below its threshold.
        flags: ``dimensionality_decides`` and ``ratio_reading_decides`` where they do.
    """

    ratios: tuple[float, float, float]
    passes: Passes
    passes_other_reading: Passes
    dai: bool
    dai_other_reading: bool
    cation_below: bool
    flags: tuple[str, ...] = field(default=())

    @property
    def dimensions(self) -> str:
        """The dimensionalities that pass, like ``1D;2D``."""
        return ";".join(f"{n}D" for n, ok in enumerate(self.passes, start=1) if ok)


def judge_pair(cation_ev: Triple, anion_ev: Triple, criterion: DaiCriterion) -> Verdict:
    """Apply the criterion (Cen et al., 2025) to the barriers of both ions.

    Args:
        cation_ev: E_1D, E_2D, E_3D of the cation, eV; ``inf`` where it does not percolate.
        anion_ev: the same of the anion, eV.
        criterion: thresholds.
    """
    pairs = list(zip(cation_ev, anion_ev, strict=True))
    passes = [_passes(c, a, criterion, criterion.reading) for c, a in pairs]
    other = [_passes(c, a, criterion, criterion.other_reading) for c, a in pairs]
    chosen = criterion.dimensionality - 1
    flags = []
    if any(ok != passes[chosen] for ok in passes):
        flags.append("dimensionality_decides")
    if passes[chosen] != other[chosen]:
        flags.append("ratio_reading_decides")
    ratios = tuple(barrier_ratio(c, a, "anion_over_cation") for c, a in pairs)
    return Verdict(
        ratios=ratios,  # type: ignore[arg-type]
        passes=tuple(passes),  # type: ignore[arg-type]
        passes_other_reading=tuple(other),  # type: ignore[arg-type]
        dai=passes[chosen],
        dai_other_reading=other[chosen],
        cation_below=cation_ev[chosen] < criterion.max_cation_barrier_ev,
        flags=tuple(flags),
    )


def grid_flags(
    cation_refined_ev: Triple, anion_refined_ev: Triple, verdict: Verdict, criterion: DaiCriterion
) -> tuple[str, ...]:
    """Return ``grid_error_decides`` where the refined barriers give another verdict.

    Args:
        cation_refined_ev: E_1D, E_2D, E_3D of the cation without the grid's error, eV; NaN where
            a barrier was not refined, which leaves the question open.
        anion_refined_ev: the same of the anion, eV.
        verdict: the verdict by the barriers on the grid.
        criterion: thresholds.
    """
    if any(math.isnan(barrier) for barrier in (*cation_refined_ev, *anion_refined_ev)):
        return ()
    refined = judge_pair(cation_refined_ev, anion_refined_ev, criterion)
    return ("grid_error_decides",) if refined.dai != verdict.dai else ()


def mechanism_flags(verdict: Verdict, published: Verdict) -> tuple[str, ...]:
    """Return ``mechanism_decides`` where the published recipe gives another verdict.

    Args:
        verdict: the verdict that counts.
        published: the verdict by the published recipe.
    """
    return ("mechanism_decides",) if verdict.dai != published.dai else ()


def barrier_ratio(cation_ev: float, anion_ev: float, reading: RatioReading) -> float:
    """Return the ratio of two barriers in one of its readings.

    Args:
        cation_ev: barrier of the cation, eV; ``inf`` where it does not percolate.
        anion_ev: barrier of the anion, eV.
        reading: which barrier is divided by which.

    Returns:
        The ratio; ``inf`` over a barrier of 0 and where the upper ion alone does not percolate;
        NaN where the lower one does not, which has no barrier to compare with.
    """
    over, under = anion_ev, cation_ev
    if reading == "cation_over_anion":
        over, under = cation_ev, anion_ev
    if math.isinf(under):
        return math.nan
    return over / under if under > 0.0 else math.inf


def _passes(cation: float, anion: float, criterion: DaiCriterion, reading: RatioReading) -> bool:
    ratio = barrier_ratio(cation, anion, reading)
    in_range = criterion.min_ratio <= ratio <= criterion.max_ratio
    return cation < criterion.max_cation_barrier_ev and math.isfinite(anion) and in_range
