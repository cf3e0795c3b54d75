"""Morse parameters of a cation–anion pair, and how they were found.

The table holds integer states of common ions. A pair that it lacks is taken, in this order,
by interpolation between the integer states around a fractional charge, from the nearest
tabulated state, or by estimate; what was done is told as ``ParameterQuality``.
"""

from __future__ import annotations

from dataclasses import fields
from enum import IntEnum
from functools import lru_cache

from screening.softbv import MorseParameters, MorseTable, morse_table
from structures.elements import symbol
from structures.errors import MissingParametersError

Ion = tuple[int, float]
"""Atomic number and charge in e."""


class ParameterQuality(IntEnum):
    """How a pair's parameters were found; a larger value is less trustworthy."""

    TABULATED = 0
    INTERPOLATED = 1
    NEAREST_STATE = 2
    ESTIMATED = 3

    @property
    def label(self) -> str:
        """Name in tables."""
        return self.name.lower()


@lru_cache(maxsize=4096)
def morse_parameters(
    cation: Ion, anion: Ion, *, worst: ParameterQuality
) -> tuple[MorseParameters, ParameterQuality]:
    """Parameters of a pair.

    Raises:
        MissingParametersError: nothing as good as ``worst`` is known of the pair.
    """
    states = _tabulated_states(morse_table(), cation[0], anion[0])
    if not states:
        raise _missing(cation, anion, "no state of this pair is tabulated")
    found, quality = _from_states(states, cation[1], anion[1])
    if quality > worst:
        raise _missing(cation, anion, f"only {quality.label.replace('_', ' ')} parameters exist")
    return found, quality


def _tabulated_states(
    table: MorseTable, cation: int, anion: int
) -> dict[tuple[int, int], MorseParameters]:
    """(cation charge, anion charge) → parameters of every tabulated state of two elements."""
    return {
        (charge, anion_charge): parameters
        for (number, charge), row in table.items()
        if number == cation
        for (anion_number, anion_charge), parameters in row.items()
        if anion_number == anion
    }


def _from_states(
    states: dict[tuple[int, int], MorseParameters], cation_charge: float, anion_charge: float
) -> tuple[MorseParameters, ParameterQuality]:
    """Parameters at two charges from the tabulated states of the pair."""
    nearest_anion = min({a for _, a in states}, key=lambda a: abs(a - anion_charge))
    by_charge = {c: p for (c, a), p in states.items() if a == nearest_anion}
    anion_is_tabulated = abs(nearest_anion - anion_charge) < 1e-6
    nearest = min(by_charge, key=lambda c: abs(c - cation_charge))
    if abs(nearest - cation_charge) < 1e-6:
        quality = ParameterQuality.TABULATED
        if not anion_is_tabulated:
            quality = ParameterQuality.NEAREST_STATE
        return by_charge[nearest], quality
    below = max((c for c in by_charge if c < cation_charge), default=None)
    above = min((c for c in by_charge if c > cation_charge), default=None)
    if below is None or above is None or not anion_is_tabulated:
        return by_charge[nearest], ParameterQuality.NEAREST_STATE
    weight = (cation_charge - below) / (above - below)
    mixed = _interpolate(by_charge[below], by_charge[above], weight)
    return mixed, ParameterQuality.INTERPOLATED


def _interpolate(low: MorseParameters, high: MorseParameters, weight: float) -> MorseParameters:
    """(1 − weight)·low + weight·high, parameter by parameter."""
    names = [f.name for f in fields(MorseParameters)]
    values = {n: (1 - weight) * getattr(low, n) + weight * getattr(high, n) for n in names}
    return MorseParameters(**values)


def _missing(cation: Ion, anion: Ion, why: str) -> MissingParametersError:
    names = [f"{symbol(number)}{abs(q):g}{'+' if q > 0 else '-'}" for number, q in (cation, anion)]
    return MissingParametersError(
        f"No bond valence parameters for {names[0]}–{names[1]}: {why}. "
        "Leave the ion out, or check the oxidation states."
    )
