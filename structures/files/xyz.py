"""Structures from frames of extended XYZ (https://github.com/libAtoms/extxyz)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from dualion.structures.files.build import (
    full_site,
    lattice_of,
    number_array,
    refusal,
    too_many_sites,
)

if TYPE_CHECKING:
    from pymatgen.core import Composition, Lattice, Structure

_PAIR = re.compile(r"""([A-Za-z_][\w\-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{([^}]*)\}|(\S+))""")


def read_extxyz(text: str, *, max_sites: int) -> Structure:
    """Read one frame of extended XYZ with a ``Lattice`` (https://github.com/libAtoms/extxyz).

    Args:
        text: the frame, from the line with its number of atoms.
        max_sites: the largest number of sites that is accepted.

    Raises:
        UnreadableStructureError: no periodic cell, or columns that do not fit.
    """
    from pymatgen.core import Structure

    lines = text.split("\n")
    count = int(lines[0])
    if count > max_sites:
        raise too_many_sites(count, max_sites)
    pairs = {
        m.group(1).lower(): next(g for g in m.groups()[1:] if g is not None)
        for m in _PAIR.finditer(lines[1])
    }
    cell = _extxyz_cell(pairs)
    symbol_at, position_at = _extxyz_columns(pairs.get("properties", "species:S:1:pos:R:3"))
    rows = [line.split() for line in lines[2 : 2 + count]]
    if not rows or any(len(row) < max(symbol_at + 1, position_at + 3) for row in rows):
        raise refusal("A line of the frame has too few columns.", "bad_xyz")
    cartesian = number_array([row[position_at : position_at + 3] for row in rows], "pos")
    species = [_xyz_species(row[symbol_at]) for row in rows]
    return Structure(cell, species, cell.get_fractional_coords(cartesian))


def _extxyz_cell(pairs: Mapping[str, str]) -> Lattice:
    words = re.sub(r"[\[\],]", " ", pairs.get("lattice", "")).split()
    values = number_array(words, "Lattice")
    if values.shape != (9,):
        raise refusal("The frame has no Lattice of nine numbers in its comment line.", "no_cell")
    flags = re.sub(r"[\[\],]", " ", pairs.get("pbc", "T T T")).lower().split()
    if not all(flag in ("t", "true", "1") for flag in flags):
        raise refusal("The frame is not periodic in all directions.", "not_periodic")
    return lattice_of(values.reshape(3, 3))


def _extxyz_columns(properties: str) -> tuple[int, int]:
    """First columns of the chemical symbol and of the position."""
    words = properties.split(":")
    places: dict[str, int] = {}
    column = 0
    for name, width in zip(words[0::3], words[2::3], strict=False):
        places.setdefault(name.lower(), column)
        column += int(width) if width.isdigit() else 1
    symbol = places.get("species", places.get("z", places.get("numbers")))
    position = places.get("pos", places.get("positions"))
    if symbol is None or position is None:
        raise refusal("The Properties of the frame name no species or no pos.", "bad_xyz")
    return symbol, position


@lru_cache(maxsize=1024)
def _xyz_species(word: str) -> Composition:
    from pymatgen.core import Element

    if word.isdigit():
        try:
            return full_site(Element.from_Z(int(word)).symbol)
        except ValueError as error:
            raise refusal(f"{word[:20]!r} is no atomic number.", "unknown_element") from error
    return full_site(word)
