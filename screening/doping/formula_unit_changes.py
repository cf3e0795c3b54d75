"""Neutral units of change: a salt's formula unit, a substitution with its balance, a defect."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from dualion.screening.ions import USUAL_CATIONS, MobileIon, mean_charge
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import atomic_number, symbol
from dualion.structures.errors import InputError

Counted = tuple[tuple[MobileIon, int], ...]
MOST_REPLACED = 6
"""Ions replaced in one neutral unit, at most; a larger unit fits into no usual supercell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaUnitChange:
    """The smallest neutral change of a kind.

    Attributes:
        name: what it is called, in words that may become part of a file name.
        inserted: ions that are added, and how many of each.
        removed: ions that are taken out.
        replaced: old ion, new ion, how many.
        amount: how many count towards a concentration: formula units, or replaced ions.
    """

    name: str
    inserted: Counted = ()
    removed: Counted = ()
    replaced: tuple[tuple[MobileIon, MobileIon, int], ...] = ()
    amount: int = 1

    @property
    def net_charge(self) -> float:
        """Charge that one unit adds, e."""
        added = sum(ion.charge * count for ion, count in self.inserted)
        taken = sum(ion.charge * count for ion, count in self.removed)
        swapped = sum((new.charge - old.charge) * count for old, new, count in self.replaced)
        return added - taken + swapped

    @property
    def added_atoms(self) -> int:
        """Atoms that one unit adds to the cell."""
        return sum(n for _, n in self.inserted) - sum(n for _, n in self.removed)


def salt_ions(formula: str) -> tuple[tuple[MobileIon, int], tuple[MobileIon, int]]:
    """The cation and the anion of a binary salt, and how many of each its formula unit holds.

    Raises:
        InputError: the formula is not that of a salt of one cation and one anion element.
    """
    from pymatgen.core import Composition

    refusal = InputError(
        f"{formula!r} is no salt of one cation and one anion; write its formula, like LiI, Li2S "
        "or MgCl2."
    )
    try:
        composition = Composition(formula)
        whole = composition.reduced_composition.get_el_amt_dict()
        guesses = composition.oxi_state_guesses() if len(whole) == 2 else ()
    except (ValueError, KeyError, TypeError) as error:
        raise refusal from error
    if not guesses or set(guesses[0].values()) == {0.0}:
        raise refusal
    states = sorted(guesses[0].items(), key=lambda item: -item[1])
    counts = [round(whole[element]) for element, _ in states]
    ions = [MobileIon(atomic_number(element), float(round(state))) for element, state in states]
    if any(state != round(state) for _, state in states) or ions[0].charge * ions[1].charge >= 0:
        raise refusal
    return (ions[0], counts[0]), (ions[1], counts[1])


def salt_formula(cation: MobileIon, anion: MobileIon) -> str:
    """Write the formula of the salt of two ions, like LiI, MgI2 or Li2S.

    Args:
        cation: the ion of positive charge.
        anion: the ion of negative charge.

    Raises:
        InputError: they balance in no small whole numbers.
    """
    for cations in range(1, 7):
        anions = -cations * cation.charge / anion.charge
        if 0.5 < anions < 7.0 and abs(anions - round(anions)) < 1e-6:
            counted = ((cation.element, cations), (anion.element, round(anions)))
            return "".join(f"{name}{n if n > 1 else ''}" for name, n in counted)
    raise InputError(
        f"{cation} and {anion} make no salt of small whole numbers; name the salt yourself."
    )


def salt_change(formula: str) -> FormulaUnitChange:
    """Insert one formula unit of a salt.

    Raises:
        InputError: the formula is that of no binary salt.
    """
    return FormulaUnitChange(name=formula.replace(" ", ""), inserted=salt_ions(formula))


