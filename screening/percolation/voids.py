"""The largest empty spheres of a crystal, by the crystal radii of its ions.

Radii are Shannon's crystal radii (Acta Cryst. A 32, 751 (1976), 10.1107/S0567739476001551), as
pymatgen carries them; they know anions too.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.spatial import Voronoi, cKDTree

from dualion.screening.bvse.softbv import ase_covalent_radii
from dualion.screening.neighbour_distances import shortest_distances, vectors_within
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.symmetry import crystal_operations

IMAGES_ANGSTROM = 6.0
"""How far around the cell images of its ions are looked at for corners to start from."""
LARGEST_MOVE_ANGSTROM = 0.5
"""Longest move of a centre along each axis before the ions around it are looked up again."""
SMALLER_ANGSTROM = 1.0
SAME_CENTRE_ANGSTROM = 0.1
MOST_MOVES = 8
Floats = NDArray[np.float64]


@lru_cache(maxsize=512)
def crystal_radius_angstrom(number: int, charge: float) -> float:
    """Return crystal radius of an ion in Å, of the nearest tabulated state of the same sign.

    The covalent radius where there is none, or the atom is neutral.

    Args:
        number: atomic number.
        charge: formal charge, e.
    """
    from pymatgen.core import Element

    known = {
        int(state): float(radius) for state, radius in Element(symbol(number)).ionic_radii.items()
    }
    same = [state for state in known if state * charge > 0]
    if not same:
        return float(ase_covalent_radii()[number])
    return known[min(same, key=lambda state: abs(state - charge))]


def crystal_radii(crystal: IonicCrystal) -> Floats:
    """Return the crystal radius of every entry, shape (n,), Å."""
    pairs = zip(crystal.numbers.tolist(), crystal.charges.tolist(), strict=True)
    return np.array([crystal_radius_angstrom(number, charge) for number, charge in pairs])


def empty_spheres(crystal: IonicCrystal) -> tuple[Floats, Floats]:
    """Find centres and radii of the empty spheres that touch the ions around them.

    The search starts from the corners of the Voronoi cells of the bare centres, so that it depends
    on no grid.

    Args:
        crystal: the crystal; every entry counts, however small its occupancy.

    Returns:
        one fractional centre (m, 3) for all that symmetry relates, those of the largest first, and
        radii (m,) in Å, which are negative where the ions overlap. Spheres smaller than the
        largest by ``SMALLER_ANGSTROM`` are left out.
    """
    radii = crystal_radii(crystal)
    corners, room = _corners(crystal, radii)
    order = np.argsort(-np.round(room, 6), kind="stable")
    order = order[room[order] > room.max() - 2.0 * SMALLER_ANGSTROM]
    grown = [_largest_sphere(crystal, radii, frac) for frac in _distinct(crystal, corners[order])]
    grown.sort(key=lambda item: -round(item[1], 4))
    grown = [item for item in grown if item[1] > grown[0][1] - SMALLER_ANGSTROM]
    sizes = {tuple(frac.tolist()): radius for frac, radius in grown}
    centres = _distinct(crystal, np.array([frac for frac, _ in grown]))
    return np.array(centres), np.array([sizes[tuple(frac.tolist())] for frac in centres])


def _corners(crystal: IonicCrystal, radii: Floats) -> tuple[Floats, Floats]:
    """Corners of the Voronoi cells inside the cell, fractional, and their distance to a surface."""
    ions = _with_images(crystal.cell, crystal.frac)
    frac = Voronoi(ions).vertices @ np.linalg.inv(crystal.cell)
    frac = frac[((frac > -0.01) & (frac < 1.01)).all(axis=1)]
    room = np.full(len(frac), np.inf)
    for radius in np.unique(radii):
        images = _with_images(crystal.cell, crystal.frac[radii == radius])
        distances, _ = cKDTree(images).query(frac @ crystal.cell)
        np.minimum(room, distances - radius, out=room)
    return frac, room


def _distinct(crystal: IonicCrystal, points: Floats) -> list[Floats]:
    """Of points that symmetry relates, the first."""
    rotations, translations = crystal_operations(crystal)
    kept: list[Floats] = []
    left = np.ones(len(points), dtype=bool)
    for index, point in enumerate(points):
        if not left[index]:
            continue
        kept.append(point)
        images = np.einsum("oij,j->oi", rotations, point) + translations
        others = np.flatnonzero(left)
        near = shortest_distances(crystal.cell, points[others], images).min(axis=1)
        left[others[near < SAME_CENTRE_ANGSTROM]] = False
    return kept


def _with_images(cell: Floats, frac: Floats) -> Floats:
    """Positions in Å of ions and of their images around the cell."""
    margin = IMAGES_ANGSTROM * np.linalg.norm(np.linalg.inv(cell), axis=0)
    steps = [np.arange(-int(np.ceil(m)), int(np.ceil(m)) + 1) for m in margin]
    shifts = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    every = (frac[:, None] + shifts[None]).reshape(-1, 3)
    return np.asarray(every[((every >= -margin) & (every <= 1.0 + margin)).all(axis=1)] @ cell)


def _largest_sphere(crystal: IonicCrystal, radii: Floats, frac: Floats) -> tuple[Floats, float]:
    """Fractional centre and radius in Å of the empty sphere that one grows to from a point."""
    radius = -np.inf
    for _ in range(MOST_MOVES):
        frac, grown = _grow(crystal, radii, frac)
        if grown < radius + 1e-6:
            break
        radius = grown
    return frac % 1.0, grown


def _grow(crystal: IonicCrystal, radii: Floats, frac: Floats) -> tuple[Floats, float]:
    """Fractional centre and radius in Å of the empty sphere near a point.

    The radius is maximised under the condition that no ion reaches into the sphere. While the
    centre moves, the gap to an ion changes by no more than the length of the move: ions that are
    twice that farther away than the nearest cannot bound the sphere.
    """
    distances = shortest_distances(crystal.cell, crystal.frac, frac[None])[:, 0]
    start = float((distances - radii).min())
    farthest = start + 2.0 * np.sqrt(3.0) * LARGEST_MOVE_ANGSTROM
    which, vectors = vectors_within(crystal.cell, crystal.frac, frac, farthest + radii.max())
    near = np.linalg.norm(vectors, axis=1) - radii[which] <= farthest
    ions, own = vectors[near], radii[which[near]]

    def gap(x: Floats) -> Floats:
        return np.asarray(np.linalg.norm(x[:3] - ions, axis=1) - own - x[3])

    def slope(x: Floats) -> Floats:
        away = x[:3] - ions
        unit = away / np.maximum(np.linalg.norm(away, axis=1), 1e-6)[:, None]
        return np.column_stack([unit, -np.ones(len(unit))])

    done = optimize.minimize(
        lambda x: -x[3],
        np.array([0.0, 0.0, 0.0, start]),
        jac=lambda x: np.array([0.0, 0.0, 0.0, -1.0]),
        constraints=[{"type": "ineq", "fun": gap, "jac": slope}],
        bounds=[(-LARGEST_MOVE_ANGSTROM, LARGEST_MOVE_ANGSTROM)] * 3 + [(None, None)],
        method="SLSQP",
    )
    if not done.success or done.x[3] < start:
        return frac, start
    return frac + done.x[:3] @ np.linalg.inv(crystal.cell), float(done.x[3])
