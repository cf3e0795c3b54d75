"""What elastic bands with a potential say of a candidate: a record, and columns for its row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dualion.results.columns import NEB, Row
from dualion.results.vocabulary import join_flags, split_flags
from dualion.screening.criterion import DaiCriterion, judge_pair
from dualion.screening.triple import Triple

DIGITS = 4
"""Digits of an energy in eV, in every file."""
ROLES = ("cation", "anion")
PAIR_KINDS = tuple(
    column.key.removeprefix("pair_").removesuffix("_ev")
    for column in NEB
    if column.key.startswith("pair_")
)
"""Pairs of defects that bring carriers."""
MAKERS: Mapping[str, tuple[str, ...]] = {
    "cation": ("schottky",),
    "anion": ("schottky", "anion_frenkel"),
}
"""Pairs that leave a vacancy of an ion; the cheapest makes them."""

PAIRS_TOO_LOW = "pairs_too_low"
"""Flag of a pair whose potential gives defects too little energy for activation energies."""

Key = tuple[str, str, str]
"""Structure key, cation, anion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NebPair:
    """Barriers of a cation and an anion of one structure with a potential.

    Attributes:
        structure_key: first part of the row's key in ``candidates.csv``.
        cation, anion: the ions, with their charges.
        potential: its name.
        cation_ev, anion_ev: E_1D, E_2D, E_3D, eV; ``inf`` where no hop crosses the crystal, NaN
            where that is not known.
        hops: computed hops of both.
        hops_left: hops that cannot lower a barrier.
        flags: names of the vocabulary.
        problem: why a barrier is missing; empty where none is.
        pairs_ev: formation energy of pairs of defects by ``PAIR_KINDS``, eV; the known ones.
    """

    structure_key: str
    cation: str
    anion: str
    potential: str
    cation_ev: Triple
    anion_ev: Triple
    hops: int = 0
    hops_left: int = 0
    flags: tuple[str, ...] = ()
    problem: str = ""
    pairs_ev: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Return what the row of ``candidates.csv`` is found by."""
        return self.structure_key, self.cation, self.anion

    def plain(self) -> dict[str, Any]:
        """Return plain data for JSON: infinity as the text inf, unknown as null."""
        return {
            "structure_key": self.structure_key,
            "cation": self.cation,
            "anion": self.anion,
            "potential": self.potential,
            "cation_ev": [_plain(value) for value in self.cation_ev],
            "anion_ev": [_plain(value) for value in self.anion_ev],
            "hops": self.hops,
            "hops_left": self.hops_left,
            "flags": join_flags(self.flags),
            "problem": self.problem,
            "pairs_ev": {name: _plain(value) for name, value in self.pairs_ev.items()},
        }

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> NebPair:
        """Read what ``plain`` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        pairs = {
            kind: number
            for kind in PAIR_KINDS
            if not math.isnan(number := _number(dict(content["pairs_ev"]).get(kind)))
        }
        return cls(
            **{name: str(content[name]) for name in ("structure_key", *ROLES, "potential")},
            cation_ev=_triple(content["cation_ev"]),
            anion_ev=_triple(content["anion_ev"]),
            hops=int(content["hops"]),
            hops_left=int(content["hops_left"]),
            flags=split_flags(content["flags"]),
            problem=str(content["problem"]),
            pairs_ev=pairs,
        )


def by_key(pairs: Iterable[NebPair]) -> dict[Key, NebPair]:
    """Return pairs by what their rows are found by."""
    return {pair.key: pair for pair in pairs}


def neb_columns_of(row: Row, pairs: Mapping[Key, NebPair], criterion: DaiCriterion) -> Row:
    """Find the columns of a candidate's row; none where it was not computed.

    Args:
        row: a row of ``candidates.csv``.
        pairs: of ``by_key``.
        criterion: thresholds of the run.
    """
    structure = str(row.get("key") or "").split("-")[0]
    pair = pairs.get((structure, str(row.get("cation")), str(row.get("anion"))))
    return neb_columns(pair, criterion) if pair else {}


def neb_columns(pair: NebPair, criterion: DaiCriterion) -> Row:
    """Compute the columns of a pair: barriers, ratios, verdicts, activation energies.

    Args:
        pair: what was computed.
        criterion: thresholds.
    """
    row: Row = {column.key: None for column in NEB}
    barriers = {"cation": pair.cation_ev, "anion": pair.anion_ev}
    for role, values in barriers.items():
        for n, value in enumerate(values, start=1):
            row[f"e{n}d_{role}_neb_ev"] = _known(value)
    if _is_whole(pair):
        verdict = judge_pair(pair.cation_ev, pair.anion_ev, criterion)
        for n, ratio in enumerate(verdict.ratios, start=1):
            row[f"ratio_{n}d_neb"] = _known(ratio)
        row["dai_neb"] = verdict.dai
    row |= _carrier_columns(pair, barriers, criterion)
    row["neb_potential"] = pair.potential
    row["neb_hops"], row["neb_hops_left"] = pair.hops, pair.hops_left
    row["neb_flags"], row["neb_problem"] = join_flags(pair.flags), pair.problem
    return row


def _carrier_columns(pair: NebPair, barriers: Mapping[str, Triple], criterion: DaiCriterion) -> Row:
    row: Row = {f"pair_{kind}_ev": pair.pairs_ev.get(kind) for kind in PAIR_KINDS}
    if pair.pairs_ev and _is_whole(pair):
        row["dai_neb_doped"] = judge_pair(pair.cation_ev, pair.anion_ev, criterion).dai
    if PAIRS_TOO_LOW in pair.flags:
        return row
    cation, anion = (activation_ev(barriers[role], role, pair.pairs_ev) for role in ROLES)
    for role, values in zip(ROLES, (cation, anion), strict=True):
        row[f"e_activation_{role}_ev"] = _known(values[criterion.dimensionality - 1])
    if not any(math.isnan(value) for value in (*cation, *anion)):
        row["dai_neb_intrinsic"] = judge_pair(cation, anion, criterion).dai
    return row


def activation_ev(barriers_ev: Triple, role: str, pairs_ev: Mapping[str, float]) -> Triple:
    """Compute activation energies with intrinsic vacancies: the barrier and half a pair's energy.

    The concentration of one partner of a pair of formation energy E is proportional to
    exp(−E/2kT) (Tilley, Defects in Solids, 2008, chapter 2, 10.1002/9780470380758). A pair whose
    energy is negative costs nothing more: the crystal is full of such defects already.

    Args:
        barriers_ev: E_1D, E_2D, E_3D, eV.
        role: ``cation`` or ``anion``.
        pairs_ev: formation energies by kind, eV.

    Returns:
        The three energies, eV; NaN where no pair is known that leaves a vacancy of the ion.
    """
    known = [pairs_ev[kind] for kind in MAKERS[role] if kind in pairs_ev]
    half = 0.5 * max(min(known), 0.0) if known else math.nan
    return Triple(*(round(barrier + half, DIGITS) for barrier in barriers_ev))


def _is_whole(pair: NebPair) -> bool:
    return not any(math.isnan(value) for value in (*pair.cation_ev, *pair.anion_ev))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)


def _plain(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else round(value, DIGITS)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _triple(values: Any) -> Triple:
    one, two, three = (_number(value) for value in values)
    return Triple(one, two, three)