def substitution_change(text: str, host: IonicCrystal) -> FormulaUnitChange:
    """Replace ions of the host, balanced by vacancies or insertions of its mobile cation.

    Args:
        text: like ``S=I`` or ``P=Ge``; charges may be written, like ``P5+=Ge4+``. A new ion
            without a charge gets the common state of its element that is nearest to the old
            ion's charge and has its sign.
        host: the crystal.

    Raises:
        InputError: the text is no substitution, or the host lacks the ion or a mobile cation
            to balance it.
    """
    parts = [part.strip() for part in text.split("=")]
    if len(parts) != 2 or not all(parts):
        raise InputError(f"{text!r} is no substitution; write the old and the new ion, like S=I.")
    old = host_ion(host, parts[0])
    new = _ion(parts[1], like=old)
    surplus = new.charge - old.charge
    if abs(surplus) < 1e-9:
        return FormulaUnitChange(name=text, replaced=((old, new, 1),))
    cation = mobile_cation(host)
    swaps, balances = _smallest_balance(abs(surplus), cation.charge, text)
    balance = ((cation, balances),)
    return FormulaUnitChange(
        name=text,
        inserted=balance if surplus < 0 else (),
        removed=balance if surplus > 0 else (),
        replaced=((old, new, swaps),),
        amount=swaps,
    )


def _smallest_balance(surplus: float, charge: float, text: str) -> tuple[int, int]:
    """Replaced ions and balancing cations of the smallest neutral unit."""
    for swaps in range(1, MOST_REPLACED + 1):
        balances = swaps * surplus / charge
        if abs(balances - round(balances)) < 1e-6:
            return swaps, round(balances)
    raise InputError(
        f"The substitution {text} is balanced by no whole number of ions of charge {charge:+g}; "
        "write the charges of the ions, like P5+=Ge4+."
    )


def mobile_cation(host: IonicCrystal) -> MobileIon:
    """Return the usual mobile cation of a crystal.

    Raises:
        InputError: it holds none.
    """
    for name in USUAL_CATIONS:
        number = atomic_number(name)
        if number in host.numbers:
            charge = mean_charge(host, number)
            if charge > 0:
                return MobileIon(number, charge)
    raise InputError(
        f"The host holds no usual mobile cation ({', '.join(USUAL_CATIONS)}); name another change."
    )


def host_ion(host: IonicCrystal, text: str) -> MobileIon:
    """Return an ion of the host by its element, ``S``, or with its charge, ``S2-``.

    Args:
        host: the crystal.
        text: an element, or an element with its charge.

    Raises:
        InputError: the host does not hold it.
    """
    plain = re.fullmatch(r"[A-Z][a-z]?", text) is not None
    number = atomic_number(text) if plain else MobileIon.parse(text).number
    there = sorted({int(n) for n in host.numbers})
    if number not in there:
        names = ", ".join(symbol(n) for n in there)
        raise InputError(f"The host holds no {text}; it holds {names}.")
    states = sorted({round(float(q), 6) for q in host.charges[host.numbers == number]})
    asked = None if plain else MobileIon.parse(text).charge
    if asked is None and len(states) == 1:
        return MobileIon(number, states[0])
    if asked is not None and any(math.isclose(asked, state) for state in states):
        return MobileIon(number, asked)
    listed = ", ".join(str(MobileIon(number, state)) for state in states)
    raise InputError(f"The host holds {symbol(number)} as {listed}; name one of them, not {text}.")


def _ion(text: str, *, like: MobileIon) -> MobileIon:
    """An ion by element and charge, or by element alone with a charge like another ion's."""
    if re.fullmatch(r"[A-Z][a-z]?", text) is None:
        return MobileIon.parse(text)
    from pymatgen.core import Element

    number = atomic_number(text)
    states = [s for s in Element(text).common_oxidation_states if s * like.charge > 0]
    if not states:
        raise InputError(
            f"{text} has no common oxidation state of the sign of {like}; write its charge, like "
            f"{text}{'+' if like.charge > 0 else '-'}."
        )
    return MobileIon(number, float(min(states, key=lambda s: abs(s - like.charge))))
