"""The mobile ion: an element and its formal charge."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import atomic_number, symbol
from dualion.structures.errors import InputError
from dualion.structures.oxidation.tables import electronegativities


@dataclass(frozen=True, slots=True)
class MobileIon:
    """An ion that leaves its framework and probes it.

    All sites of its element leave the framework, so the ion sees the rest of the crystal.

    Attributes:
        number: atomic number.
        charge: formal charge in e; the occupancy-weighted mean where the element has several.
    """

    number: int
    charge: float

    @property
    def element(self) -> str:
        """Chemical symbol."""
        return symbol(self.number)

    def __str__(self) -> str:
        """Element and charge, a fractional one to two digits, like ``O2-`` or ``Mn3.5+``."""
        magnitude = f"{abs(self.charge):.2g}".removesuffix(".0")
        magnitude = "" if magnitude == "1" else magnitude
        return f"{self.element}{magnitude}{'+' if self.charge > 0 else '-'}"

    @classmethod
    def parse(cls, text: str) -> MobileIon:
        """Read ``Li+``, ``Li1+``, ``S2-``, ``Zn+2``.

        Raises:
            InputError: the text is no ion.
        """
        match = re.fullmatch(r"([A-Z][a-z]?)(?:([\d.]*)([+-])|([+-])([\d.]+))", text.strip())
        if match is None:
            raise InputError(f"{text!r} is no ion; write an element and a charge, like Li+ or S2-.")
        name, digits, sign, sign_first, digits_last = match.groups()
        magnitude = float(digits or digits_last or 1)
        return cls(atomic_number(name), magnitude if (sign or sign_first) == "+" else -magnitude)


def mean_charge(crystal: IonicCrystal, number: int) -> float:
    """Return the occupancy-weighted mean charge of an element in the crystal, in e.

    Args:
        crystal: the crystal.
        number: atomic number of the element.

    Raises:
        ValueError: the element is not in the crystal.
    """
    of_element = crystal.numbers == number
    weights = crystal.occupancies[of_element]
    if not len(weights):
        raise ValueError(f"{symbol(number)} is not in the crystal")
    mean = float(crystal.charges[of_element] @ weights / weights.sum())
    return round(mean) if abs(mean - round(mean)) < 1e-6 else mean


def anions_of(crystal: IonicCrystal) -> list[MobileIon]:
    """Return every anion of the crystal, in ascending atomic number."""
    numbers = sorted({int(n) for n in crystal.numbers[crystal.charges < 0]})
    ions = [MobileIon(number, mean_charge(crystal, number)) for number in numbers]
    return [ion for ion in ions if ion.charge < 0]


def ions_of(crystal: IonicCrystal) -> list[MobileIon]:
    """Return every element of the crystal with every charge that it has, by atomic number."""
    found = {
        (int(number), round(float(charge), 6))
        for number, charge in zip(crystal.numbers, crystal.charges, strict=True)
    }
    return [MobileIon(number, charge) for number, charge in sorted(found)]


LEAST_ELECTRONEGATIVITY = 2.0
"""Pauling electronegativity of an element that forms anions of its own: Bi 2.02 and more."""


def is_anion(ion: MobileIon) -> bool:
    """Return whether an ion is an electronegative element that gained electrons.

    Elements to the left of the pnictogens (B, C, Au, …) share electrons with each other long before
    they gain a shell; there only the full shell counts, as in methanides (C⁴⁻). What bonds within
    a cluster, like C⁰·⁶⁷⁻, is none.

    Args:
        ion: element and charge.
    """
    from pymatgen.core import Element

    if ion.charge >= 0.0 or electronegativities()[ion.number] < LEAST_ELECTRONEGATIVITY:
        return False
    group = Element.from_Z(ion.number).group
    return ion.number == 1 or group >= PNICTOGENS or ion.charge <= group - NOBLE_GASES


PNICTOGENS, NOBLE_GASES = 15, 18
"""Groups of the periodic table."""

USUAL_CATIONS = ("Li", "Na", "K", "Ag", "Cu", "Mg", "Ca", "Zn", "Al")
"""Cations that are meant where none is named, the usual ones first."""


def named_ion(crystal: IonicCrystal, text: str = "") -> MobileIon:
    """The ion of a crystal that a text names; without one, its first usual cation.

    Args:
        crystal: the crystal.
        text: a symbol, which takes the crystal's charge, or an ion such as ``Zn2+``.

    Raises:
        InputError: the crystal does not hold it.
    """
    there = {symbol(z): z for z in sorted({int(n) for n in crystal.numbers})}
    charges = {name: mean_charge(crystal, z) for name, z in there.items()}
    usual = [name for name in USUAL_CATIONS if charges.get(name, 0.0) > 0.0]
    if not text and usual:
        return MobileIon(there[usual[0]], charges[usual[0]])
    if re.fullmatch(r"[A-Z][a-z]?", text):
        if atomic_number(text) in there.values():
            return MobileIon(there[text], charges[text])
    elif text and (asked := MobileIon.parse(text)).element in there:
        return asked
    ions = ", ".join(str(MobileIon(there[name], charges[name])) for name in there)
    raise InputError(f"Name a mobile ion of the structure; it holds {ions}.")
