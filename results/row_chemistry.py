"""What a row says of its compound's chemistry: elements, and ions that are redox-active."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dualion.screening.ions import MobileIon
from dualion.structures.oxidation.redox import Activity, redox_activity

if TYPE_CHECKING:
    from dualion.results.columns import Row

_ELEMENT = re.compile(r"[A-Z][a-z]?")


def elements_of(row: Row) -> frozenset[str]:
    """Return the symbols of a row's elements, that of a guest included.

    Args:
        row: with its formula and its anion.
    """
    texts = (str(row.get(key) or "") for key in ("reduced_formula", "anion"))
    return frozenset(symbol for text in texts for symbol in _ELEMENT.findall(text))


def has_neutral_atoms(row: Row) -> bool:
    """Return whether an element of a row's compound was left without a charge.

    Args:
        row: with ``oxidation_states``.
    """
    return any(name.endswith("0") for name in str(row.get("oxidation_states") or "").split(";"))


def redox_activities(row: Row) -> dict[str, Activity]:
    """Return how redox-active each cation of a row is, by the ion's name, ``none`` included.

    Args:
        row: with ``oxidation_states``; empty without these.
    """
    names = [name for name in str(row.get("oxidation_states") or "").split(";") if name]
    ions = {name: MobileIon.parse(name) for name in names if name.endswith("+")}
    return {name: redox_activity(ion.element, ion.charge) for name, ion in ions.items()}
