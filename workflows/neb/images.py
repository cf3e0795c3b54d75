"""The images of a hop before it is relaxed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from ase.mep.neb import idpp_interpolate
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ase import Atoms

CLOSEST_ANGSTROM = 1.0
"""Images with two atoms closer than this start from an image-dependent pair potential instead."""

Floats = NDArray[np.float64]


def start_images(
    first: Atoms, last: Atoms, mover: int, count: int, saddle_angstrom: Floats | None
) -> list[Atoms]:
    """Make the images of a hop.

    The atoms go straight from end to end, but for the moving ion, which takes a parabola through
    its bond valence saddle where that is known. Otherwise, or where an image has atoms too close,
    the image-dependent pair potential decides (Smidstrup et al., J. Chem. Phys. 140, 214106 (2014),
    10.1063/1.4878664).

    Args:
        first, last: the ends, atoms in the same order and not wrapped apart.
        mover: the moving ion's atom.
        count: number of images between the ends.
        saddle_angstrom: shape (3,), place of its saddle near the straight way, Å, or None.
    """
    images = [first.copy(), *(first.copy() for _ in range(count)), last.copy()]
    _lay_straight(images)
    if saddle_angstrom is not None:
        bent = [image.copy() for image in images]
        begin, end = first.positions[mover], last.positions[mover]
        off = _across(saddle_angstrom - 0.5 * (begin + end), end - begin)
        for number, image in enumerate(bent):
            share = number / (count + 1)
            image.positions[mover] += 4.0 * share * (1.0 - share) * off
        if all(_closest(image, mover) > CLOSEST_ANGSTROM for image in bent):
            return bent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Nearest images count for distances alone: the way may be longer than half the cell.
        idpp_interpolate(images, traj=None, log=None, mic=True)
    return images


def resampled(images: Sequence[Atoms], count: int) -> list[Atoms]:
    """Lay images evenly along a path that is known.

    Args:
        images: the path, atoms in the same order and not wrapped apart; the ends keep their
            results.
        count: number of images between the ends.
    """
    places = np.stack([image.positions for image in images])
    pieces = np.linalg.norm((places[1:] - places[:-1]).reshape(len(images) - 1, -1), axis=1)
    along = np.concatenate([[0.0], np.cumsum(pieces)])
    between = []
    for distance in np.linspace(0.0, along[-1], count + 2)[1:-1]:
        piece = min(int(np.searchsorted(along, distance, side="right")), len(pieces)) - 1
        share = (distance - along[piece]) / max(pieces[piece], 1e-12)
        image = images[0].copy()
        image.positions = (1.0 - share) * places[piece] + share * places[piece + 1]
        between.append(image)
    return [images[0], *between, images[-1]]


def _lay_straight(images: list[Atoms]) -> None:
    begin, end = images[0].positions, images[-1].positions
    for number, image in enumerate(images):
        share = number / (len(images) - 1)
        image.positions = (1.0 - share) * begin + share * end


def _across(vector: Floats, along: Floats) -> Floats:
    """Part of a vector across a direction."""
    unit = along / np.linalg.norm(along)
    return np.asarray(vector - (vector @ unit) * unit)


def _closest(image: Atoms, mover: int) -> float:
    """Distance of the moving ion from its nearest neighbour, Å."""
    others = [index for index in range(len(image)) if index != mover]
    return float(image.get_distances(mover, others, mic=True).min())
