"""Structures from POSCAR and CONTCAR files of VASP.

Grammar: https://www.vasp.at/wiki/POSCAR. Lines may carry comments behind what they must hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.structures.files.build import full_site, refusal, too_many_sites

if TYPE_CHECKING:
    from pymatgen.core import Structure

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?$")
_COUNT = re.compile(r"[0-9]{1,9}$")

MOST_GROUP_LINES = 40
"""Lines of symbols and counts that are looked at; long lists may be wrapped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What stands above the positions.

    Attributes:
        cell: shape (3, 3), rows are the lattice vectors, Å.
        scale: shape (3,), factors of Cartesian components.
        symbols: one for each group of atoms.
        counts: atoms of each group.
        next_line: index of the line below the counts.
    """

    cell: NDArray[np.float64]
    scale: NDArray[np.float64]
    symbols: list[str]
    counts: list[int]
    next_line: int


def read_poscar(text: str, *, max_sites: int) -> Structure:
    """A POSCAR or CONTCAR of VASP 4 (with the elements in the first line) or later.

    Args:
        text: the file.
        max_sites: most sites that are accepted.

    Raises:
        UnreadableStructureError: it is cut, names no elements, or is no POSCAR.
    """
    from pymatgen.core import Lattice, Structure

    lines = text.split("\n")
    header = _read_header(lines, max_sites)
    position = header.next_line
    if _first_letter(lines, position) == "s":  # selective dynamics
        position += 1
    is_cartesian = _first_letter(lines, position) in ("c", "k")
    count = sum(header.counts)
    coordinates = _coordinates(lines[position + 1 : position + 1 + count], count)
    if is_cartesian:
        coordinates = (coordinates * header.scale) @ np.linalg.inv(header.cell)
    species = [
        full_site(symbol)
        for symbol, n in zip(header.symbols, header.counts, strict=True)
        for _ in range(n)
    ]
    return Structure(Lattice(header.cell), species, coordinates)


def _read_header(lines: Sequence[str], max_sites: int) -> _Header:
    if len(lines) < 7:
        raise refusal("The POSCAR ends before its positions; copy it again.", "bad_poscar")
    factors = _scale_factors(lines[1])
    vectors = [_leading_numbers(line) for line in lines[2:5]]
    if any(len(vector) < 3 for vector in vectors):
        raise refusal("The POSCAR has no three lattice vectors of three numbers.", "bad_poscar")
    cell = np.array([vector[:3] for vector in vectors])
    scale = _scale(factors, cell)
    symbols, counts, next_line = _groups(lines)
    if sum(counts) > max_sites:
        raise too_many_sites(sum(counts), max_sites)
    if not symbols:
        symbols = _unnamed(lines, counts, next_line)
    return _Header(
        cell=cell * scale, scale=scale, symbols=symbols, counts=counts, next_line=next_line
    )


def _scale_factors(line: str) -> list[float]:
    factors = _leading_numbers(line)
    if not factors or len(factors) == 2:
        raise refusal(
            "The second line of the POSCAR must hold one scale factor or three.", "bad_poscar"
        )
    return factors[:3]


def _scale(factors: Sequence[float], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors of the Cartesian components: one for all (or the volume, negative), or three."""
    if len(factors) == 3:
        if min(factors) <= 0.0:
            raise refusal("Three scale factors of a POSCAR must be positive.", "bad_poscar")
        return np.array(factors)
    volume = abs(float(np.linalg.det(cell)))
    factor = factors[0]
    if factor == 0.0 or not 0.0 < volume < np.inf:
        raise refusal("The cell of the POSCAR has no volume.", "bad_cell")
    return np.full(3, factor if factor > 0.0 else (-factor / volume) ** (1.0 / 3.0))


def _groups(lines: Sequence[str]) -> tuple[list[str], list[int], int]:
    """Symbols (none in VASP 4), counts, and the index of the line below them."""
    position = 5
    words: list[str] = []
    last = min(len(lines), position + MOST_GROUP_LINES)
    while position < last and not _leading_counts(lines[position]):
        words += _leading_symbols(lines[position])
        position += 1
    counts: list[int] = []
    while position < last:
        found = _leading_counts(lines[position])
        complete = bool(counts) and len(counts) >= len(words)
        if not found or complete:
            break
        counts += found
        position += 1
    if not counts or sum(counts) == 0:
        raise refusal(
            "There is no line with the counts of atoms; the text is no POSCAR.", "bad_poscar"
        )
    extra = words[len(counts) : len(counts) + 1]
    if words and (len(words) < len(counts) or any(_is_element(word) for word in extra)):
        raise refusal(
            f"The POSCAR counts {len(counts)} groups of atoms and names "
            f"{sum(_is_element(word) for word in words)}; each group needs a name and a count.",
            "bad_poscar",
        )
    # More words than counts that go on with no element: what is left over is a comment.
    return words[: len(counts)], counts, position


def _leading_numbers(line: str) -> list[float]:
    numbers: list[float] = []
    for word in line.split():
        if not _NUMBER.match(word):
            break
        numbers.append(float(word.replace("d", "e").replace("D", "e")))
    return numbers


def _leading_counts(line: str) -> list[int]:
    counts: list[int] = []
    for word in re.split(r"[\s,]+", line.strip()):
        if not _COUNT.match(word):
            break
        counts.append(int(word))
    return counts


def _leading_symbols(line: str) -> list[str]:
    """Elements of a line, up to a comment; ``Li_sv`` and ``Li/a1b2`` name potentials of Li."""
    symbols: list[str] = []
    for word in re.split(r"[!#%]", line)[0].split():
        symbol = re.split(r"[_/.]", word)[0]
        if not symbol:
            break
        symbols.append(symbol)
    return symbols


def _unnamed(lines: Sequence[str], counts: Sequence[int], next_line: int) -> list[str]:
    """Elements of a POSCAR of VASP 4: in its first line, or behind the positions.

    Raises:
        UnreadableStructureError: neither names them.
    """
    words = _leading_symbols(lines[0])
    if len(words) == len(counts) and all(_is_element(word) for word in words):
        return words
    first = next_line + (2 if _first_letter(lines, next_line) == "s" else 1)
    symbols: list[str] = []
    for count in counts:
        named = _trailing_symbol(lines[first].split()[3:]) if first < len(lines) else None
        if named is None:
            raise refusal(
                "The POSCAR (VASP 4) does not name its elements; add a line with them above the "
                "line of counts.",
                "no_elements",
            )
        symbols.append(named)
        first += count
    return symbols


def _trailing_symbol(words: Sequence[str]) -> str | None:
    """The element behind a position and the flags of selective dynamics."""
    flags = len(words) >= 3 and all(word in ("T", "F") for word in words[:3])
    return next((word for word in words[3 if flags else 0 :] if _is_element(word)), None)


def _is_element(word: str) -> bool:
    from pymatgen.core import Element

    return bool(Element.is_valid_symbol(word))


def _first_letter(lines: Sequence[str], index: int) -> str:
    return lines[index].strip()[:1].lower() if index < len(lines) else ""


def _coordinates(lines: Sequence[str], count: int) -> NDArray[np.float64]:
    rows = [_leading_numbers(line)[:3] for line in lines]
    if len(rows) < count or any(len(row) < 3 for row in rows):
        complete = sum(1 for row in rows if len(row) == 3)
        raise refusal(
            f"The POSCAR counts {count} atoms and gives the positions of {complete}; it is cut "
            "short or a line is damaged.",
            "bad_poscar",
        )
    return np.array(rows, dtype=np.float64).reshape(-1, 3)
