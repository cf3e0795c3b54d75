"""Space group of a crystal, disordered ones included."""

from __future__ import annotations

import numpy as np

from structures.crystal import IonicCrystal

SYMPREC_ANGSTROM = 0.01


def space_group(crystal: IonicCrystal, *, symprec_angstrom: float = SYMPREC_ANGSTROM) -> str:
    """Hermann–Mauguin symbol by spglib, or an empty text where it finds none.

    Sites that several species share count as one kind of site.
    """
    import spglib

    positions, kinds = _sites(crystal)
    try:
        found = spglib.get_spacegroup((crystal.cell, positions, kinds), symprec=symprec_angstrom)
    except spglib.SpglibError:
        return ""
    return str(found).split(" (")[0] if found else ""


def _sites(crystal: IonicCrystal) -> tuple[np.ndarray, list[int]]:
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
