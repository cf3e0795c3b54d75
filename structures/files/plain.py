"""Structures from JSON rows, pymatgen dicts, extended XYZ and POSCAR.

JSON is read key by key and never handed to a decoder that would import the classes that
it names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from structures.errors import UnreadableStructureError
from structures.files.cif import OCCUPANCY_TOLERANCE, too_many_sites

if TYPE_CHECKING:
    from pymatgen.core import Composition, Lattice, Structure

JSON_METADATA = {
    "energy_above_hull": "energy_above_hull_ev_atom",
    "e_above_hull": "energy_above_hull_ev_atom",
    "energy_above_hull_ev_atom": "energy_above_hull_ev_atom",
    "band_gap": "band_gap_ev",
    "band_gap_ev": "band_gap_ev",
    "theoretical": "theoretical",
    "temperature_k": "temperature_k",
    "formula": "stated_formula",
}
"""Keys of a JSON row and their names in the metadata of a record."""


def _bad(message: str, reason: str = "unreadable") -> UnreadableStructureError:
    return UnreadableStructureError(message, reason=reason)


@lru_cache(maxsize=1024)
def _pure(symbol: str) -> Composition:
    """A full site of one species, with or without charge (``Li``, ``Li+``, ``O2-``)."""
    from pymatgen.core import Composition, Element, Species

    try:
        species = Element(symbol) if symbol.isalpha() else Species.from_str(symbol)
    except ValueError as error:
        raise _bad(
            f"{symbol[:20]!r} is no chemical element or ion; write for example Li or Li+.",
            "unknown_element",
        ) from error
    return Composition({species: 1.0})


def _structure(
    lattice: Lattice, species: Sequence[Composition], fractional: NDArray[np.float64]
) -> Structure:
    from pymatgen.core import Structure

    return Structure(lattice, species, fractional)


def json_metadata(row: Mapping[str, Any]) -> dict[str, str | float | bool | None]:
    """What a JSON row says beside the structure, under the names of ``JSON_METADATA``."""
    metadata: dict[str, str | float | bool | None] = {}
    for key, name in JSON_METADATA.items():
        value = row.get(key)
        if isinstance(value, str):
            value = value[:200]
        if isinstance(value, (str, int, float)) and name not in metadata:
            metadata[name] = value
    return metadata


def load_json(text: str) -> dict[str, Any]:
    """The JSON object in a text.

    Raises:
        UnreadableStructureError: there is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"The text is no JSON ({error}); write it again.", "bad_json") from error
    if not isinstance(value, dict):
        raise _bad("The JSON value is no object with a structure in it.", "not_a_structure")
    return value


def read_row(row: Mapping[str, Any], *, max_sites: int) -> Structure:
    """A row of ``lattice``, ``species`` and flat ``coords``.

    Args:
        row: ``lattice`` is [a, b, c, alpha, beta, gamma] in Å and degrees, or three rows of
            a matrix in Å; ``species`` is [[symbol, count], …] in the order of the sites;
            ``coords`` is [x1, y1, z1, x2, …], fractional.
        max_sites: most sites that are accepted.

    Raises:
        UnreadableStructureError: the row does not hold that.
    """
    fractional = _numbers(row["coords"], "coords").reshape(-1)
    counts = _species_counts(row["species"])
    total = sum(count for _, count in counts)
    if total > max_sites:
        raise too_many_sites(total, max_sites)
    if total * 3 != fractional.size or total == 0:
        raise _bad(
            f"The row names {total} sites and gives {fractional.size} coordinates; it must give "
            "three per site.",
            "bad_row",
        )
    species = [site for symbol, count in counts for site in [_pure(symbol)] * count]
    return _structure(_lattice(row["lattice"]), species, fractional.reshape(-1, 3))


def _species_counts(value: object) -> list[tuple[str, int]]:
    try:
        counts = [(str(symbol), count) for symbol, count in value]  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise _bad("'species' must be a list of [symbol, count].", "bad_row") from error
    if not all(isinstance(count, int) and 0 < count < 10**9 for _, count in counts):
        raise _bad("A count in 'species' is no positive whole number.", "bad_row")
    return counts


