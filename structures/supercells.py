"""Supercells that are near to a cube: large enough for molecular dynamics, and no larger.

A supercell of a lattice is an integer matrix whose rows give the new lattice vectors in terms
of the old ones. Every superlattice of a given size has one matrix in Hermite normal form
(Hart & Forcade, Phys. Rev. B 77, 224115 (2008), 10.1103/PhysRevB.77.224115), so that walking
through these finds the best one exactly. What counts for periodic simulations is the distance
of opposite faces, the width of the cell: an ion is at least that far from its own image.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.structures.lattice_reduction import reduce_cells, widest_basis, widths_of
from dualion.structures.symmetry import primitive_crystal

SMALLEST_WIDTH_ANGSTROM = 10.0
"""Usual least width: twice the reach of the graph potentials and of most Morse terms."""
MOST_ATOMS = 200
LARGEST_FACTOR = 1000
"""Supercells of more primitive cells than this are not searched."""
EQUAL_ANGSTROM = 1e-6

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Supercell:
    """A supercell and how cubic it is.

    Attributes:
        matrix: shape (3, 3), whole numbers; rows are the new lattice vectors in the old ones.
        lengths_angstrom: shape (3,), Å, of the new lattice vectors.
        widths_angstrom: shape (3,), Å, distances of opposite faces.
        wide_enough: whether every width reaches what was asked for.
    """

    matrix: Ints
    lengths_angstrom: Floats
    widths_angstrom: Floats
    wide_enough: bool

    @property
    def factor(self) -> int:
        """How many of the old cells it holds."""
        return round(float(np.linalg.det(self.matrix)))


def make_supercell(crystal: IonicCrystal, matrix: object) -> IonicCrystal:
    """Repeat the crystal in a supercell.

    Images of one entry follow each other, so that entry ``i`` becomes the entries from
    ``i · factor`` on.

    Args:
        crystal: the crystal.
        matrix: shape (3, 3) whole numbers, rows are the new lattice vectors in the old ones; or
            shape (3,), repeats along the old ones.

    Raises:
        InputError: the matrix is not of whole numbers, or its determinant is not positive.
    """
    whole = _checked_matrix(matrix)
    shifts = _translations(whole)
    inverse = np.linalg.inv(whole)
    count = len(shifts)
    frac = (crystal.frac[:, None] + shifts[None]).reshape(-1, 3) @ inverse
    frac -= np.floor(frac + 1e-9)  # images on a face of the cell stay on the same face
    return dataclasses.replace(
        crystal,
        cell=whole @ crystal.cell,
        frac=frac,
        numbers=np.repeat(crystal.numbers, count),
        charges=np.repeat(crystal.charges, count),
        occupancies=np.repeat(crystal.occupancies, count),
    )


def repeated_unit(crystal: IonicCrystal) -> tuple[IonicCrystal, Ints]:
    """Return the primitive cell of a crystal, and the matrix of the supercell that the crystal is.

    Where the primitive cell does not repeat to the same ions at the same places, the crystal
    itself and the identity.
    """
    from scipy.spatial import cKDTree

    small = primitive_crystal(crystal)
    exact = crystal.cell @ np.linalg.inv(small.cell)
    matrix = np.rint(exact).astype(np.int64)
    if np.abs(exact - matrix).max() < 1e-3 and _det(matrix) > 0:
        again = make_supercell(small, matrix)
        gaps, nearest = cKDTree(again.frac % 1.0, boxsize=1.0).query(crystal.frac)
        same_ions = (again.numbers[nearest] == crystal.numbers).all()
        if len(again.numbers) == len(crystal.numbers) and gaps.max() < 1e-3 and same_ions:
            return small, matrix
    return crystal, np.eye(3, dtype=np.int64)


def _checked_matrix(matrix: object) -> Ints:
    given = np.asarray(matrix, dtype=np.float64)
    given = np.diag(given) if given.shape == (3,) else given
    whole = np.rint(given).astype(np.int64)
    if given.shape != (3, 3) or np.abs(given - whole).max() > 1e-6 or _det(whole) < 1:
        raise InputError(
            f"The supercell {np.asarray(matrix).tolist()} makes no sense; give three positive "
            "repeats, or a 3 × 3 matrix of whole numbers with a positive determinant."
        )
    return whole


def _det(matrix: Ints) -> int:
    return round(float(np.linalg.det(matrix)))


def _translations(matrix: Ints) -> Ints:
    """Old lattice vectors inside the supercell, shape (factor, 3), the origin first."""
    hermite = _hermite(matrix)
    return np.array(list(np.ndindex(*np.diag(hermite).tolist())), dtype=np.int64)


def _hermite(matrix: Ints) -> Ints:
    """Upper triangular matrix whose rows span the same lattice, by row operations."""
    rows = [[int(x) for x in row] for row in matrix]
    for column in range(3):
        for below in range(column + 1, 3):
            while rows[below][column]:
                quotient = rows[column][column] // rows[below][column]
                rest = [a - quotient * b for a, b in zip(rows[column], rows[below], strict=True)]
                rows[column], rows[below] = rows[below], rest
        if rows[column][column] < 0:
            rows[column] = [-x for x in rows[column]]
    return np.array(rows, dtype=np.int64)


def near_cubic_supercell(
    crystal: IonicCrystal,
    *,
    smallest_width_angstrom: float = SMALLEST_WIDTH_ANGSTROM,
    most_atoms: int = MOST_ATOMS,
) -> Supercell:
    """Return the smallest supercell that is wide enough; among equally small ones the most cubic.

    Where no cell under the limit has every width, the smallest whose lattice vectors are all
    long enough is taken, and ``wide_enough`` is False.

    Args:
        crystal: the crystal; of a disordered one, every entry counts with its occupancy.
        smallest_width_angstrom: least distance of opposite faces, Å.
        most_atoms: largest number of atoms.

    Raises:
        InputError: the limit cannot hold such a cell.
    """
    atoms = float(crystal.occupancies.sum())
    most = min(LARGEST_FACTOR, int(most_atoms / atoms + 1e-9))
    least = max(1, int(np.ceil(smallest_width_angstrom**3 / crystal.volume_cubic_angstrom - 1e-9)))
    long_enough: Supercell | None = None
    for factor in range(1, most + 1):
        if factor < least and long_enough is not None:
            continue
        found = most_cubic(crystal, factor, smallest_width_angstrom=smallest_width_angstrom)
        if found.wide_enough:
            return found
        if long_enough is None and _reaches(found.lengths_angstrom, smallest_width_angstrom):
            long_enough = found
    if long_enough is not None:
        return long_enough
    raise InputError(
        f"No supercell of at most {most_atoms} atoms is {smallest_width_angstrom:g} Å long in "
        f"every direction: the cell has {atoms:.4g} atoms in {crystal.volume_cubic_angstrom:.0f} "
        f"Å³; allow more atoms."
    )


def _reaches(values: Floats, least: float) -> bool:
    return bool(values.min() >= least - EQUAL_ANGSTROM)


def most_cubic(
    crystal: IonicCrystal,
    factor: int,
    *,
    smallest_width_angstrom: float = SMALLEST_WIDTH_ANGSTROM,
) -> Supercell:
    """Return the supercell of that many cells whose smallest width is largest.

    Equal ones are told apart by the shortest lattice vector, then by the longest.

    Args:
        crystal: the crystal.
        factor: number of its cells.
        smallest_width_angstrom: what ``wide_enough`` is measured by, Å.

    Raises:
        InputError: the factor is not positive, or too large to search.
    """
    if not 1 <= factor <= LARGEST_FACTOR:
        raise InputError(
            f"A supercell of {factor} cells is not searched; choose 1 to {LARGEST_FACTOR}."
        )
    start = np.rint(reduce_cells(crystal.cell[None])[0] @ np.linalg.inv(crystal.cell))
    cells = _drop_images(reduce_cells(hermite_matrices(factor) @ start @ crystal.cell))
    shortest = np.linalg.norm(cells, axis=2).min(axis=1)
    best, best_score = cells[0], (-np.inf, -np.inf, -np.inf)
    for index in np.argsort(-shortest, kind="stable").tolist():
        if shortest[index] < best_score[0] - EQUAL_ANGSTROM:
            break  # no width exceeds the shortest vector
        cell = widest_basis(cells[index])
        score = _score(cell)
        if score > best_score:
            best, best_score = cell, score
    matrix = _face_forward(np.rint(best @ np.linalg.inv(crystal.cell)).astype(np.int64))
    return measure_supercell(crystal, matrix, smallest_width_angstrom)


def measure_supercell(
    crystal: IonicCrystal, matrix: object, smallest_width_angstrom: float = SMALLEST_WIDTH_ANGSTROM
) -> Supercell:
    """Return the lengths and widths of the supercell of a matrix (see ``make_supercell``).

    Args:
        crystal: the crystal.
        matrix: shape (3, 3) whole numbers, or shape (3,), repeats.
        smallest_width_angstrom: what ``wide_enough`` is measured by, Å.

    Raises:
        InputError: the matrix makes no sense.
    """
    whole = _checked_matrix(matrix)
    cell = whole @ crystal.cell
    widths = widths_of(cell)
    return Supercell(
        matrix=whole,
        lengths_angstrom=np.linalg.norm(cell, axis=1),
        widths_angstrom=widths,
        wide_enough=_reaches(widths, smallest_width_angstrom),
    )


def _score(cell: Floats) -> tuple[float, float, float]:
    lengths = np.linalg.norm(cell, axis=1)
    numbers = (widths_of(cell).min(), lengths.min(), -lengths.max())
    return tuple(round(float(x), 6) for x in numbers)  # type: ignore[return-value]


def _drop_images(cells: Floats) -> Floats:
    """One cell of each metric: the others are images of it by the lattice's symmetry."""
    metrics = np.einsum("mij,mkj->mik", cells, cells).reshape(-1, 9)
    _, first = np.unique(np.round(metrics, 5), axis=0, return_index=True)
    return np.asarray(cells[np.sort(first)])


def _face_forward(matrix: Ints) -> Ints:
    """The same lattice with its vectors ordered and signed to lie along the old ones."""
    turned = [
        signs[:, None] * matrix[list(order)]
        for order in itertools.permutations(range(3))
        for signs in (np.array(s) for s in itertools.product((1, -1), repeat=3))
    ]
    return max(
        (m for m in turned if _det(m) > 0),
        key=lambda m: (int(np.trace(m)), m.ravel().tolist()),
    )


@lru_cache(maxsize=64)
def hermite_matrices(factor: int) -> Ints:
    """Return all matrices in Hermite normal form with that determinant, shape (m, 3, 3)."""
    found = [
        [[a, b, c], [0, d, e], [0, 0, factor // (a * d)]]
        for a, d in _divisor_pairs(factor)
        for b in range(d)
        for c in range(factor // (a * d))
        for e in range(factor // (a * d))
    ]
    return np.array(found, dtype=np.int64)


def _divisor_pairs(factor: int) -> Iterator[tuple[int, int]]:
    for a in range(1, factor + 1):
        if factor % a == 0:
            for d in range(1, factor // a + 1):
                if factor // a % d == 0:
                    yield a, d
