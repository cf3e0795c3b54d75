"""Slow, obvious implementations of what the hop kernels do."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize

from dualion.screening.bvse.potential import PotentialOptions, pair_of
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal

SHORTEST = 0.3


def images_around(crystal: IonicCrystal, point, reach):
    """Every ion within reach of a Cartesian point: entry and Cartesian place, images included."""
    planes = np.linalg.norm(np.linalg.inv(crystal.cell), axis=0)
    margin = [int(np.ceil(reach * p)) + 2 for p in planes]
    cells = np.array(list(itertools.product(*(range(-n, n + 1) for n in margin))))
    found = []
    for entry, frac in enumerate(crystal.frac):
        places = (frac + cells) @ crystal.cell
        near = np.linalg.norm(places - point, axis=1) < reach
        found += [(entry, place) for place in places[near]]
    return found


class Hop:
    """Energies of one ion between two empty sites, all other ions in place."""

    def __init__(
        self, crystal: IonicCrystal, ion: MobileIon, ends, options: PotentialOptions, empty=0.1
    ):
        self.ends = [np.asarray(end, float) for end in ends]
        middle = sum(self.ends) / len(self.ends)
        reach = options.cutoff_angstrom + 5.0
        self.ions = [
            (entry, place)
            for entry, place in images_around(crystal, middle, reach)
            if min(np.linalg.norm(place - end) for end in self.ends) > empty
        ]
        self.places = np.array([place for _, place in self.ions])
        self.weights = np.array([crystal.occupancies[entry] for entry, _ in self.ions])
        self.cutoff = options.cutoff_angstrom
        kinds = {entry: pair_of(
            ion, int(crystal.numbers[entry]), float(crystal.charges[entry]), options
        )[0] for entry, _ in self.ions}  # fmt: skip
        pairs = [kinds[entry] for entry, _ in self.ions]
        self.groups = [(pair, np.array([p == pair for p in pairs])) for pair in set(pairs) - {None}]

    def energy(self, point) -> float:
        """Sum over all pairs within the cutoff, eV."""
        return float(self.energies(np.asarray(point)[None])[0])

    def energies(self, points) -> np.ndarray:
        """The same at many points (m, 3)."""
        r = np.linalg.norm(self.places[None] - points[:, None], axis=2)
        total = np.zeros(len(points))
        for pair, mine in self.groups:
            values = pair.energy_ev(np.maximum(r[:, mine], SHORTEST))
            total += (values * (r[:, mine] < self.cutoff)) @ self.weights[mine]
        return total

    def minimum(self, start) -> float:
        """Energy of the local minimum near a point, eV."""
        found = minimize(self.energy, start, method="Nelder-Mead", options={
            "xatol": 1e-5, "fatol": 1e-9, "maxiter": 4000,
            "initial_simplex": np.vstack([start, start + 0.05 * np.eye(3)]),
        })  # fmt: skip
        return float(found.fun)

    def lowest_across(self) -> float:
        """Lowest energy on the plane half-way between the ends, near its middle, eV."""
        along = self.ends[1] - self.ends[0]
        across = np.linalg.svd(along[None])[2][1:]
        middle = (self.ends[0] + self.ends[1]) / 2
        steps = np.arange(-1.2, 1.21, 0.1)
        grid = np.array([middle + u * across[0] + v * across[1] for u in steps for v in steps])
        start = grid[self.energies(grid).argmin()]
        found = minimize(lambda x: self.energy(start + x @ across), np.zeros(2), method="BFGS")
        return float(found.fun)

    def minimax(self, spacing, margin) -> float:
        """Lowest level at which both ends lie in one region of a box around the hop, eV."""
        low = np.minimum(*self.ends) - margin
        shape = np.ceil((np.maximum(*self.ends) + margin - low) / spacing).astype(int) + 1
        points = low + spacing * np.array(list(np.ndindex(*shape)))
        pieces = np.array_split(points, max(1, len(points) // 500))
        values = np.concatenate([self.energies(piece) for piece in pieces]).reshape(shape)
        ends = [tuple(np.round((end - low) / spacing).astype(int)) for end in self.ends]
        levels = np.unique(values)
        first, last = 0, len(levels) - 1
        while first < last:
            middle = (first + last) // 2
            labels, _ = ndimage.label(values <= levels[middle], np.ones((3, 3, 3)))
            joined = labels[ends[0]] > 0 and labels[ends[0]] == labels[ends[1]]
            first, last = (first, middle) if joined else (middle + 1, last)
        return float(levels[first])
