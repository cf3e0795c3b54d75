"""How far a host gives way around a guest: one ion on a spring, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.bvse.field import framework_of
from dualion.screening.bvse.potential import preset
from dualion.screening.guests.thresholds import _gains
from dualion.screening.hops.lattice_response import Springs
from dualion.screening.ions import MobileIon

IODIDE = MobileIon(53, -1.0)
DUALION = preset("dualion")


@pytest.mark.parametrize(("distance", "gives_way"), [(4.0, True), (4.9, True), (5.2, False)])
def test_ions_up_to_five_angstrom_give_way(distance, gives_way):
    """A stiff spring k gains F²/2k; what is farther away stays where it is."""
    host = ionic(30.0 * np.eye(3), [[distance / 30.0, 0, 0]], [3], [1])
    framework = framework_of(host, IODIDE, DUALION)
    stiffness = 1e3 * np.eye(3)[None]
    springs = Springs(stiffness=stiffness, compliance=np.linalg.inv(stiffness))
    force = distance * framework.pairs[0].radial_derivatives(distance, 1)[1]
    gains = _gains(framework, springs, np.zeros((2, 3)), np.array([0.1, 0.1 + 2e-7]))
    expected = -(force**2) / 2e3 if gives_way else 0.0
    assert force**2 > 1e-9
    assert gains == pytest.approx([expected] * 2, rel=1e-2, abs=1e-15)


def test_places_of_one_energy_gain_alike_and_others_on_their_own():
    """Three places, two of which symmetry relates: each energy is computed once."""
    host = ionic(30.0 * np.eye(3), [[0.1, 0, 0]], [3], [1])
    framework = framework_of(host, IODIDE, DUALION)
    stiffness = 1e3 * np.eye(3)[None]
    springs = Springs(stiffness=stiffness, compliance=np.linalg.inv(stiffness))
    frac = np.array([[0.0, 0, 0], [0.02, 0, 0], [0.2, 0, 0]])
    near, nearer, same = _gains(framework, springs, frac, np.array([0.1, 0.3, 0.1]))
    forces = [r * framework.pairs[0].radial_derivatives(r, 1)[1] for r in (3.0, 2.4)]
    assert near == same == pytest.approx(-(forces[0] ** 2) / 2e3, rel=2e-2)
    assert nearer == pytest.approx(-(forces[1] ** 2) / 2e3, rel=2e-2)
