"""What speaks for a candidate and what against it, in words, from the columns of its row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dualion.results.calibrated import as_number, mechanism_of, neb_barrier
from dualion.results.columns import Row
from dualion.results.row_chemistry import redox_activities
from dualion.results.score import DOUBTFUL_GII_VU, UNSTABLE_EV_ATOM
from dualion.results.vocabulary import FLAGS, split_flags
from dualion.screening.bvse.pair_parameters import ParameterQuality

LIKELY, UNLIKELY = 0.7, 0.3
"""Probabilities from which, and below which, a motion is called likely and unlikely."""
BOUND_FROM, FREE_BELOW = 0.5, 0.1
"""Strength of the bonds to a polyanion from which an anion is called bound, below which free."""
STABLE_EV_ATOM = 0.025
"""Thermal energy at room temperature: compounds this close to the hull count as stable."""
WIDE_GAP_EV = 3.0
TOLD_FLAGS = frozenset(
    term.name
    for term in FLAGS
    if term.group in ("reading of the source", "preparation of the structure", "verdict")
) | {
    "ratio_forced_by_symmetry",
    "oxidation_states_guessed",
    f"{ParameterQuality.ESTIMATED.label}_parameters",
}
"""Flags that speak against a candidate; their meaning in the vocabulary is the reason."""
_MEANINGS = {term.name: term.meaning for term in FLAGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Sentences on one candidate.

    Attributes:
        speaks_for: what makes it believable.
        against: what makes it doubtful, what is unknown included.
    """

    speaks_for: tuple[str, ...]
    against: tuple[str, ...]


def reasons(row: Row) -> Reasons:
    """Say what speaks for a candidate and what against it.

    Args:
        row: a row of ``candidates.csv``.
    """
    told = [sentence for rule in _RULES for sentence in rule(row)]
    return Reasons(
        speaks_for=tuple(text for speaks_for, text in told if speaks_for),
        against=tuple(text for speaks_for, text in told if not speaks_for),
    )


Told = Iterator[tuple[bool, str]]


def _motion(row: Row) -> Told:
    for role in ("cation", "anion"):
        ion = str(row.get(role) or role)
        probability = as_number(row.get(f"score_{role}_moves"))
        if math.isnan(probability):
            yield False, f"Whether {ion} moves is unknown: no calibration covers its barrier."
        elif probability >= LIKELY:
            yield True, f"{ion} likely moves (probability {probability:.2f})."
        elif probability < UNLIKELY:
            yield False, f"{ion} hardly moves (probability {probability:.2f})."
        else:
            yield False, f"Whether {ion} moves is open (probability {probability:.2f})."


def _bonds(row: Row) -> Told:
    strength = as_number(row.get("bound_strength"))
    anion = str(row.get("anion") or "The anion")
    if strength >= BOUND_FROM:
        yield False, f"{anion} is bound in a polyanion: it may turn with it, not leave it."
    elif strength < FREE_BELOW:
        yield True, f"{anion} is free: it is no ligand of a polyanion."


def _mechanisms(row: Row) -> Told:
    agreement = as_number(row.get("score_agreement"))
    by_bands = any(not math.isnan(neb_barrier(row, "anion", n)) for n in (1, 2, 3))
    other = "Bond valence" if by_bands else "The published recipe"
    if mechanism_of(row, "anion") == "empty_lattice" and not by_bands:
        yield False, "The anion's barrier is that of the empty lattice alone, the weakest evidence."
    elif agreement >= LIKELY:
        yield True, f"{other} gives the anion much the same chance."
    elif agreement < 1.0 - UNLIKELY:
        yield False, f"{other} gives the anion another chance."


def _structure(row: Row) -> Told:
    gii = as_number(row.get("gii_vu"))
    if gii > DOUBTFUL_GII_VU:
        yield False, f"Its bonds are strained: global instability index {gii:.2f} v.u."
    elif not math.isnan(gii):
        yield True, f"Its bonds are sound: global instability index {gii:.2f} v.u."
    share = as_number(row.get("ensemble_pass_share"))
    if not math.isnan(share):
        yield share >= LIKELY, f"{share:.0%} of its ordered configurations pass."


def _stability(row: Row) -> Told:
    hull = as_number(row.get("energy_above_hull_ev_atom"))
    if math.isnan(hull):
        yield False, "Its stability is unknown: no energy above the hull was given."
    elif hull <= STABLE_EV_ATOM:
        yield True, f"Stable: {max(hull, 0.0):.3f} eV/atom above the hull."
    else:
        word = "Unstable" if hull >= UNSTABLE_EV_ATOM else "Metastable"
        yield False, f"{word}: {hull:.3f} eV/atom above the hull."
    gap = as_number(row.get("band_gap_ev"))
    if not math.isnan(gap):
        yield gap >= WIDE_GAP_EV, f"Band gap {gap:.1f} eV."


def _redox(row: Row) -> Told:
    words = {"open_shell": "may pass electrons on", "reducible": "may be reduced"}
    for ion, activity in redox_activities(row).items():
        if activity in words:
            yield False, f"{ion} is redox-active: it {words[activity]}."


def _anode(row: Row) -> Told:
    energy = as_number(row.get("anode_reaction_ev_atom"))
    products = str(row.get("anode_products") or "").replace(";", ", ")
    if energy == 0.0:
        yield True, "It does not react with the metal anode."
    elif energy < 0.0:
        yield False, f"It reacts with the metal anode ({energy:.2f} eV/atom) to {products}."


def _bands(row: Row) -> Told:
    passes = row.get("dai_neb")
    if not isinstance(passes, bool):
        return
    word = "pass" if passes else "do not pass"
    yield passes, f"Its barriers by elastic bands with {row.get('neb_potential')} {word}."
    own = row.get("dai_neb_intrinsic")
    if passes and isinstance(own, bool):
        told = "so do its activation energies" if own else "but its activation energies do not"
        yield own, f"With vacancies of its own {told}: {'no' if own else 'a'} dopant is needed."


def _dynamics(row: Row) -> Told:
    for role in ("cation", "anion"):
        verdict = str(row.get(f"md_verdict_{role}") or "")
        if verdict:
            told = f"Molecular dynamics: {row.get(role)} is {verdict.replace('_', ' ')}."
            yield verdict == "diffusing", told


def _flags(row: Row) -> Told:
    for flag in split_flags(row.get("flags")):
        if flag in TOLD_FLAGS:
            yield False, _MEANINGS[flag]


_RULES: tuple[Callable[[Row], Told], ...] = (
    _motion, _bonds, _bands, _dynamics, _mechanisms, _structure, _redox, _stability, _anode, _flags,
)  # fmt: skip
