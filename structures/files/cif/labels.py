"""Chemical elements from site labels and type symbols; the stated formula decides.

Labels are free text: ``PO1`` is the phosphorus of a phosphate or polonium, ``Wat`` the oxygen of
water and not tungsten. Where the formula of the file holds one of the readings, that one is
meant; where it holds several, the number of atoms decides (``readings``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

LAST_ELEMENT = 94
"""Beyond plutonium no element makes crystals that anyone screens."""

UNLIKELY = frozenset({"Po", "At", "Rn", "Fr", "Ra", "Ac", "Pa", "Np", "Pu", "Pm", "Tc"})
"""Elements that a label alone is not believed to mean."""

SURPRISING = frozenset({"W", "Os", "Ho", "No", "He", "Ne", "Ar"})
"""Elements that labels are often mistaken for; never taken without saying so."""

_WATER = re.compile(r"(wat(er)?|aq(ua)?|h2o|hoh|oh2)(?![a-z])", re.IGNORECASE)
_OXYGEN_OF_WATER = re.compile(r"w[\d_'()a]*$", re.IGNORECASE)
_HYDROXYL = re.compile(r"(o-?h|ho|ow)(?![a-z])", re.IGNORECASE)
_HYDROGEN_BEARING = re.compile(r"(o-?h|ow|h2o|hoh|wat|aq|w\d*$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a label may stand for.

    Attributes:
        elements: symbols, the likeliest first; empty where the label names no element.
        is_guess: whether neither the formula nor the spelling settles it.
    """

    elements: tuple[str, ...]
    is_guess: bool = False


@lru_cache(maxsize=4096)
def spelled_elements(text: str) -> tuple[str, ...]:
    """Elements that the first letters of a text spell: of two letters, then of one."""
    from pymatgen.core import Element

    letters = re.match(r"[^A-Za-z]{0,2}([A-Za-z]+)", text)
    if letters is None:
        return ()
    found = []
    for length in (2, 1):
        name = letters.group(1)[:length].title()
        # T is a tetrahedral site far more often than tritium.
        valid = len(name) == length and Element.is_valid_symbol(name) and name != "T"
        if valid and Element(name).Z <= LAST_ELEMENT:
            found.append(name)
    return tuple(found)


def is_mixed_case(text: str) -> bool:
    """Whether a text spells an element of two letters, the second a small one (``Li1``)."""
    return bool(re.match(r"[^A-Za-z]{0,2}[A-Z][a-z]", text)) and any(
        len(name) == 2 for name in spelled_elements(text)
    )


def bears_hydrogen(text: str) -> bool:
    """Whether a label or symbol stands for oxygen with hydrogen atoms that are not listed."""
    return bool(_HYDROGEN_BEARING.match(text))


def read_symbol(symbol: str, stated: Iterable[str]) -> Reading:
    """The element of a type symbol (``Li1+``, ``O2-``, ``CL``, ``OW1``).

    Args:
        symbol: the text of ``_atom_site_type_symbol``.
        stated: elements of the formula; empty where none is stated.

    Returns:
        The reading; a symbol that is spelled as an element is believed against the formula.
    """
    formula = frozenset(stated)
    if _WATER.match(symbol):
        return Reading(elements=("O",))
    options = _isotopes(spelled_elements(symbol), formula)
    in_formula = tuple(name for name in options if name in formula)
    if len(in_formula) == 1 or (in_formula and is_mixed_case(symbol)):
        return Reading(elements=in_formula[:1])
    if in_formula:
        return Reading(elements=in_formula)
    guess = bool(options) and not is_mixed_case(symbol) and options[0] in UNLIKELY
    return Reading(elements=options[:1], is_guess=guess)


def read_label(label: str, stated: Iterable[str], *, others_mixed: bool) -> Reading:
    """The element of a site that has a label and no type symbol.

    Args:
        label: the text of ``_atom_site_label``.
        stated: elements of the formula; empty where none is stated.
        others_mixed: whether labels of the file are written as ``Li1``, so that a second
            capital letter is no part of the element.

    Returns:
        The reading; without elements where nothing sensible is left.
    """
    formula = frozenset(stated)
    options = _isotopes(spelled_elements(label), formula)
    if formula:
        return _by_formula(label, options, formula)
    if _WATER.match(label):
        return Reading(elements=("O", "H") if label[:1] in "Hh" else ("O",), is_guess=True)
    if len(options) < 2:
        return Reading(elements=options, is_guess=bool(SURPRISING & {*options}))
    two, one = options
    if is_mixed_case(label) and two not in UNLIKELY:
        return Reading(elements=(two,), is_guess=two in SURPRISING)
    if others_mixed or two in UNLIKELY or two in SURPRISING:
        return Reading(elements=(one, two), is_guess=True)
    return Reading(elements=(two, one), is_guess=True)


def _isotopes(options: tuple[str, ...], formula: frozenset[str]) -> tuple[str, ...]:
    """The options, hydrogen for deuterium where the formula counts it so."""
    return tuple("H" if name == "D" and "D" not in formula else name for name in options)


def _by_formula(label: str, options: tuple[str, ...], formula: frozenset[str]) -> Reading:
    water = bool(_WATER.match(label) or _OXYGEN_OF_WATER.match(label))
    found = [name for name in options if name in formula]
    if len(found) == 2 and is_mixed_case(label):
        return Reading(elements=(found[0],))
    if _WATER.match(label) and label[:1] not in "Hh" and "O" in formula:
        return Reading(elements=tuple(dict.fromkeys(("O", *found))))
    if (water or _HYDROXYL.match(label)) and "O" in formula and "O" not in found:
        # "H2O" is water, or the second hydrogen atom of an oxygen.
        found = ["O", *found] if water and not found else [*found, "O"]
    if found:
        return Reading(elements=tuple(found))
    sure = [
        name
        for name in options[:1]
        if name not in UNLIKELY | SURPRISING and (len(name) == 1 or is_mixed_case(label))
    ]
    return Reading(elements=tuple(sure), is_guess=True)
