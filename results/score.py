"""The default score of a candidate: a weighted mean of parts that are each between 0 and 1.

| part | 1 | 0 |
|---|---|---|
| ``free_anion`` | no site of the anion is a ligand of a polyanion | all are |
| ``barriers`` | the slower ion's barrier is 0 eV | it is 1.5 eV or more |
| ``robustness`` | no convention changes the verdict | all do, or symmetry forces the ratio |
| ``ratio`` | both barriers are equal | one is twice the other, or symmetry forces the ratio |
| ``stability`` | on the convex hull | 0.1 eV/atom above it or more |
| ``gap`` | band gap of 4 eV or more | no band gap |

What is unknown counts one half. The default weight of ``free_anion`` equals all others together,
so that a free anion comes before a bound one whatever the other parts say.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from dualion.results.columns import Row
from dualion.structures.errors import InputError

HOPELESS_BARRIER_EV = 1.5
UNSTABLE_EV_ATOM = 0.1
"""Beyond this above the hull, compounds are rarely made (Sun et al., Sci. Adv. 2, e1600225
(2016), 10.1126/sciadv.1600225: 90 % of observed metastable phases lie below 67 meV/atom)."""
WIDE_GAP_EV = 4.0
UNKNOWN = 0.5
LOST_ROBUSTNESS = {
    "dimensionality_decides": 0.5,
    "ratio_reading_decides": 0.3,
    "grid_error_decides": 0.2,
}
"""How much of the robustness is lost where a choice decides the verdict."""

FORCED = "ratio_forced_by_symmetry"

NEEDED = (
    "flags",
    "anion_bound",
    "anion_bound_fraction",
    *(f"e{n}d_{ion}_ev" for n in (1, 2, 3) for ion in ("cation", "anion")),
    *(f"ratio_{n}d" for n in (1, 2, 3)),
    "energy_above_hull_ev_atom",
    "band_gap_ev",
)
"""Columns that a score is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWeights:
    """Weight of each part; only their proportions count.

    Raises:
        InputError: a weight is negative or not finite, or all are zero.
    """

    free_anion: float = 8.0
    barriers: float = 2.0
    robustness: float = 2.0
    stability: float = 2.0
    ratio: float = 1.0
    gap: float = 1.0

    def __post_init__(self) -> None:
        for name, weight in asdict(self).items():
            if not (math.isfinite(weight) and weight >= 0.0):
                raise InputError(f"The weight of {name} is {weight}; give a number from 0 up.")
        if not any(asdict(self).values()):
            raise InputError("All weights of the ranking are 0; give one of them a weight.")

    @classmethod
    def of(cls, given: Mapping[str, float]) -> ScoreWeights:
        """Read weights by name; parts that are not named keep their default.

        Raises:
            InputError: a name is unknown or a weight makes no sense.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
                raise InputError(
                    f"The ranking has no part {name!r}; did you mean {close!r}? Known: "
                    f"{', '.join(known)}."
                )
        return cls(**given)


PARTS = tuple(field.name for field in fields(ScoreWeights))


def score_parts(row: Row, *, dimensionality: int) -> dict[str, float]:
    """Compute the parts of a row's score, each from 0 to 1.

    Args:
        row: a row of ``screened.csv`` with the columns ``NEEDED``.
        dimensionality: 1, 2 or 3: the barriers that count.
    """
    flags = set(str(row.get("flags") or "").split(";"))
    cation, anion = (
        _number(row.get(f"e{dimensionality}d_{ion}_ev")) for ion in ("cation", "anion")
    )
    ratio = _number(row.get(f"ratio_{dimensionality}d"))
    hull = _number(row.get("energy_above_hull_ev_atom"))
    gap = _number(row.get("band_gap_ev"))
    lost = sum(share for flag, share in LOST_ROBUSTNESS.items() if flag in flags)
    return {
        "free_anion": _free(row),
        "barriers": min(_clipped(1.0 - ev / HOPELESS_BARRIER_EV) for ev in (cation, anion)),
        "robustness": 0.0 if FORCED in flags else _clipped(1.0 - lost),
        "stability": _clipped(1.0 - hull / UNSTABLE_EV_ATOM),
        "ratio": 0.0 if FORCED in flags or math.isinf(cation) else _ratio(ratio),
        "gap": _clipped(gap / WIDE_GAP_EV),
    }


def weighted_score(parts: Mapping[str, float], weights: ScoreWeights) -> float:
    """Average the parts by their weights, 0 to 1.

    Args:
        parts: parts by name.
        weights: weights of the parts.
    """
    by_name: dict[str, float] = asdict(weights)
    return sum(by_name[name] * parts[name] for name in PARTS) / sum(by_name.values())


def score_columns(row: Row, *, dimensionality: int, weights: ScoreWeights) -> Row:
    """Compute the columns ``score`` and ``score_<part>`` of a row.

    Args:
        row: a row of ``screened.csv`` with the columns ``NEEDED``.
        dimensionality: 1, 2 or 3: the barriers that count.
        weights: weights of the parts.
    """
    parts = score_parts(row, dimensionality=dimensionality)
    return {
        "score": weighted_score(parts, weights),
        **{f"score_{name}": parts[name] for name in PARTS},
    }


def _free(row: Row) -> float:
    fraction = row.get("anion_bound_fraction")
    if isinstance(fraction, int | float):
        return _clipped(1.0 - float(fraction))
    return 0.0 if row.get("anion_bound") else 1.0


def _ratio(ratio: float) -> float:
    if math.isnan(ratio):
        return UNKNOWN
    return _clipped(1.0 - abs(math.log2(ratio))) if 0.0 < ratio < math.inf else 0.0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _clipped(value: float) -> float:
    return UNKNOWN if math.isnan(value) else min(1.0, max(0.0, value))
