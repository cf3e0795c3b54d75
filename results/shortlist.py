"""Which pairs that pass are candidates: what a chemist would set aside, and why.

A pair that passes the criterion and is set aside stays in ``screened.csv``, with the reasons in its
column ``set_aside``; ``candidates.csv`` holds the others. All is judged from the columns of a row
when tables are written, so that a change of mind computes nothing anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dualion.results.calibrated import as_number
from dualion.results.columns import Row
from dualion.results.guest_rows import anion_name, is_guest
from dualion.results.row_chemistry import elements_of, has_neutral_atoms, redox_activities
from dualion.results.score import DOUBTFUL_GII_VU
from dualion.results.vocabulary import join_flags, split_flags
from dualion.screening.ions import MobileIon, is_anion
from dualion.structures.elements import atomic_number
from dualion.structures.errors import InputError
from dualion.structures.sources.prefilters import ELEMENT_LISTS

DOUBTFUL_FLAGS = frozenset(
    {
        "implicit_hydrogens",
        "cations_missing",
        "occupancies_lost",
        "elements_guessed",
        "stated_formula_differs",
        "neutral_atoms",
    }
)
"""Flags of structures whose content is not that of the compound: atoms are lost or wrong."""

SHORTLIST_FLAGS = frozenset({"high_gii", "neutral_atoms", "redox_active"})
"""Flags that ``shortlist_columns`` sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortlist:
    """What keeps a pair that passes from being a candidate.

    Attributes:
        avoid: symbols of elements that no candidate may hold.
        keep_doubtful: whether structures with lost or wrong atoms may be candidates.
    """

    avoid: frozenset[str] = frozenset()
    keep_doubtful: bool = False

    @classmethod
    def of(cls, avoid: Iterable[str] = (), *, keep_doubtful: bool = False) -> Shortlist:
        """Read what is to be avoided.

        Args:
            avoid: symbols of elements and names of lists of elements (``radioactive``, ``toxic``,
                ``costly``), one or several between commas in a text.
            keep_doubtful: whether structures with lost or wrong atoms may be candidates.

        Raises:
            InputError: a name is neither an element nor a list.
        """
        names = [name.strip() for text in avoid for name in text.split(",") if name.strip()]
        found = (_elements_named(name) for name in names)
        return cls(avoid=frozenset().union(*found), keep_doubtful=keep_doubtful)


def _elements_named(name: str) -> frozenset[str]:
    if name.lower() in ELEMENT_LISTS:
        return ELEMENT_LISTS[name.lower()]
    try:
        atomic_number(name)
    except InputError as error:
        raise InputError(
            f"Cannot avoid {name!r}: {error} Give an element, or one of the lists "
            f"{', '.join(ELEMENT_LISTS)}."
        ) from None
    return frozenset({name})


def shortlist_columns(row: Row, rules: Shortlist) -> Row:
    """Compute ``set_aside``, and ``flags`` with those of the structure's quality and its metals.

    Args:
        row: a row of ``screened.csv`` with barriers.
        rules: what keeps a pair from being a candidate.
    """
    flags = [flag for flag in split_flags(row.get("flags")) if flag not in SHORTLIST_FLAGS]
    if as_number(row.get("gii_vu")) > DOUBTFUL_GII_VU:
        flags.append("high_gii")
    if has_neutral_atoms(row):
        flags.append("neutral_atoms")
    if any(activity != "none" for activity in redox_activities(row).values()):
        flags.append("redox_active")
    reasons = _reasons(row, flags, rules) if row.get("dai") is True else ()
    return {"flags": join_flags(flags), "set_aside": ";".join(reasons) or None}


def _reasons(row: Row, flags: Sequence[str], rules: Shortlist) -> tuple[str, ...]:
    tests = {
        "doubtful_structure": not rules.keep_doubtful and bool(DOUBTFUL_FLAGS.intersection(flags)),
        "avoided_element": bool(rules.avoid & elements_of(row)),
        "not_an_anion": not _is_real_anion(row),
    }
    return tuple(name for name, holds in tests.items() if holds)


def _is_real_anion(row: Row) -> bool:
    text = str(row.get("anion") or "")
    return is_guest(row) or not text or is_anion(MobileIon.parse(text))


def compound_columns(ranked: Sequence[Row]) -> list[Row]:
    """Group ranked rows by compound: polymorphs and repeated structures of one composition.

    Args:
        ranked: rows with formula and ions, the best first.

    Returns:
        For each row ``compound_structures``, how many candidates are the same pair of ions in the
        same composition, and ``compound_place``, its place among these, 1 for the best.
    """
    keys = [_compound(row) for row in ranked]
    sizes, places = Counter(keys), Counter[tuple[str, ...]]()
    columns: list[Row] = []
    for key in keys:
        places[key] += 1
        columns.append({"compound_structures": sizes[key], "compound_place": places[key]})
    return columns


def _compound(row: Row) -> tuple[str, ...]:
    return (str(row.get("reduced_formula")), str(row.get("cation")), anion_name(row))
