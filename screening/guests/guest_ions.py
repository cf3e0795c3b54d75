"""Which ion a guest is: an element with its usual charge, or the charge that is written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dualion.screening.ions import MobileIon
from dualion.structures.elements import atomic_number
from dualion.structures.errors import InputError

HYDROGEN = 1
GROUPS = (15, 16, 17)
"""Groups of the periodic table whose elements have a usual negative charge: group less 18."""


def guest_ion(text: str) -> MobileIon:
    """Read a guest: ``I``, which takes its usual charge, or ``I-``, ``S2-``.

    Args:
        text: an element or an ion.

    Raises:
        InputError: the text is no anion, or an element without a usual negative charge.
    """
    text = text.strip()
    if re.fullmatch(r"[A-Z][a-z]?", text):
        return MobileIon(atomic_number(text), _usual_charge(text))
    ion = MobileIon.parse(text)
    if ion.charge >= 0.0:
        raise InputError(f"A guest is an anion, and {text} is none; give one like I or S2-.")
    return ion


def guest_ions(texts: Sequence[str]) -> tuple[MobileIon, ...]:
    """Read guests, each text one or several of them between commas; each guest once.

    Args:
        texts: like ``("I", "Br,Cl")``.

    Raises:
        InputError: a text is no anion, or one element has two charges.
    """
    names = [name for text in texts for name in text.split(",") if name.strip()]
    found = tuple(dict.fromkeys(guest_ion(name) for name in names))
    if len({ion.number for ion in found}) < len(found):
        raise InputError(
            f"The guests {', '.join(map(str, found))} name an element with two charges; screen "
            "them one after the other."
        )
    return found


def _usual_charge(element: str) -> float:
    from pymatgen.core import Element

    number = atomic_number(element)
    group = Element(element).group
    if number == HYDROGEN:
        return -1.0
    if group in GROUPS:
        return float(group - 18)
    raise InputError(
        f"{element} has no usual negative charge; write the guest with one, like {element}4-."
    )
