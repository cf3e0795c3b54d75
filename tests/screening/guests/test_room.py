"""The room of a guest at known places, by crystal radii."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.guests.room import room_at
from dualion.screening.ions import MobileIon

FLUORIDE, IODIDE = MobileIon(9, -1.0), MobileIon(53, -1.0)
LITHIUM_ANGSTROM, CHLORIDE_ANGSTROM = 0.90, 1.67
FLUORIDE_ANGSTROM, IODIDE_ANGSTROM = 1.19, 2.06
"""Shannon, Acta Cryst. A 32, 751 (1976), 10.1107/S0567739476001551: crystal radii, six-fold."""


@pytest.mark.parametrize(
    ("guest", "radius"), [(FLUORIDE, FLUORIDE_ANGSTROM), (IODIDE, IODIDE_ANGSTROM)]
)
def test_the_tetrahedral_gap_of_rock_salt(rock_salt, guest, radius):
    """√3 a/4 from four of each; the larger chloride is the tightest."""
    distance = math.sqrt(3.0) * 5.13 / 4.0
    room = room_at(rock_salt, guest, np.full(3, 0.25))
    assert room.radius_angstrom == pytest.approx(distance - CHLORIDE_ANGSTROM)
    assert room.share == pytest.approx(distance / (CHLORIDE_ANGSTROM + radius))
    assert room.nearest_element == "Cl"
    assert room.nearest_angstrom == pytest.approx(distance)


def test_the_tightest_ion_need_not_be_the_nearest():
    """Lithium at 2.0 Å leaves 2.0/(0.90 + 2.06) = 0.68, chloride at 2.3 Å 2.3/3.73 = 0.62."""
    host = ionic(20.0 * np.eye(3), [[0.1, 0, 0], [0, 2.3 / 20, 0]], [3, 17], [1, -1])
    room = room_at(host, IODIDE, np.zeros(3))
    assert room.share == pytest.approx(2.3 / (CHLORIDE_ANGSTROM + IODIDE_ANGSTROM))
    assert (room.nearest_element, room.nearest_angstrom) == ("Cl", pytest.approx(2.3))
    assert room.radius_angstrom == pytest.approx(2.3 - CHLORIDE_ANGSTROM)


@pytest.mark.parametrize(("distance", "seen"), [(5.9, True), (6.3, False)])
def test_ions_are_looked_for_up_to_six_angstrom(distance, seen):
    host = ionic(30.0 * np.eye(3), [[distance / 30.0, 0, 0]], [17], [-1])
    room = room_at(host, IODIDE, np.zeros(3))
    assert math.isfinite(room.share) is seen
    assert room.radius_angstrom == pytest.approx(distance - CHLORIDE_ANGSTROM if seen else 6.0)
    assert room.nearest_element == ("Cl" if seen else "")
