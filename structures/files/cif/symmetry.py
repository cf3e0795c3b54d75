"""Symmetry operators of a CIF block: its own list, or the possible readings of its symbol.

A Hermann–Mauguin symbol alone does not fix the origin or the axes (``F d -3 m`` has two
origins, ``R -3 m`` two cells), so a symbol gives several candidates; the reader takes the
one that fits the cell and the stated formula. Operators of a symbol come from spglib's
database (Togo, Shinohara & Tanaka, Sci. Technol. Adv. Mater. Methods 4, 2384822 (2024)).
"""

from __future__ import annotations

import re
from collections import defaultdict
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import UnreadableStructureError
from dualion.structures.files.cif.text import CifItems

Operators = tuple[str, ...]
"""Operators as ``x, y, z`` texts."""

MOST_OPERATORS = 1536
"""A longer list is no space group, not even in an eightfold cell of 192 operators."""

METRIC_TOLERANCE = 0.02
"""Largest relative change of the metric tensor under an operator that fits the cell."""

SHIFT_STEPS = 24
"""Shifts of space group operators are multiples of 1/24 or coarser."""

LARGEST_SHIFT_ERROR = 0.004
"""Largest error of a shift that was printed as a decimal number."""

_DECIMAL_SHIFT = re.compile(r"\d{0,2}\.(\d{1,12})")
_TERM = r"(?:\d{0,2}[xyz]|\d{0,2}\.\d{1,12}|\d{1,2}\.?(?:/[1-9]\d?)?)"
_AXIS = rf"[+-]?{_TERM}(?:[+-]{_TERM}){{0,4}}"
_OPERATOR = re.compile(rf"{_AXIS},{_AXIS},{_AXIS}$")

# ICSD writes settings as a last letter: S and Z for the origins 1 and 2, H and R for the
# hexagonal and the rhombohedral cell.
_CHOICES = {"S": "1", "Z": "2", "1": "1", "2": "2", "H": "H", "R": "R"}


def listed_operators(items: CifItems) -> Operators:
    """The file's own list of operators; empty where it has none.

    Raises:
        UnreadableStructureError: the list holds something that is no operator.
    """
    column = items.column("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz") or []
    operators = tuple(_exact(_plain(text)) for text in column if text.strip() not in ("", "?", "."))
    bad = [text for text in operators if not _OPERATOR.match(text)]
    if bad or len(operators) > MOST_OPERATORS:
        what = f"holds {bad[0][:40]!r}" if bad else f"has {len(operators)} rows"
        raise UnreadableStructureError(
            f"The list of symmetry operators {what}; it must hold texts like 'x, y+1/2, -z'.",
            reason="bad_symmetry",
        )
    return operators


def symbol_operators(items: CifItems) -> list[Operators]:
    """Candidates for the operators that the space group symbol or number means.

    Returns:
        Candidates in order of preference (spglib's order, origin 2 before origin 1, which
        is the convention of International Tables for new work); empty where the file names
        no space group.

    Raises:
        UnreadableStructureError: a space group is named, and it is not known.
    """
    hall = items.get("_space_group_name_hall", "_symmetry_space_group_name_hall")
    symbol = items.get("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m")
    number = items.get("_space_group_it_number", "_symmetry_int_tables_number")
    by_symbol, by_number = _hall_numbers()
    found = by_symbol.get(_plain(hall), []) if hall else []
    if not found and symbol:
        found = _by_symbol(symbol, by_symbol)
    if not found and number and number.isdigit():
        found = by_number.get(int(number), [])
    if not found and (hall or symbol or number):
        raise UnreadableStructureError(
            f"The file has no list of symmetry operators, and its space group "
            f"{(symbol or hall or number)!r} is not known; add _space_group_symop_operation_xyz.",
            reason="unknown_space_group",
        )
    return [_operators(hall_number) for hall_number in found]


def fits_cell(operators: Operators, cell: NDArray[np.float64]) -> bool:
    """Check whether every operator keeps the lengths and angles of the cell.

    Args:
        operators: symmetry operators as texts (``-x, y+1/2, z``).
        cell: shape (3, 3), Å, rows are lattice vectors.
    """
    from pymatgen.core.operations import SymmOp

    metric = cell @ cell.T
    scale = float(np.abs(metric).max())
    for text in operators:
        rotation = SymmOp.from_xyz_str(text).rotation_matrix
        change = rotation.T @ metric @ rotation - metric
        if float(np.abs(change).max()) > METRIC_TOLERANCE * scale:
            return False
    return True


def _exact(operator: str) -> str:
    """The operator with its decimal shifts (``0.3333``) as the fractions that they stand for."""
    return _DECIMAL_SHIFT.sub(_exact_shift, operator)


def _exact_shift(match: re.Match[str]) -> str:
    value, step = float(match.group()), 10.0 ** -len(match.group(1))
    nearest = round(value * SHIFT_STEPS) / SHIFT_STEPS
    off = abs(value - nearest)
    if off > min(step, LARGEST_SHIFT_ERROR):
        return match.group()
    return str(Fraction(nearest).limit_denominator(SHIFT_STEPS))


def _plain(symbol: str) -> str:
    return re.sub(r"[\s_]", "", symbol).lower()


def _by_symbol(symbol: str, table: dict[str, list[int]]) -> list[int]:
    """Hall numbers of a symbol, of the named setting only where the symbol has a suffix."""
    plain = _plain(symbol)
    if plain in table:
        return table[plain]
    match = re.match(r"(.+?):?([12hrsz])$", plain)
    if match is None:
        return []
    choice = _CHOICES[match.group(2).upper()]
    return [n for n in table.get(match.group(1), []) if _space_group_type(n).choice == choice]


def _space_group_type(hall_number: int):  # type: ignore[no-untyped-def]
    import spglib

    return spglib.get_spacegroup_type(hall_number)


@lru_cache(maxsize=1)
def _hall_numbers() -> tuple[dict[str, list[int]], dict[int, list[int]]]:
    """Spglib's 530 settings by every spelling of their symbol, and by their number."""
    by_symbol: dict[str, list[int]] = defaultdict(list)
    by_number: dict[int, list[int]] = defaultdict(list)
    for hall_number in sorted(range(1, 531), key=_preference):
        kind = _space_group_type(hall_number)
        spellings = {_plain(text) for text in kind.international.split("=")}
        if kind.choice in ("", "1", "2", "H", "R", "b", "b1"):
            spellings |= {_plain(kind.international_short), _plain(kind.international_full)}
        for spelling in spellings | {_plain(kind.hall_symbol)}:
            by_symbol[spelling].append(hall_number)
        by_number[kind.number].append(hall_number)
    return by_symbol, by_number


def _preference(hall_number: int) -> tuple[int, bool, int]:
    kind = _space_group_type(hall_number)
    return kind.number, kind.choice == "1", hall_number


@lru_cache(maxsize=64)
def _operators(hall_number: int) -> Operators:
    import spglib

    data = spglib.get_symmetry_from_database(hall_number)
    pairs = zip(data["rotations"], data["translations"], strict=True)
    return tuple(_operator_text(rotation, shift) for rotation, shift in pairs)


def _operator_text(rotation: NDArray[np.int64], shift: NDArray[np.float64]) -> str:
    texts = []
    for row, offset in zip(rotation, shift, strict=True):
        terms = [f"{'+' if n > 0 else '-'}{axis}" for n, axis in zip(row, "xyz", strict=True) if n]
        part = Fraction(float(offset)).limit_denominator(SHIFT_STEPS)
        texts.append("".join(terms) + (f"+{part}" if part else ""))
    return ", ".join(texts)
