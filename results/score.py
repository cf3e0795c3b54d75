"""The score of a candidate: the probability that both ions move, lowered by what speaks against.

The score is the product of its parts, each between 0 and 1 and raised to its weight. The first two,
with weights of 1, are the probability that both ions move; the others are choices.

| part | 1 | 0 |
|---|---|---|
| ``cation_moves`` | the cation's barrier is certainly below 0.8 eV | certainly not |
| ``anion_moves`` | the anion certainly moves, by the mobility model | certainly not |
| ``free_anion`` | the anion is free | it is bound in a polyanion |
| ``agreement`` | the published recipe gives the anion the same probability | the contrary |
| ``robustness`` | no convention changes the verdict | all do, or symmetry forces the ratio |
| ``disorder`` | ordered, or all ordered configurations pass | none of these passes |
| ``structure`` | global instability index up to 0.2 v.u. | 0.4 v.u. or more |
| ``redox`` | no redox-active metal | one with a partly filled d shell (closed shell: 0.5) |
| ``stability`` | on the convex hull | 0.1 eV/atom above it or more |
| ``ratio`` | both barriers are equal | a factor of two, or symmetry forces the ratio |
| ``gap`` | band gap of 4 eV or more | no band gap |
| ``potentials`` | several potentials agree in MD | they agree on nothing |

Where the barrier of an ion is known by elastic bands with a potential, it replaces the bond valence
one, with the potential's own error; ``agreement`` then compares both tiers, and ``ratio`` is that
of the bands, which symmetry does not force.

What is unknown counts one half and is shown as empty; potentials that were not compared count one.
Apart from the probabilities no part counts less than ``LEAST`` (``LEAST_FREE`` for
``free_anion``), so that none of the choices decides alone.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from dualion.results.calibrated import (
    as_number,
    fitted_mechanism,
    mechanism_of,
    neb_barrier,
    raw_barrier,
)
from dualion.results.columns import Row
from dualion.results.row_chemistry import redox_activities
from dualion.screening.calibration import barrier_calibration, mobility_model
from dualion.screening.potential_error import potential_error
from dualion.structures.errors import InputError
from dualion.structures.oxidation.redox import Activity

UNSTABLE_EV_ATOM = 0.1
"""Beyond this above the hull, compounds are rarely made (Sun et al., Sci. Adv. 2, e1600225
(2016), 10.1126/sciadv.1600225: 90 % of observed metastable phases lie below 67 meV/atom)."""
WIDE_GAP_EV = 4.0
DOUBTFUL_GII_VU = 0.2
"""Structures beyond this are strained or wrong (Salinas-Sanchez et al., J. Solid State Chem. 100,
201 (1992), 10.1016/0022-4596(92)90094-C)."""
HOPELESS_GII_VU = 0.4
UNKNOWN = 0.5
"""What an unknown part counts."""
REDOX: dict[Activity, float] = {"none": 1.0, "reducible": 0.5, "open_shell": 0.0}
LEAST = 0.1
LEAST_FREE = 0.001
WEIGHTED = "weighted_occupancies"
LOST_ROBUSTNESS = {
    "dimensionality_decides": 0.5,
    "ratio_reading_decides": 0.3,
    "grid_error_decides": 0.2,
}
"""How much of the robustness is lost where a choice decides the verdict."""

FORCED = "ratio_forced_by_symmetry"

NEEDED: tuple[str, ...] = (
    "flags",
    "anion_bound",
    "anion_bound_fraction",
    "bound_strength",
    "cation",
    "anion",
    "mechanism_cation",
    "mechanism_anion",
    "gii_vu",
    "oxidation_states",
    "ensemble_pass_share",
    *(
        f"e{n}d_{ion}{end}_ev"
        for n in (1, 2, 3)
        for ion in ("cation", "anion")
        for end in ("", "_refined")
    ),
    *(f"published_e{n}d_anion_ev" for n in (1, 2, 3)),
    *(f"e{n}d_anion_rigid_ev" for n in (1, 2, 3)),
    *(f"ratio_{n}d" for n in (1, 2, 3)),
    *(f"e{n}d_{ion}_neb_ev" for n in (1, 2, 3) for ion in ("cation", "anion")),
    *(f"ratio_{n}d_neb" for n in (1, 2, 3)),
    "neb_potential",
    "energy_above_hull_ev_atom",
    "band_gap_ev",
    "md_agreement",
)
"""Columns that a score is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWeights:
    """Weight of each part: the power to which it enters the score; 0 leaves it out.

    Raises:
        InputError: a weight is negative or not finite, or all are zero.
    """

    cation_moves: float = 1.0
    anion_moves: float = 1.0
    free_anion: float = 1.0
    agreement: float = 0.5
    robustness: float = 0.5
    disorder: float = 0.5
    structure: float = 0.5
    redox: float = 0.5
    stability: float = 0.5
    ratio: float = 0.25
    gap: float = 0.25
    potentials: float = 0.5

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
    """Compute the parts of a row's score, each from 0 to 1, NaN where unknown.

    Args:
        row: a row of ``screened.csv`` with the columns ``NEEDED``.
        dimensionality: 1, 2 or 3: the barriers that count.
    """
    flags = set(str(row.get("flags") or "").split(";"))
    forced = FORCED in flags and math.isnan(_neb_ratio(row, dimensionality))
    lost = sum(share for flag, share in LOST_ROBUSTNESS.items() if flag in flags)
    hull = as_number(row.get("energy_above_hull_ev_atom"))
    gii = as_number(row.get("gii_vu"))
    strain = (gii - DOUBTFUL_GII_VU) / (HOPELESS_GII_VU - DOUBTFUL_GII_VU)
    return {
        "cation_moves": _moves(row, "cation", dimensionality),
        "anion_moves": _moves(row, "anion", dimensionality),
        "free_anion": 1.0 - _bound(row),
        "agreement": _agreement(row, dimensionality),
        "robustness": 0.0 if forced else _clipped(1.0 - lost),
        "disorder": _disorder(row, flags),
        "structure": _clipped(1.0 - strain),
        "redox": _redox(row),
        "stability": _clipped(1.0 - hull / UNSTABLE_EV_ATOM),
        "ratio": 0.0 if forced else _ratio_part(row, dimensionality),
        "gap": _clipped(as_number(row.get("band_gap_ev")) / WIDE_GAP_EV),
        "potentials": _clipped(as_number(row.get("md_agreement"))),
    }


