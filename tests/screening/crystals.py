"""Crystals that several tests of the physics share."""

from __future__ import annotations

import numpy as np
from conftest import ionic

from dualion.structures.crystal import IonicCrystal
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare

FACES = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


def reference_crystal(name: str) -> IonicCrystal:
    path = next(path for path in reference_paths() if path.stem == name)
    record = next(iter(read_structures([path])))
    return prepare(record.structure)


def caesium_chloride(a=4.12):
    return ionic(np.diag([a] * 3), [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17], [1, -1])


def fluorite(a=5.463, occupancy=1.0):
    quarters = [[x, y, z] for x in (0.25, 0.75) for y in (0.25, 0.75) for z in (0.25, 0.75)]
    return ionic(
        np.diag([a] * 3), FACES + quarters, [20] * 4 + [9] * 8, [2] * 4 + [-1] * 8,
        [1.0] * 4 + [occupancy] * 8,
    )  # fmt: skip


def crooked_salt() -> IonicCrystal:
    """LiCl in a sheared cell with every ion off its place, and one Cl there by nine tenths."""
    faces = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    frac = np.vstack([faces, faces + 0.5])
    frac += np.random.default_rng(1).uniform(-0.025, 0.025, frac.shape)
    cell = [[5.1, 0.2, -0.1], [-0.3, 5.3, 0.2], [0.2, 0.4, 4.9]]
    return ionic(cell, frac, [3] * 4 + [17] * 4, [1] * 4 + [-1] * 4, [1.0] * 7 + [0.9])
