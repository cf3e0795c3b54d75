"""What the three-dimensional view of a crystal is made of: cell, atoms, bonds, polyhedra."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.softbv import ase_covalent_radii
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol

BOND_STRETCH = 1.15
"""Of the sum of the covalent radii: the longest distance that is drawn as a bond."""
FACE = 1e-3
MOST_ATOMS = 1500
LEAST_LIGANDS = 3
MOBILE_METALS = ("Li", "Na", "K", "Rb", "Cs", "Ag", "Cu")

Floats = NDArray[np.float64]


def shown_crystal(crystal: IonicCrystal) -> dict[str, Any]:
    """Describe cell, atoms, bonds and coordination polyhedra of the framework.

    Every centre of the cell has all its ligands, those beyond the faces of the cell too, so that no
    polyhedron is cut.

    Args:
        crystal: the crystal; of a shared site its main species is shown.

    Returns:
        ``cell`` (Å, rows are vectors), ``atoms`` (symbol and fractional coordinates; the first
        ``inside`` of them lie in the cell or on its faces), ``bonds`` (pairs of atoms) and
        ``polyhedra`` (a centre and its ligands each).
    """
    numbers, frac = _atoms_in_view(crystal)
    inside = len(numbers)
    numbers, frac, shells = _with_whole_shells(crystal.cell, numbers, frac)
    bonds = sorted({(min(a, b), max(a, b)) for a, ligands in shells.items() for b in ligands})
    polyhedra = [[a, *ligands] for a, ligands in shells.items() if len(ligands) >= LEAST_LIGANDS]
    atoms = zip(numbers.tolist(), np.round(frac, 4).tolist(), strict=True)
    return {
        "cell": np.round(crystal.cell, 4).tolist(),
        "atoms": [[symbol(number), place] for number, place in atoms],
        "inside": inside,
        "bonds": [list(pair) for pair in bonds],
        "polyhedra": polyhedra,
    }


def _atoms_in_view(crystal: IonicCrystal) -> tuple[NDArray[np.int64], Floats]:
    """Choose the main species of each site; repeat sites on a face on the opposite one."""
    order = np.argsort(-crystal.occupancies, kind="stable")
    seen: set[tuple[float, ...]] = set()
    numbers: list[int] = []
    places: list[Floats] = []
    for index in order:
        at = np.where(crystal.frac[index] > 1.0 - FACE, 0.0, crystal.frac[index])
        key = tuple(np.round(at, 3).tolist())
        if key in seen or len(numbers) >= MOST_ATOMS:
            continue
        seen.add(key)
        on_face = [(0.0, 1.0) if x < FACE else (0.0,) for x in at]
        for shift in np.array(np.meshgrid(*on_face)).T.reshape(-1, 3):
            numbers.append(int(crystal.numbers[index]))
            places.append(at + shift)
    return np.array(numbers, dtype=np.int64), np.array(places)


def _images_within(cell: Floats, reach_angstrom: float) -> Floats:
    """Cells in which a neighbour within reach may lie, shape (m, 3)."""
    widths = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    counts = np.ceil(reach_angstrom / widths).astype(int) + 1
    axes = [np.arange(-count, count + 1, dtype=np.float64) for count in counts]
    return np.array(np.meshgrid(*axes)).T.reshape(-1, 3)


def _with_whole_shells(
    cell: Floats, numbers: NDArray[np.int64], frac: Floats
) -> tuple[NDArray[np.int64], Floats, dict[int, list[int]]]:
    """Add the ligands that lie outside; for each centre the places of all its ligands.

    A centre is the less electronegative end of a bond that is no mobile metal.
    """
    from pymatgen.core import Element

    elements = [Element.from_Z(int(number)) for number in numbers]
    pull = np.array([float(element.X) for element in elements])
    mobile = np.array([element.symbol in MOBILE_METALS for element in elements])
    radii = ase_covalent_radii()[numbers]
    images = _images_within(cell, 2.0 * BOND_STRETCH * float(radii.max()))
    rounded = np.round(frac, 3).tolist()
    known = {(int(z), *at): i for i, (z, at) in enumerate(zip(numbers, rounded, strict=True))}
    all_numbers, all_frac = numbers.tolist(), frac.tolist()
    shells: dict[int, list[int]] = {}
    for centre in np.flatnonzero(~mobile).tolist():
        if len(all_numbers) > MOST_ATOMS:
            break
        ends = np.flatnonzero((pull > pull[centre]) & ~mobile)
        reach = BOND_STRETCH * (radii[centre] + radii[ends])
        places = frac[ends][:, None] + images[None]
        gaps = np.linalg.norm((places - frac[centre]) @ cell, axis=2)
        ligands = set()
        for end, image in np.argwhere(gaps < reach[:, None]).tolist():
            key = (int(numbers[ends[end]]), *np.round(places[end, image], 3).tolist())
            if key not in known:
                known[key] = len(all_numbers)
                all_numbers.append(key[0])
                all_frac.append(places[end, image].tolist())
            ligands.add(known[key])
        if ligands:
            shells[centre] = sorted(ligands)
    return np.array(all_numbers, dtype=np.int64), np.array(all_frac), shells