def combined_score(parts: Mapping[str, float], weights: ScoreWeights) -> float:
    """Multiply the parts, each to the power of its weight, 0 to 1.

    Args:
        parts: parts by name, NaN where unknown.
        weights: weights of the parts.
    """
    powers: dict[str, float] = asdict(weights)
    return float(math.prod(_counted(name, parts[name]) ** powers[name] for name in PARTS))


def score_columns(row: Row, *, dimensionality: int, weights: ScoreWeights) -> Row:
    """Compute the columns ``score`` and ``score_<part>`` of a row; unknown parts are None.

    Args:
        row: a row of ``screened.csv`` with the columns ``NEEDED``.
        dimensionality: 1, 2 or 3: the barriers that count.
        weights: weights of the parts.
    """
    parts = score_parts(row, dimensionality=dimensionality)
    return {
        "score": combined_score(parts, weights),
        **{f"score_{k}": None if math.isnan(v) else v for k, v in parts.items()},
    }


def rescored(row: Row, weight: float) -> Row:
    """Compute the score of a ranked row anew after MD: what its potentials say may have changed.

    Args:
        row: with ``score``, ``score_potentials`` as it was, and ``md_agreement`` as it is.
        weight: of the part.

    Returns:
        The columns that change.
    """
    before, after = (as_number(row.get(key)) for key in ("score_potentials", "md_agreement"))
    if before == after or (math.isnan(before) and math.isnan(after)):
        return {}
    counted = [_counted("potentials", _clipped(part)) ** weight for part in (before, after)]
    return {
        "score": as_number(row.get("score")) / counted[0] * counted[1],
        "score_potentials": None if math.isnan(after) else _clipped(after),
    }


