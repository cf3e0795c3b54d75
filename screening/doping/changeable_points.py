"""Points of a host where something may change, and how its symmetry permutes them.

The points are the ions of the host and its insertion sites. An operation of the host takes each
point to another one, and so a choice of points to an equivalent choice.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dualion.structures.crystal import IonicCrystal
from dualion.structures.symmetry import crystal_operations

Floats = NDArray[np.float64]


Ints = NDArray[np.int64]


Choice = tuple[tuple[int, ...], ...]
"""For every kind of change the points it happens at, in ascending order."""

SAME_POINT_ANGSTROM = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """A host with its insertion sites and the symmetry of both.

    Attributes:
        host: ordered crystal.
        frac: shape (n + m, 3): the host's ions, then the insertion sites.
        permutations: shape (operations, n + m): where each operation takes each point.
    """

    host: IonicCrystal
    frac: Floats
    permutations: Ints


def changeable_points(host: IonicCrystal, sites: Sequence[Floats]) -> Points:
    """Collect the points of a host.

    Args:
        host: ordered crystal.
        sites: for each kind of insertion site the fractional coordinates, shape (m, 3); each kind
            is closed under the host's symmetry. Sites of different kinds may coincide.
    """
    groups = [host.frac, *sites]
    rotations, translations = crystal_operations(host)
    permutations = [np.zeros((len(rotations), 0), dtype=np.int64)]
    exact = np.ones(len(rotations), dtype=bool)
    begin = 0
    for frac in groups:
        images, fits = _permutations(host.cell, frac, rotations, translations)
        permutations.append(images + begin)
        exact &= fits
        begin += len(frac)
    return Points(
        host=host,
        frac=np.vstack(groups),
        permutations=np.concatenate(permutations, axis=1)[exact],
    )


def _permutations(
    cell: Floats, frac: Floats, rotations: Floats, translations: Floats
) -> tuple[Ints, NDArray[np.bool_]]:
    """Where each operation takes each point, and which of them map the points onto themselves."""
    if not len(frac):
        return np.zeros((len(rotations), 0), dtype=np.int64), np.ones(len(rotations), dtype=bool)
    tree = cKDTree(_wrap(frac), boxsize=1.0)
    images = np.einsum("oij,nj->oni", rotations, frac) + translations[:, None]
    _, nearest = tree.query(_wrap(images))
    gaps = images - frac[nearest]
    gaps -= np.round(gaps)
    close = np.linalg.norm(gaps @ cell, axis=2).max(axis=1) < SAME_POINT_ANGSTROM
    onto = (np.sort(nearest, axis=1) == np.arange(len(frac))).all(axis=1)
    return nearest.astype(np.int64), close & onto


def _wrap(frac: Floats) -> Floats:
    inside = frac - np.floor(frac)
    inside[inside >= 1.0] = 0.0
    return np.asarray(inside)


def symmetric_choices(points: Points, choice: Choice) -> list[Choice]:
    """Return all configurations that the host's symmetry relates to one, in ascending order.

    Args:
        points: the points and their permutations.
        choice: for every kind of change the points it happens at.
    """
    parts = [np.sort(points.permutations[:, list(part)], axis=1) for part in choice]
    rows = np.unique(np.concatenate(parts, axis=1), axis=0)
    ends = np.cumsum([0, *(len(part) for part in choice)]).tolist()
    return [
        tuple(tuple(row[begin:end]) for begin, end in itertools.pairwise(ends))
        for row in rows.tolist()
    ]
