"""The list of atoms of a CIF block: elements, charges, coordinates, occupancies."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from dualion.structures.errors import UnreadableStructureError
from dualion.structures.files.cif.labels import (
    Reading,
    bears_hydrogen,
    is_mixed_case,
    read_label,
    read_symbol,
    spelled_elements,
)
from dualion.structures.files.cif.special_positions import (
    Interval,
    loose_interval,
    printed_interval,
)
from dualion.structures.files.cif.text import CifItems

LARGEST_COORDINATE = 100.0
"""Fractional coordinates beyond this are Cartesian ones or misprints."""

_VACANCY = re.compile(r"(va|vac|vc|vacancy|du)\d*$", re.IGNORECASE)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\(.*)?$")
_RATIO = re.compile(r"([+-]?\d+)/(\d+)$")
_CHARGE = re.compile(r"[A-Za-z]{1,2}(?:(\d*\.?\d*)([+-])|([+-])(\d+\.?\d*))$")
_MIXTURE = re.compile(r"(\d*\.?\d+)\s*([A-Z][a-z]?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AtomRow:
    """One row of the list of atoms.

    Attributes:
        label: name of the site.
        elements: chemical symbols that may be meant, the likeliest first.
        oxidation_e: oxidation state, e; None where the file gives none.
        occupancy: probability in (0, 1] (a little above 1 before it is normalised).
        position: fractional coordinates.
        printed: values that the digits of each coordinate may stand for.
        loose: values that sloppy digits may stand for.
        is_guess: whether neither formula nor spelling settles the element.
    """

    label: str
    elements: tuple[str, ...]
    oxidation_e: float | None
    occupancy: float
    position: tuple[float, float, float]
    printed: tuple[Interval, Interval, Interval]
    loose: tuple[Interval, Interval, Interval]
    is_guess: bool = False

    @property
    def element(self) -> str:
        """The likeliest element."""
        return self.elements[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """Coordinates of a row and what their digits leave open."""

    position: tuple[float, float, float]
    printed: tuple[Interval, Interval, Interval]
    loose: tuple[Interval, Interval, Interval]


def number(text: str) -> float | None:
    """A CIF number without its standard uncertainty; None for ``?``, ``.`` and words."""
    text = text.strip()
    if match := _NUMBER.match(text):
        return float(match.group(1))
    if (match := _RATIO.match(text)) and int(match.group(2)):
        return int(match.group(1)) / int(match.group(2))
    return None


def element_of(symbol: str) -> str | None:
    """Chemical symbol at the start of a type symbol (``LI1+``, ``O2-``, ``OW1``)."""
    return next(iter(spelled_elements(symbol)), None)


def read_rows(items: CifItems, notes: list[str], stated: Iterable[str] = ()) -> list[AtomRow]:
    """The rows of the list of atoms that hold an atom.

    Args:
        items: the block.
        notes: what was changed or left out is added here.
        stated: elements of the formula that the file states.

    Raises:
        UnreadableStructureError: there is no list, or a row has no coordinates, no known
            element, or an impossible occupancy.
    """
    rows = list(_rows(items, notes, frozenset(stated)))
    if not rows:
        raise UnreadableStructureError(
            "The list of atoms holds no atom; the file describes no structure.", reason="no_atoms"
        )
    return rows


def _rows(items: CifItems, notes: list[str], stated: frozenset[str]) -> Iterator[AtomRow]:
    axes = [items.column(f"_atom_site_fract_{axis}") for axis in "xyz"]
    labels = items.column("_atom_site_label") or items.column("_atom_site_type_symbol")
    if labels is None or any(axis is None for axis in axes):
        raise UnreadableStructureError(
            "The block has no list of atoms with fractional coordinates (_atom_site_fract_x, y, "
            "z); write the positions into the file.",
            reason="no_coordinates",
        )
    count = len(labels)
    columns = {
        "type": items.column("_atom_site_type_symbol") or [""] * count,
        "occupancy": items.column("_atom_site_occupancy") or ["1"] * count,
        "flag": items.column("_atom_site_calc_flag") or [""] * count,
    }
    if any(len(column or ()) != count for column in [*axes, *columns.values()]):
        raise UnreadableStructureError(
            "The columns of the list of atoms differ in length; the file is damaged.",
            reason="bad_loop",
        )
    others_mixed = any(is_mixed_case(label) for label in labels)
    for index, label in enumerate(labels):
        symbol = columns["type"][index].strip()
        typed = symbol not in ("", "?", ".")
        symbol = symbol if typed else label.strip()
        if _VACANCY.match(symbol) or columns["flag"][index] == "dum":
            notes.append(f"site {label} is a vacancy or a dummy and was left out")
            continue
        occupancy = _occupancy(columns["occupancy"][index], label)
        if occupancy == 0.0:
            notes.append(f"site {label} has occupancy 0 and was left out")
            continue
        point = _point([axis[index] for axis in axes if axis is not None], label)
        reading = (
            read_symbol(symbol, stated)
            if typed
            else read_label(symbol, stated, others_mixed=others_mixed)
        )
        yield from _site_rows(label, symbol, point, occupancy, reading, typed=typed)


def _point(texts: list[str], label: str) -> _Point:
    values = [number(text) for text in texts]
    if any(value is None or not math.isfinite(value) for value in values):
        raise UnreadableStructureError(
            f"Site {label} has no coordinates ({', '.join(texts)}), so the structure is "
            "incomplete; add them, or delete the site if it is meant to be absent.",
            reason="missing_coordinates",
        )
    x, y, z = (value for value in values if value is not None)
    if max(abs(x), abs(y), abs(z)) > LARGEST_COORDINATE:
        raise UnreadableStructureError(
            f"Site {label} lies {max(abs(x), abs(y), abs(z)):.3g} cells away; coordinates must be "
            "fractions of the cell. Correct them.",
            reason="bad_number",
        )
    a, b, c = texts
    return _Point(
        position=(x, y, z),
        printed=(printed_interval(a, x), printed_interval(b, y), printed_interval(c, z)),
        loose=(loose_interval(a, x), loose_interval(b, y), loose_interval(c, z)),
    )


def _occupancy(text: str, label: str) -> float:
    if text.strip() in ("?", ".", ""):
        return 1.0  # the default value of the core dictionary
    value = number(text)
    if value is None or not 0.0 <= value <= 1.5:
        raise UnreadableStructureError(
            f"Site {label} has the occupancy {text!r}; it must lie between 0 and 1.",
            reason="bad_occupancy",
        )
    return value


def _site_rows(
    label: str, symbol: str, point: _Point, occupancy: float, reading: Reading, *, typed: bool
) -> Iterator[AtomRow]:
    """One row, or one per element where the symbol is a mixture (``0.8Nb + 0.2Zr``)."""
    mixture = _MIXTURE.findall(re.sub(r"<[^>]*>|\(\d*\)", "", symbol)) if "+ " in symbol else []
    shares = [(name, float(share)) for share, name in mixture] or [(symbol, occupancy)]
    for name, share in shares:
        elements = spelled_elements(name)[:1] if mixture else reading.elements
        if not elements:
            raise _unknown_element(label, symbol, typed=typed)
        yield AtomRow(
            label=label,
            elements=elements,
            oxidation_e=None if mixture else charge_of(name),
            occupancy=share,
            position=point.position,
            printed=point.printed,
            loose=point.loose,
            is_guess=reading.is_guess and not mixture,
        )


def _unknown_element(label: str, symbol: str, *, typed: bool) -> UnreadableStructureError:
    what = (
        f"has the type {symbol[:40]!r}, which is no chemical element"
        if typed
        else "has no type symbol, and its label names no element that the file's formula holds"
    )
    return UnreadableStructureError(
        f"Site {label} {what}; write the element into _atom_site_type_symbol.",
        reason="unknown_element",
    )


def stands_for_hydrogen(rows: Iterable[AtomRow], items: CifItems) -> list[str]:
    """List the labels of oxygen atoms whose hydrogen atoms are meant and not listed.

    Args:
        rows: the atoms of the file.
        items: the items of the CIF block, for its labels and type symbols.
    """
    labels = items.column("_atom_site_label") or []
    symbols = items.column("_atom_site_type_symbol") or labels
    names = dict(zip(labels, symbols, strict=False))
    rows = list(rows)
    if any(row.element in ("H", "D") for row in rows):
        return []
    return [
        row.label
        for row in rows
        if row.element == "O"
        and (bears_hydrogen(names.get(row.label, "")) or bears_hydrogen(row.label))
    ]


def charge_of(symbol: str) -> float | None:
    """Charge in a type symbol such as ``Li1+``, ``O2-``, ``Cl-`` or ``O-2``; None without."""
    match = _CHARGE.match(symbol)
    if match is None:
        return None
    digits = match.group(1) or match.group(4) or "1"
    sign = match.group(2) or match.group(3)
    return None if digits == "." else float(digits) * (-1.0 if sign == "-" else 1.0)


def with_oxidation(rows: list[AtomRow], items: CifItems, notes: list[str]) -> list[AtomRow]:
    """Add oxidation states of the file's table, else of the type symbols, to all rows or none.

    Args:
        rows: the atoms of the file.
        items: the items of the CIF block.
        notes: what is found is added to it.
    """
    table = _oxidation_table(items)
    states = [_look_up(row, table) if table else row.oxidation_e for row in rows]
    complete = all(state is not None for state in states)
    if not complete and any(states):
        notes.append("oxidation states are given for some sites only and were not used")
    if not complete or not any(states):
        return [replace(row, oxidation_e=None) for row in rows]
    return [replace(row, oxidation_e=state) for row, state in zip(rows, states, strict=True)]


def _oxidation_table(items: CifItems) -> dict[tuple[str, float | None], float]:
    """Element and charge of a type symbol to the oxidation number that the file states."""
    symbols = items.column("_atom_type_symbol") or []
    numbers = items.column("_atom_type_oxidation_number") or []
    table: dict[tuple[str, float | None], float] = {}
    if len(symbols) != len(numbers):
        return table
    for symbol, text in zip(symbols, numbers, strict=True):
        element, state = element_of(symbol.strip()), number(text)
        if element is not None and state is not None and abs(state) <= 9:
            table[element, charge_of(symbol.strip())] = state
            table.setdefault((element, None), state)
    return table


def _look_up(row: AtomRow, table: dict[tuple[str, float | None], float]) -> float | None:
    return table.get((row.element, row.oxidation_e), table.get((row.element, None)))
