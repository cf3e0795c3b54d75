"""Slow, obvious implementations that the kernels are compared with."""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np

from dualion.screening.bvse.potential import PotentialOptions, pair_of
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal


def field(
    crystal: IonicCrystal, ion: MobileIon, shape: tuple[int, int, int], options: PotentialOptions
) -> np.ndarray:
    """Energy at every grid point by a loop over points and all images within the cutoff, eV."""
    cutoff = options.cutoff_angstrom
    planes = np.linalg.norm(np.linalg.inv(crystal.cell), axis=0)  # 1 / spacing of lattice planes
    reach = [int(np.ceil(cutoff * p)) + 1 for p in planes]
    images = np.array(list(itertools.product(*(range(-n, n + 1) for n in reach))))
    energies = np.zeros(shape)
    outside = [i for i, number in enumerate(crystal.numbers) if number != ion.number]
    for index in np.ndindex(shape):
        point = np.array(index) / shape
        for i in outside:
            pair, _ = pair_of(ion, int(crystal.numbers[i]), float(crystal.charges[i]), options)
            if pair is None:
                continue
            vectors = (crystal.frac[i] + images - point) @ crystal.cell
            r = np.linalg.norm(vectors, axis=1)
            r = np.maximum(r[r < cutoff], 0.3)
            energies[index] += crystal.occupancies[i] * pair.energy_ev(r).sum()
    return energies


def winding_rank(inside: np.ndarray) -> int:
    """Largest number of independent windings of a 26-connected region of a periodic grid.

    Breadth-first search that unrolls the crystal: whenever a point is met again in another
    cell, the difference of the cells is a winding vector.
    """
    shape = inside.shape
    steps = [s for s in itertools.product((-1, 0, 1), repeat=3) if any(s)]
    cell_of: dict[tuple[int, ...], np.ndarray] = {}
    best = 0
    for start in zip(*np.nonzero(inside), strict=True):
        start = tuple(int(i) for i in start)
        if start in cell_of:
            continue
        cell_of[start] = np.zeros(3, int)
        windings: set[tuple[int, ...]] = set()
        queue = deque([start])
        while queue:
            point = queue.popleft()
            for step in steps:
                moved = np.add(point, step)
                wrapped = tuple(int(i) for i in moved % shape)
                if not inside[wrapped]:
                    continue
                cell = cell_of[point] + moved // shape
                if wrapped not in cell_of:
                    cell_of[wrapped] = cell
                    queue.append(wrapped)
                elif (cell != cell_of[wrapped]).any():
                    windings.add(tuple(int(i) for i in cell - cell_of[wrapped]))
        if windings:
            best = max(best, int(np.linalg.matrix_rank(np.array(list(windings)))))
    return best


def barriers(energies: np.ndarray) -> list[float]:
    """E_1D, E_2D, E_3D by trying every energy of the grid, bisecting over the sorted list."""
    levels = np.unique(energies)
    found = []
    for dimension in (1, 2, 3):
        low, high = 0, len(levels)
        while low < high:
            middle = (low + high) // 2
            if winding_rank(energies <= levels[middle]) >= dimension:
                high = middle
            else:
                low = middle + 1
        found.append(levels[low] - energies.min() if low < len(levels) else np.inf)
    return found


def images_in_cover(inside: np.ndarray) -> int:
    """Most images of one point within one region of the periodic 3×3×3 cover: 3 to the rank.

    (For winding lattices without a factor 3, that is, for anything but contrived regions.)
    """
    shape = np.array(inside.shape)
    cover = np.tile(inside, (3, 3, 3))
    labels = -np.ones(cover.shape, int)
    steps = [s for s in itertools.product((-1, 0, 1), repeat=3) if any(s)]
    count = 0
    for start in zip(*np.nonzero(cover), strict=True):
        if labels[start] >= 0:
            continue
        labels[start] = count
        queue = deque([start])
        while queue:
            point = queue.popleft()
            for step in steps:
                other = tuple(np.add(point, step) % cover.shape)
                if cover[other] and labels[other] < 0:
                    labels[other] = count
                    queue.append(other)
        count += 1
    most = 0
    for point in zip(*np.nonzero(inside), strict=True):
        names = [
            labels[tuple(np.array(point) + np.array(image) * shape)]
            for image in np.ndindex(3, 3, 3)
        ]
        most = max(most, max(names.count(name) for name in set(names)))
    return most
