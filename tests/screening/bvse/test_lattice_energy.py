"""The bond valence energy of a cell against a loop over all pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import ionic
from crystals import crooked_salt

from dualion.screening.bvse.lattice_energy import lattice_energy_ev
from dualion.screening.bvse.potential import PotentialOptions, pair_of, preset
from dualion.screening.ions import MobileIon


def slow_energy(crystal, options, reach):
    """Half the sum over every ion and every image of every other, eV."""
    images = np.array(list(np.ndindex(9, 9, 9))) - 4
    total = 0.0
    for one in range(len(crystal.numbers)):
        ion = MobileIon(int(crystal.numbers[one]), float(crystal.charges[one]))
        for other in range(len(crystal.numbers)):
            pair, _ = pair_of(
                ion, int(crystal.numbers[other]), float(crystal.charges[other]), options
            )
            if pair is None:
                continue
            gaps = (crystal.frac[other] + images - crystal.frac[one]) @ crystal.cell
            r = np.linalg.norm(gaps, axis=1)
            total += 0.5 * pair.energy_ev(r[(r < reach) & (r > 1e-3)]).sum()
    return total


@pytest.mark.parametrize("name", ["bvlain", "dualion"])
@pytest.mark.parametrize("reach", [4.0, 8.0])
def test_every_pair_counts_once(name, reach):
    crystal, options = crooked_salt(), preset(name)
    expected = slow_energy(crystal, options, reach)
    found = lattice_energy_ev(crystal, options, reach_angstrom=reach)
    assert found == pytest.approx(expected, rel=1e-9)
    if reach == 8.0:
        assert lattice_energy_ev(crystal, options) == pytest.approx(expected, rel=1e-9)


def test_the_usual_conventions_are_taken_where_none_are_given():
    crystal = crooked_salt()
    assert lattice_energy_ev(crystal) == lattice_energy_ev(crystal, PotentialOptions())
    assert lattice_energy_ev(crystal) != lattice_energy_ev(crystal, preset("full_depth"))


def test_neutral_atoms_have_no_part():
    crystal = crooked_salt()
    with_argon = ionic(
        crystal.cell, np.vstack([crystal.frac, [[0.25, 0.25, 0.25]]]), [*crystal.numbers, 18],
        [*crystal.charges, 0.0],
    )  # fmt: skip
    assert lattice_energy_ev(with_argon) == pytest.approx(lattice_energy_ev(crystal))


def test_below_three_tenths_of_an_angstrom_the_energy_stays():
    """Li⁺ and Cl⁻ at 0.1 and at 0.3 Å, alone in a wide cell."""

    def pair(length):
        return ionic(20.0 * np.eye(3), [[0, 0, 0], [length / 20.0, 0, 0]], [3, 17], [1, -1])

    touching, _ = pair_of(MobileIon(3, 1.0), 17, -1.0, PotentialOptions())
    limit = float(touching.energy_ev(np.array([0.3]))[0])
    assert lattice_energy_ev(pair(0.1)) == pytest.approx(limit)
    assert lattice_energy_ev(pair(0.31)) < limit


def test_a_repeated_cell_has_twice_the_energy():
    crystal = crooked_salt()
    double = replace(
        crystal,
        cell=crystal.cell * [[1], [2], [1]],
        frac=np.vstack([crystal.frac * [1, 0.5, 1], crystal.frac * [1, 0.5, 1] + [0, 0.5, 0]]),
        numbers=np.tile(crystal.numbers, 2),
        charges=np.tile(crystal.charges, 2),
        occupancies=np.tile(crystal.occupancies, 2),
    )
    assert lattice_energy_ev(double) == pytest.approx(2.0 * lattice_energy_ev(crystal))