def _counted(name: str, part: float) -> float:
    if name == "potentials" and math.isnan(part):
        return 1.0
    known = UNKNOWN if math.isnan(part) else part
    if name in ("cation_moves", "anion_moves"):
        return known
    return max(known, LEAST_FREE if name == "free_anion" else LEAST)


def _moves(row: Row, role: str, dimensionality: int) -> float:
    """Probability that an ion moves: by elastic bands where they are known, else by the sieve."""
    barrier = neb_barrier(row, role, dimensionality)
    if math.isnan(barrier):
        return _sieve_moves(row, role, dimensionality)
    return potential_error(str(row.get("neb_potential"))).probability_below(barrier)


def _sieve_moves(row: Row, role: str, dimensionality: int) -> float:
    """The same by bond valence alone."""
    mechanism = fitted_mechanism(row, role)
    raw = raw_barrier(row, role, dimensionality)
    if role == "anion":
        model = mobility_model(mechanism) if mechanism else None
        return model.probability(raw, _bound(row)) if model else math.nan
    ion = str(row.get("cation") or "")
    calibration = barrier_calibration(mechanism, ion, role) if mechanism else None
    return calibration.probability_below(raw) if calibration else math.nan


def _agreement(row: Row, dimensionality: int) -> float:
    """How near two mechanisms are in the anion's probability; unknown where there is one alone.

    They are bond valence and elastic bands where these are known, else the deciding mechanism and
    the published recipe.
    """
    sieve = _sieve_moves(row, "anion", dimensionality)
    if not math.isnan(neb_barrier(row, "anion", dimensionality)):
        return 1.0 - abs(sieve - _moves(row, "anion", dimensionality))
    if mechanism_of(row, "anion") == "empty_lattice":
        return math.nan
    recipe = mobility_model("empty_lattice")
    raw = as_number(row.get(f"published_e{dimensionality}d_anion_ev"))
    published = recipe.probability(raw, _bound(row)) if recipe else math.nan
    return 1.0 - abs(published - sieve)


def _neb_ratio(row: Row, dimensionality: int) -> float:
    return as_number(row.get(f"ratio_{dimensionality}d_neb"))


def _ratio_part(row: Row, dimensionality: int) -> float:
    """How equal both barriers are, of elastic bands where both are known; 0 for a still cation."""
    by_bands = [neb_barrier(row, role, dimensionality) for role in ("cation", "anion")]
    if any(math.isnan(barrier) for barrier in by_bands):
        cation = as_number(row.get(f"e{dimensionality}d_cation_ev"))
        ratio = as_number(row.get(f"ratio_{dimensionality}d"))
    else:
        cation, ratio = by_bands[0], _neb_ratio(row, dimensionality)
    return 0.0 if math.isinf(cation) else _ratio(ratio)


def _disorder(row: Row, flags: set[str]) -> float:
    """The share of ordered configurations that pass; unknown where none was computed."""
    if not math.isnan(share := as_number(row.get("ensemble_pass_share"))):
        return _clipped(share)
    return math.nan if WEIGHTED in flags else 1.0


def _redox(row: Row) -> float:
    """The worst of the structure's cations; unknown where their states are."""
    activities = redox_activities(row).values()
    return min((REDOX[activity] for activity in activities), default=math.nan)


def _bound(row: Row) -> float:
    for key in ("bound_strength", "anion_bound_fraction"):
        share = as_number(row.get(key))
        if not math.isnan(share):
            return _clipped(share)
    return 1.0 if row.get("anion_bound") else 0.0


def _ratio(ratio: float) -> float:
    if math.isnan(ratio):
        return math.nan
    return _clipped(1.0 - abs(math.log2(ratio))) if 0.0 < ratio < math.inf else 0.0


def _clipped(value: float) -> float:
    return value if math.isnan(value) else min(1.0, max(0.0, value))
