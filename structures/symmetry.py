"""Space group of a crystal, disordered ones included."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualion.structures.crystal import IonicCrystal

Array = NDArray[np.float64]

SYMPREC_ANGSTROM = 0.01


def space_group(crystal: IonicCrystal, *, symprec_angstrom: float = SYMPREC_ANGSTROM) -> str:
    """Return Hermann–Mauguin symbol by spglib, or an empty text where it finds none.

    Sites that several species share count as one kind of site.

    Args:
        crystal: the crystal.
        symprec_angstrom: tolerance of positions, Å.
    """
    positions, kinds = _sites(crystal)
    dataset = _dataset(crystal.cell, positions, kinds, symprec_angstrom)
    return str(dataset.international) if dataset is not None else ""


def operations(
    cell: Array, frac: Array, kinds: list[int], *, symprec_angstrom: float = SYMPREC_ANGSTROM
) -> tuple[Array, Array]:
    """Return rotations (m, 3, 3) and translations (m, 3) of a crystal, fractional, by spglib.

    Where spglib finds nothing, the identity alone.

    Args:
        cell: shape (3, 3), Å, rows are lattice vectors.
        frac: shape (n, 3), fractional coordinates.
        kinds: length n; only sites of one kind map onto each other.
        symprec_angstrom: tolerance of positions, Å.
    """
    dataset = _dataset(cell, frac, kinds, symprec_angstrom)
    if dataset is None:
        return np.eye(3)[None], np.zeros((1, 3))
    return np.asarray(dataset.rotations), np.asarray(dataset.translations)


def crystal_operations(
    crystal: IonicCrystal, *, symprec_angstrom: float = SYMPREC_ANGSTROM
) -> tuple[Array, Array]:
    """Rotations (m, 3, 3) and translations (m, 3) that map a crystal onto itself, fractional.

    Ions of one element with different charges count as different.

    Args:
        crystal: the crystal.
        symprec_angstrom: tolerance of positions, Å.
    """
    positions, kinds, _ = _charged_sites(crystal)
    return operations(crystal.cell, positions, kinds, symprec_angstrom=symprec_angstrom)


def primitive_crystal(
    crystal: IonicCrystal, *, symprec_angstrom: float = SYMPREC_ANGSTROM
) -> IonicCrystal:
    """The crystal in its primitive cell, not turned; as it is where spglib finds none smaller.

    Args:
        crystal: the crystal.
        symprec_angstrom: tolerance of positions, Å.
    """
    import spglib

    positions, kinds, contents = _charged_sites(crystal)
    with _quiet_spglib():
        try:
            found = spglib.standardize_cell(
                (crystal.cell, positions, kinds),
                to_primitive=True,
                no_idealize=True,
                symprec=symprec_angstrom,
            )
        except spglib.SpglibError:
            found = None
    if found is None or len(found[2]) >= len(kinds):
        return crystal
    cell, frac, found_kinds = found
    rows = [
        (site, *species)
        for site, kind in enumerate(found_kinds.tolist())
        for species in contents[kind]
    ]
    site, numbers, charges, occupancies = (np.array(column) for column in zip(*rows, strict=True))
    return dataclasses.replace(
        crystal,
        cell=cell,
        frac=np.asarray(frac)[site],
        numbers=numbers,
        charges=charges,
        occupancies=occupancies,
    )


def niggli_cell(cell: Array) -> Array:
    """The Niggli-reduced cell of a lattice, rows in Å; the cell itself where spglib fails."""
    import spglib

    with _quiet_spglib():
        try:
            reduced = spglib.niggli_reduce(cell)
        except spglib.SpglibError:
            reduced = None
    return cell if reduced is None else np.asarray(reduced)


@contextlib.contextmanager
def _quiet_spglib() -> Iterator[None]:
    """Without spglib's announcement of another error handling, and its notes on stderr.

    What it fails at is told by its results.
    """
    os.environ.setdefault("SPGLIB_WARNING", "OFF")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _dataset(cell: Array, frac: Array, kinds: list[int], symprec_angstrom: float) -> Any:
    import spglib

    with _quiet_spglib():
        try:
            return spglib.get_symmetry_dataset((cell, frac, kinds), symprec=symprec_angstrom)
        except spglib.SpglibError:
            return None


Species = tuple[float, ...]
"""Atomic number, perhaps charge, and occupancy."""


def _sites(crystal: IonicCrystal) -> tuple[Array, list[int]]:
    """Distinct positions and an integer for each distinct occupation."""
    species = zip(crystal.numbers.tolist(), np.round(crystal.occupancies, 4).tolist(), strict=True)
    positions, kinds, _ = _by_place(crystal, list(species))
    return positions, kinds


def _charged_sites(
    crystal: IonicCrystal,
) -> tuple[Array, list[int], dict[int, tuple[Species, ...]]]:
    """Distinct positions, the kind of each, and the (number, charge, occupancy) of each kind."""
    columns = (crystal.numbers, crystal.charges, crystal.occupancies)
    species = zip(*(np.round(column, 6).tolist() for column in columns), strict=True)
    return _by_place(crystal, list(species))


def _by_place(
    crystal: IonicCrystal, species: list[Species]
) -> tuple[Array, list[int], dict[int, tuple[Species, ...]]]:
    content: dict[tuple[float, ...], list[Species]] = {}
    for frac, one in zip(crystal.frac.tolist(), species, strict=True):
        key = tuple(round(x, 5) % 1.0 for x in frac)
        content.setdefault(key, []).append(one)
    names = [tuple(sorted(there)) for there in content.values()]
    numbering = {name: i for i, name in enumerate(sorted(set(names)), start=1)}
    contents = {number: name for name, number in numbering.items()}
    return np.array(list(content)), [numbering[name] for name in names], contents
