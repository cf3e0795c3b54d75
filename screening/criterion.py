"""The DAI verdict: can cation and anion both migrate?

Criterion of Cen et al., Nat. Sustain. (2025), "Adaptive interphase enabled pressure-free
all-solid-state lithium metal batteries": E_m(cation) < 1 eV and 0.5 ≤ E_m(anion)/E_m(cation)
≤ 1.5. The paper names no dimensionality, and its figure plots the inverse ratio, so every
dimensionality and both readings are judged; a verdict that depends on the choice is flagged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from dualion.structures.errors import InputError

RatioReading = Literal["anion_over_cation", "cation_over_anion"]
Triple = tuple[float, float, float]
Passes = tuple[bool, bool, bool]


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

    max_cation_barrier_ev: float = 1.0
    min_ratio: float = 0.5
    max_ratio: float = 1.5
    dimensionality: int = 3
    reading: RatioReading = "anion_over_cation"

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
        if self.reading not in ("anion_over_cation", "cation_over_anion"):
            raise InputError(
                f"Unknown ratio reading {self.reading!r}; "
                "known: anion_over_cation, cation_over_anion."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Judgement of one cation–anion pair.

    Attributes:
        ratios: anion over cation barrier for 1D, 2D, 3D; ``inf`` where the anion does not
            percolate, NaN where neither ion does.
        passes: whether the criterion holds at 1D, 2D, 3D with the chosen reading.
        passes_other_reading: the same with the other reading of the ratio.
        dai: the verdict: ``passes`` at the chosen dimensionality.
        dai_other_reading: ``passes_other_reading`` there.
        cation_below: whether the cation's barrier there is below its threshold.
        flags: ``dimensionality_decides`` and ``ratio_reading_decides`` where they do.
    """

    ratios: Triple
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


def judge(cation_ev: Triple, anion_ev: Triple, criterion: DaiCriterion) -> Verdict:
    """Apply the criterion to E_1D, E_2D, E_3D of both ions, eV."""
    inverse: RatioReading = (
        "cation_over_anion" if criterion.reading == "anion_over_cation" else "anion_over_cation"
    )
    pairs = list(zip(cation_ev, anion_ev, strict=True))
    passes = [_passes(c, a, criterion, criterion.reading) for c, a in pairs]
    other = [_passes(c, a, criterion, inverse) for c, a in pairs]
    chosen = criterion.dimensionality - 1
    flags = []
    if any(ok != passes[chosen] for ok in passes):
        flags.append("dimensionality_decides")
    if passes[chosen] != other[chosen]:
        flags.append("ratio_reading_decides")
    ratios = tuple(_ratio(a, c) for c, a in pairs)
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
    """``grid_error_decides`` where the refined barriers, eV, give another verdict.

    NaN stands for a barrier that was not refined; then there is nothing to say.
    """
    if any(math.isnan(barrier) for barrier in (*cation_refined_ev, *anion_refined_ev)):
        return ()
    refined = judge(cation_refined_ev, anion_refined_ev, criterion)
    return ("grid_error_decides",) if refined.dai != verdict.dai else ()


def _ratio(over: float, under: float) -> float:
    if math.isinf(under):
        return math.nan if math.isinf(over) else 0.0
    return over / under if under > 0.0 else math.inf


def _passes(cation: float, anion: float, criterion: DaiCriterion, reading: RatioReading) -> bool:
    ratio = _ratio(anion, cation) if reading == "anion_over_cation" else _ratio(cation, anion)
    in_range = criterion.min_ratio <= ratio <= criterion.max_ratio
    return cation < criterion.max_cation_barrier_ev and math.isfinite(anion) and in_range
