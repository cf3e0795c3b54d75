"""Empty spheres of lattices whose holes are known, and against a search on a fine grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.neighbour_distances import shortest_distances
from dualion.screening.percolation.voids import crystal_radii, empty_spheres

FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
LITHIUM_ANGSTROM, IODIDE_ANGSTROM, OXIDE_ANGSTROM = 0.90, 2.06, 1.26
"""Shannon, Acta Cryst. A 32, 751 (1976), 10.1107/S0567739476001551: crystal radii, six-fold."""


def apart(centre, place):
    gap = np.asarray(centre) - place
    return np.abs(gap - np.round(gap)).max()


def boxes(heights, edge=4.0):
    """Iodide in square layers at these distances: a chain of boxes with ions at their corners."""
    steps = np.cumsum([0.0, *heights])
    frac = np.column_stack([np.zeros((len(heights), 2)), steps[:-1] / steps[-1]])
    count = len(heights)
    return ionic(np.diag([edge, edge, steps[-1]]), frac, [53] * count, [-1.0] * count)


def height_of(radius, edge=4.0):
    """Height of the box around which iodide leaves a sphere of this radius."""
    return 2.0 * math.sqrt((radius + IODIDE_ANGSTROM) ** 2 - 0.5 * edge**2)


def test_close_packing_has_an_octahedral_and_a_tetrahedral_hole():
    """a/2 and √3 a/4 from the centres of a face-centred cubic lattice; one of each by symmetry."""
    a = 6.0
    crystal = ionic(a * np.eye(3), FACES, [53] * 4, [-1.0] * 4)
    centres, radii = empty_spheres(crystal)
    expected = [a / 2 - IODIDE_ANGSTROM, math.sqrt(3.0) * a / 4 - IODIDE_ANGSTROM]
    assert radii == pytest.approx(expected, abs=1e-4)
    assert min(apart(centres[0], x) for x in FACES + 0.5) < 1e-3
    assert apart(centres[1] * 2.0, 0.5) < 1e-3


@pytest.mark.parametrize("a", [5.0, 7.4, 12.0])
@pytest.mark.parametrize("corner", [0.0, 0.37, 0.5])
def test_the_hole_of_a_primitive_cube_is_its_middle(a, corner):
    """Also where the nearest ion is farther away than bonds are long."""
    crystal = ionic(a * np.eye(3), [[corner] * 3], [8], [-2.0])
    centres, radii = empty_spheres(crystal)
    assert radii == pytest.approx([math.sqrt(3.0) * a / 2 - OXIDE_ANGSTROM], abs=1e-4)
    assert apart(centres[0], corner + 0.5) < 1e-3
    assert ((centres >= 0.0) & (centres <= 1.0)).all()


@pytest.mark.parametrize(("smaller", "count"), [(0.95, 2), (1.05, 1)])
def test_spheres_up_to_one_angstrom_smaller_than_the_largest_are_told(smaller, count):
    largest = 2.9
    sizes = [largest - smaller, largest]
    centres, radii = empty_spheres(boxes([height_of(size) for size in sizes]))
    assert radii == pytest.approx(sorted(sizes, reverse=True)[:count], abs=1e-4)
    low, high = (height_of(size) for size in sizes)
    assert apart(centres[0], [0.5, 0.5, (low + 0.5 * high) / (low + high)]) < 1e-3


@pytest.mark.parametrize(("height", "centres"), [(4.0, 1), (4.3, 2)])
def test_holes_that_symmetry_relates_are_told_once(height, centres):
    """Four equal boxes are one; two kinds of boxes are two, however often each comes."""
    found, _ = empty_spheres(boxes([4.0, height, 4.0, height]))
    assert len(found) == centres


def test_a_sphere_moves_to_where_the_smaller_ions_are():
    """Between layers of I⁻ and Li⁺ 6 Å apart it touches both, 0.99 Å off the middle.

    √(8 + z²) − 0.90 = √(8 + (6 − z)²) − 2.06 with the height z above lithium.
    """
    crystal = ionic(np.diag([4.0, 4.0, 12.0]), [[0, 0, 0], [0, 0, 0.5]], [3, 53], [1.0, -1.0])
    centres, radii = empty_spheres(crystal)
    height = centres[0][2] * 12.0
    height = min(height, 12.0 - height)
    to_lithium, to_iodide = (
        math.hypot(math.sqrt(8.0), height),
        math.hypot(math.sqrt(8.0), 6 - height),
    )
    assert to_lithium - LITHIUM_ANGSTROM == pytest.approx(radii[0], abs=1e-4)
    assert to_iodide - IODIDE_ANGSTROM == pytest.approx(radii[0], abs=1e-4)
    assert 2.1 < height < 2.4
    assert apart(centres[0][:2], 0.5) < 1e-3


@pytest.mark.parametrize("seed", range(2))
def test_the_largest_sphere_is_that_of_a_fine_search(seed):
    """The best of a grid of points, each in ever finer boxes; in a skewed cell of three ions."""
    rng = np.random.default_rng(seed)
    cell = np.array([[4.6, 0.3, -0.2], [-1.1, 5.3, 0.4], [0.7, 1.2, 6.2]])
    crystal = ionic(cell, rng.uniform(size=(3, 3)), [3, 8, 53], [1.0, -2.0, -1.0])
    own = crystal_radii(crystal)

    def room(points):
        return (shortest_distances(cell, points, crystal.frac) - own).min(axis=1)

    grid = np.array(list(np.ndindex(15, 15, 15))) / 15
    box = np.array(list(np.ndindex(7, 7, 7))) / 3 - 1.0
    best = -np.inf
    for start in grid[np.argsort(-room(grid))[:12]]:
        for zoom in range(15):
            around = start + box * 0.07 * 0.6**zoom
            start = around[room(around).argmax()]
        best = max(best, room(start[None])[0])
    centres, radii = empty_spheres(crystal)
    assert radii[0] == pytest.approx(best, abs=2e-3)
    assert room(centres) == pytest.approx(radii, abs=1e-4)
    assert (np.diff(radii) <= 1e-4).all()
