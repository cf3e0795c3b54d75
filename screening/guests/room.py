"""The room that a guest has at a place, by the crystal radii of the ions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import vectors_within
from dualion.screening.percolation.voids import crystal_radii, crystal_radius_angstrom
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol

REACH_ANGSTROM = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Room of a guest at a place.

    Radii are Shannon's crystal radii (Acta Cryst. A 32, 751 (1976), 10.1107/S0567739476001551).

    Attributes:
        radius_angstrom: radius of the empty sphere around the place, Å; negative inside an ion.
        share: distance to the nearest ion as a share of the sum of its and the guest's radius,
            the smallest over the ions; 1 where the guest just fits.
        nearest_element: the ion that gives the share.
        nearest_angstrom: distance to it, Å.
    """

    radius_angstrom: float
    share: float
    nearest_element: str
    nearest_angstrom: float


def room_at(host: IonicCrystal, guest: MobileIon, frac: NDArray[np.float64]) -> Room:
    """Measure the room of a guest; every entry of the host counts, however small its occupancy.

    Args:
        host: the crystal.
        guest: the guest.
        frac: shape (3,), fractional coordinates of the place.
    """
    which, vectors = vectors_within(host.cell, host.frac, frac, REACH_ANGSTROM)
    if not len(which):
        return Room(
            radius_angstrom=REACH_ANGSTROM,
            share=np.inf,
            nearest_element="",
            nearest_angstrom=np.inf,
        )
    distances = np.linalg.norm(vectors, axis=1)
    radii = crystal_radii(host)[which]
    shares = distances / (radii + crystal_radius_angstrom(guest.number, guest.charge))
    tightest = int(shares.argmin())
    return Room(
        radius_angstrom=float((distances - radii).min()),
        share=float(shares[tightest]),
        nearest_element=symbol(int(host.numbers[which[tightest]])),
        nearest_angstrom=float(distances[tightest]),
    )
