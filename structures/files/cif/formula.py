"""Chemical formulas that a source states, and whether a structure agrees with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymatgen.core import Structure

Amounts = Mapping[str, float]
"""Element symbol → atoms; deuterium and tritium count as hydrogen."""

FORMULA_TOLERANCE = 0.02
"""Largest difference of an atomic fraction at which a formula still agrees."""

MULTIPLICITY_FACTOR = 1.45
"""A share that is off by this factor or more is a wrong multiplicity (1.5, 2, 3 …) or a lost
occupancy, however small it is; rounded occupancies are off by less."""

SMALLEST_SHARE = 0.004
"""Atomic fractions below this are dopants within the rounding of a formula."""

LARGEST_AMOUNT = 1e6

_UNCERTAINTY = re.compile(r"(?<=\d)\(\d+\)")
_WORDS = re.compile(r"(?:(?:[A-Z][a-z]?|[()\[\]{}])[0-9.]*\s*)+")


def read_formula(text: str) -> dict[str, float] | None:
    """Amounts of a formula such as ``Li3 P S4``, ``Li0.62(3) Ti S2`` or ``Li (O H) (H2 O)``.

    Returns:
        The amounts; None where the text is no formula of chemical elements.
    """
    from pymatgen.core import Composition, Element

    plain = _UNCERTAINTY.sub("", " ".join(text.split()))
    if not plain or len(plain) > 500 or not _WORDS.fullmatch(plain):
        return None
    try:
        composition = Composition(plain.replace(" ", "")).get_el_amt_dict()
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    amounts: dict[str, float] = {}
    for symbol, amount in composition.items():
        if not Element.is_valid_symbol(symbol) or not 0.0 < amount < LARGEST_AMOUNT:
            return None
        name = "H" if symbol in ("D", "T") else symbol
        amounts[name] = amounts.get(name, 0.0) + float(amount)
    return amounts or None


def amounts_of(structure: Structure) -> dict[str, float]:
    """Atoms of each element in the cell of a structure."""
    amounts: dict[str, float] = {}
    for species, amount in structure.composition.items():
        symbol = str(getattr(species, "symbol", species))
        name = "H" if symbol in ("D", "T") else symbol
        amounts[name] = amounts.get(name, 0.0) + float(amount)
    return amounts


def fractions(amounts: Amounts) -> dict[str, float]:
    """Atomic fractions."""
    total = sum(amounts.values())
    return {symbol: amount / total for symbol, amount in amounts.items()} if total > 0.0 else {}


def largest_difference(ours: Amounts, theirs: Amounts) -> float:
    """Return the largest difference of an atomic fraction between two compositions.

    Args:
        ours: atoms of each element by its symbol; only their ratios count.
        theirs: the same of the other composition.
    """
    first, second = fractions(ours), fractions(theirs)
    return max(abs(first.get(el, 0.0) - second.get(el, 0.0)) for el in {*first, *second})


def formula_agrees(ours: Amounts, theirs: Amounts) -> bool:
    """Whether a structure has the composition that its source states.

    Args:
        ours: atoms in the cell.
        theirs: the stated formula; any multiple of it is the same.

    Returns:
        False where a fraction is off by more than ``FORMULA_TOLERANCE``, where one that counts is
        off by a factor as wrong multiplicities make it, or where only one has the element.
    """
    if largest_difference(ours, theirs) > FORMULA_TOLERANCE:
        return False
    first, second = fractions(ours), fractions(theirs)
    if set(first) - set(second):
        return False
    shares = ((first.get(el, 0.0), share) for el, share in second.items())
    return not any(
        share > SMALLEST_SHARE
        and not share / MULTIPLICITY_FACTOR < own < share * MULTIPLICITY_FACTOR
        for own, share in shares
    )
