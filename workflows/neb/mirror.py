"""A symmetry that swaps both ends of a hop: half of its images follow from the other half."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

from dualion.workflows.neb.cell import SAME_PLACE_ANGSTROM, HopCell, images_of_atoms

if TYPE_CHECKING:
    from ase import Atoms

SAME_END_ANGSTROM = 0.05
"""Ends that symmetry maps onto each other this closely are equal."""
SAME_WAY_ANGSTROM = 0.2
"""The same of the images of a start."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mirror:
    """An operation of order two that maps a band onto itself, turned round.

    Attributes:
        turn: shape (3, 3), Cartesian, for row vectors.
        shifts: shape (n, 3), Å, added to each atom after the turn.
        order: shape (n,), atom onto which each atom goes.
    """

    turn: Floats
    shifts: Floats
    order: Ints

    def places(self, positions: Floats) -> Floats:
        """Map positions, shape (n, 3), Å."""
        there = np.empty(positions.shape)
        there[self.order] = positions @ self.turn + self.shifts
        return there

    def forces(self, forces: Floats) -> Floats:
        """Map forces, shape (n, 3), eV/Å."""
        there = np.empty(forces.shape)
        there[self.order] = forces @ self.turn
        return there

    def complete(self, images: list[Atoms]) -> None:
        """Give the second half of a band the energies and forces of the first."""
        for one, other in self._pairs(images):
            other.calc = SinglePointCalculator(
                other,
                energy=one.get_potential_energy(),
                forces=self.forces(one.get_forces(apply_constraint=False)),
            )

    def symmetrise(self, images: list[Atoms]) -> None:
        """Lay the images between the ends so that the operation maps them onto each other."""
        for one, other in self._pairs(images):
            one.positions = 0.5 * (one.positions + self.places(other.positions))
            other.positions = self.places(one.positions)
        if len(images) % 2:
            middle = images[len(images) // 2]
            middle.positions = 0.5 * (middle.positions + self.places(middle.positions))

    def gap_angstrom(self, images: list[Atoms]) -> float:
        """Return how far the start is from one that the operation maps onto itself, Å."""
        last = len(images) - 1
        gaps = [
            np.abs(self.places(image.positions) - images[last - number].positions).max()
            for number, image in enumerate(images)
        ]
        return float(max(gaps))

    def _pairs(self, images: list[Atoms]) -> Iterator[tuple[Atoms, Atoms]]:
        for number in range(1, len(images) // 2):
            yield images[number], images[len(images) - 1 - number]


def mirror_of(cell: HopCell, images: list[Atoms], near: int, far: int, kept: Ints) -> Mirror | None:
    """Find an operation that swaps the ends of a hop and keeps its start.

    Args:
        cell: the supercell.
        images: the start, with both ends.
        near, far: sites of ``large_sites`` between which the ion hops.
        kept: shape (n,), atoms of the supercell that the images hold.

    Returns:
        The operation that fits the start best, or None.
    """
    basis, inverse = cell.large.cell, np.linalg.inv(cell.large.cell)
    best, least = None, SAME_WAY_ANGSTROM
    number_of = np.full(len(cell.large.numbers), -1)
    number_of[kept] = np.arange(len(kept))
    gone = int(cell.own[far])
    number_of[gone] = number_of[cell.own[near]]
    for operation in _swapping(cell, near, far):
        rotation, translation = cell.rotations[operation], cell.translations[operation]
        order = number_of[images_of_atoms(cell.large, rotation, translation)[kept]]
        if (order[order] != np.arange(len(kept))).any():
            continue
        turn, shift = inverse @ rotation.T @ basis, translation @ basis
        gaps = images[-1].positions[order] - (images[0].positions @ turn + shift)
        shifts = shift + np.round(gaps @ inverse) @ basis
        mirror = Mirror(turn=turn, shifts=shifts, order=order)
        gap = mirror.gap_angstrom([images[0], images[-1]])
        if gap <= SAME_END_ANGSTROM and mirror.gap_angstrom(images) < least:
            best, least = mirror, mirror.gap_angstrom(images)
    return best


def _swapping(cell: HopCell, near: int, far: int) -> list[int]:
    """Operations of the supercell that map each of two sites onto the other."""
    sites = cell.large_sites.frac[[near, far]]
    there = np.einsum("oij,sj->osi", cell.rotations, sites) + cell.translations[:, None]
    gaps = there - sites[::-1][None]
    gaps = (gaps - np.round(gaps)) @ cell.large.cell
    return np.flatnonzero((np.abs(gaps) <= SAME_PLACE_ANGSTROM).all(axis=(1, 2))).tolist()