def _numbers(value: object, name: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(f"{name!r} must hold numbers only.", "bad_row") from error
    return array


def _lattice(value: object) -> Lattice:
    from pymatgen.core import Lattice

    array = _numbers(value, "lattice")
    if array.shape == (6,):
        if not ((array[:3] > 0.0).all() and ((array[3:] > 0.0) & (array[3:] < 180.0)).all()):
            raise _bad("The lengths or angles of the cell are impossible.", "no_cell")
        return Lattice.from_parameters(*array.tolist())
    if array.shape == (3, 3):
        return Lattice(array)
    raise _bad(
        "The lattice must be [a, b, c, alpha, beta, gamma] or three rows of three numbers.",
        "no_cell",
    )


def read_pymatgen(value: Mapping[str, Any], *, max_sites: int) -> Structure:
    """A pymatgen ``Structure.as_dict()``, or an entry that holds one as ``structure``.

    Raises:
        UnreadableStructureError: the dict has no lattice, or a site cannot be read.
    """
    if "structure" in value and "sites" not in value:
        inner = value["structure"]
        if not isinstance(inner, Mapping):
            raise _bad("The 'structure' of the entry is no object.", "not_a_structure")
        if "coords" in inner:
            return read_row(inner, max_sites=max_sites)
        return read_pymatgen(inner, max_sites=max_sites)
    sites, lattice = value.get("sites"), value.get("lattice")
    if not isinstance(sites, list) or not sites or lattice is None:
        raise _bad(
            "The JSON object has no 'lattice' and 'sites'; write it with pymatgen's "
            "Structure.as_dict().",
            "not_a_structure",
        )
    if len(sites) > max_sites:
        raise too_many_sites(len(sites), max_sites)
    cell = _pymatgen_lattice(lattice)
    try:
        species = [_pymatgen_species(site["species"]) for site in sites]
        positions = [site.get("abc") for site in sites]
        if any(position is None for position in positions):
            positions = cell.get_fractional_coords([site["xyz"] for site in sites])
    except (KeyError, TypeError, AttributeError) as error:
        raise _bad(f"A site of the structure lacks {error}.", "bad_site") from error
    fractional = _numbers(positions, "abc")
    if fractional.shape != (len(sites), 3):
        raise _bad("A site does not have three coordinates.", "bad_site")
    return _structure(cell, species, fractional)


def _pymatgen_lattice(value: object) -> Lattice:
    if not isinstance(value, Mapping):
        return _lattice(value)
    pbc = value.get("pbc", (True, True, True))
    if not all(pbc):
        raise _bad("The structure is not periodic in all directions.", "not_periodic")
    if "matrix" in value:
        return _lattice(value["matrix"])
    return _lattice([value.get(key) for key in ("a", "b", "c", "alpha", "beta", "gamma")])


def _pymatgen_species(species: Sequence[Mapping[str, Any]]) -> Composition:
    """Occupants of one site; sums a little above 1 are scaled to 1."""
    from pymatgen.core import Composition, Element, Species

    if len(species) == 1 and species[0].get("occu") == 1:
        only = species[0]
        if only.get("oxidation_state") is None:
            return _pure(str(only["element"]))
    amounts: dict[Any, float] = {}
    for item in species:
        state = item.get("oxidation_state")
        symbol = str(item["element"])
        if not Element.is_valid_symbol(symbol):
            _pure(symbol)
        kind = Element(symbol) if state is None else Species(symbol, float(state))
        amounts[kind] = amounts.get(kind, 0.0) + float(item["occu"])
    total = sum(amounts.values())
    if not (min(amounts.values(), default=-1.0) > 0.0 and total <= OCCUPANCY_TOLERANCE):
        raise _bad(
            f"The occupancies of a site sum to {total:g} or are not positive; they must lie "
            "between 0 and 1.",
            "bad_occupancy",
        )
    return Composition({kind: amount / max(1.0, total) for kind, amount in amounts.items()})


# --- extended XYZ ------------------------------------------------------------------------

_PAIR = re.compile(r"""([A-Za-z_][\w\-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{([^}]*)\}|(\S+))""")


def read_extxyz(text: str, *, max_sites: int) -> Structure:
    """One frame of extended XYZ with a ``Lattice`` (https://github.com/libAtoms/extxyz).

    Raises:
        UnreadableStructureError: no periodic cell, or columns that do not fit.
    """
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
        raise _bad("A line of the frame has too few columns.", "bad_xyz")
    cartesian = _numbers([row[position_at : position_at + 3] for row in rows], "pos")
    species = [_xyz_species(row[symbol_at]) for row in rows]
    return _structure(cell, species, cell.get_fractional_coords(cartesian))


def _extxyz_cell(pairs: Mapping[str, str]) -> Lattice:
    words = re.sub(r"[\[\],]", " ", pairs.get("lattice", "")).split()
    values = _numbers(words, "Lattice")
    if values.shape != (9,):
        raise _bad("The frame has no Lattice of nine numbers in its comment line.", "no_cell")
    flags = re.sub(r"[\[\],]", " ", pairs.get("pbc", "T T T")).lower().split()
    if not all(flag in ("t", "true", "1") for flag in flags):
        raise _bad("The frame is not periodic in all directions.", "not_periodic")
    return _lattice(values.reshape(3, 3))


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
        raise _bad("The Properties of the frame name no species or no pos.", "bad_xyz")
    return symbol, position


@lru_cache(maxsize=1024)
def _xyz_species(word: str) -> Composition:
    from pymatgen.core import Element

    if word.isdigit():
        try:
            return _pure(Element.from_Z(int(word)).symbol)
        except ValueError as error:
            raise _bad(f"{word[:20]!r} is no atomic number.", "unknown_element") from error
    return _pure(word)


# --- POSCAR ------------------------------------------------------------------------------


def read_poscar(text: str, *, max_sites: int) -> Structure:
    """A POSCAR or CONTCAR of VASP 4 (with the elements in the first line) or later.

    Raises:
        UnreadableStructureError: it is cut, names no elements, or is no POSCAR.
    """
    from pymatgen.io.vasp import Poscar

    text = text.lstrip("\n") if text.startswith("\n\n") else text
    lines = text.split("\n")
    count = _poscar_count(lines)
    if count > max_sites:
        raise too_many_sites(count, max_sites)
    counts = lines[5].split() if len(lines) > 5 else []
    names = None
    if counts and all(word.isdigit() for word in counts):
        names = _comment_elements(lines[0], len(counts))
        if names is None and not _has_trailing_symbols(lines):
            raise _bad(
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
        raise _bad("The text has no line with the counts of atoms; it is no POSCAR.", "bad_poscar")
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
