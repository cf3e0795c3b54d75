"""Space group of a crystal, disordered ones included."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structures.crystal import IonicCrystal

Array = NDArray[np.float64]

SYMPREC_ANGSTROM = 0.01


def space_group(crystal: IonicCrystal, *, symprec_angstrom: float = SYMPREC_ANGSTROM) -> str:
    """Hermann–Mauguin symbol by spglib, or an empty text where it finds none.

    Sites that several species share count as one kind of site.
    """
    positions, kinds = _sites(crystal)
    dataset = _dataset(crystal.cell, positions, kinds, symprec_angstrom)
    return str(dataset.international) if dataset is not None else ""


def operations(
    cell: Array, frac: Array, kinds: list[int], *, symprec_angstrom: float = SYMPREC_ANGSTROM
) -> tuple[Array, Array]:
    """Rotations (m, 3, 3) and translations (m, 3) of a crystal, fractional, by spglib.

    Where spglib finds nothing, the identity alone.
    """
    dataset = _dataset(cell, frac, kinds, symprec_angstrom)
    if dataset is None:
        return np.eye(3)[None], np.zeros((1, 3))
    return np.asarray(dataset.rotations), np.asarray(dataset.translations)


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


def _sites(crystal: IonicCrystal) -> tuple[Array, list[int]]:
    """Distinct positions and an integer for each distinct occupation."""
    content: dict[tuple[float, ...], list[tuple[int, float]]] = {}
    for frac, number, occupancy in zip(
        crystal.frac.tolist(), crystal.numbers.tolist(), crystal.occupancies.tolist(), strict=True
    ):
        key = tuple(round(x, 5) % 1.0 for x in frac)
        content.setdefault(key, []).append((number, round(occupancy, 4)))
    names = [tuple(sorted(species)) for species in content.values()]
    numbering = {name: i for i, name in enumerate(sorted(set(names)), start=1)}
    return np.array(list(content)), [numbering[name] for name in names]
