"""Structures from POSCAR and CONTCAR files of VASP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dualion.structures.files.build import refusal, too_many_sites

if TYPE_CHECKING:
    from pymatgen.core import Structure


def read_poscar(text: str, *, max_sites: int) -> Structure:
    """A POSCAR or CONTCAR of VASP 4 (with the elements in the first line) or later.

    Raises:
        UnreadableStructureError: it is cut, names no elements, or is no POSCAR.
    """
    from pymatgen.io.vasp import Poscar

    lines = text.split("\n")
    count = _poscar_count(lines)
    if count > max_sites:
        raise too_many_sites(count, max_sites)
    counts = lines[5].split() if len(lines) > 5 else []
    names = None
    if counts and all(word.isdigit() for word in counts):
        names = _comment_elements(lines[0], len(counts))
        if names is None and not _has_trailing_symbols(lines):
            raise refusal(
                "The POSCAR (VASP 4) does not name its elements; add a line with them above the "
                "line of counts.",
                "no_elements",
            )
    return Poscar.from_str(text, default_names=names, read_velocities=False).structure


def _poscar_count(lines: Sequence[str]) -> int:
    """Atoms that a POSCAR promises, read before anything of that size is made."""
    count = 0
    for line in lines[5:25]:
        words = line.split()
        if words and all(word.isdigit() and len(word) < 10 for word in words):
            count += sum(int(word) for word in words)
        elif count:
            break
    if count == 0:
        raise refusal(
            "There is no line with the counts of atoms; the text is no POSCAR.", "bad_poscar"
        )
    return count


def _comment_elements(comment: str, count: int) -> list[str] | None:
    from pymatgen.core import Element

    words = comment.split()
    fits = len(words) == count and all(Element.is_valid_symbol(word) for word in words)
    return words if fits else None


def _has_trailing_symbols(lines: Sequence[str]) -> bool:
    from pymatgen.core import Element

    words = [line.split() for line in lines[7:9]]
    return any(len(row) > 3 and Element.is_valid_symbol(row[-1]) for row in words)
