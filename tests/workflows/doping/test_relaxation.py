"""Relaxing: the known lattice constant of EMT copper, guards, limits, stopping."""

from __future__ import annotations

import numpy as np
import pytest
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, StructureError
from dualion.workflows.doping.relaxation import RelaxOptions, StopRequested, relax

COPPER_ANGSTROM = 3.589
"""Lattice constant of EMT's copper, where dE/dV vanishes (see the scan below)."""


def copper(edge=3.9, shift=0.08) -> IonicCrystal:
    """Four atoms of face-centred copper, one of them displaced."""
    frac = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    frac[0] += shift
    return IonicCrystal(
        cell=np.eye(3) * edge,
        frac=frac,
        numbers=np.full(4, 29),
        charges=np.zeros(4),
        occupancies=np.ones(4),
    )


class Given(Calculator):
    """Energy and forces as told."""

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, energy=0.0, force=0.0, stress=0.0) -> None:
        super().__init__()
        self.given = (energy, force, stress)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        energy, force, stress = self.given
        self.results = {
            "energy": energy,
            "forces": np.full((len(self.atoms), 3), force),
            "stress": np.full(6, stress) * [1, 1, 1, 0, 0, 0],
        }


def energy_of(edge):
    from dualion.structures.conversion import to_atoms

    atoms = to_atoms(copper(edge, shift=0.0))
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_cell_and_atoms_find_the_minimum():
    done = relax(copper(), EMT(), RelaxOptions(force_ev_angstrom=0.005))
    assert done.converged
    assert done.largest_force_ev_angstrom <= 0.005
    assert done.energy_ev < done.start_ev
    edges = np.linspace(3.56, 3.62, 25)
    lowest = edges[int(np.argmin([energy_of(edge) for edge in edges]))]
    assert lowest == pytest.approx(COPPER_ANGSTROM, abs=0.003)
    assert done.crystal.volume_cubic_angstrom ** (1 / 3) == pytest.approx(lowest, abs=0.01)
    assert done.energy_ev == pytest.approx(energy_of(lowest), abs=1e-3)


def test_a_fixed_cell_stays():
    done = relax(copper(), EMT(), RelaxOptions(cell=False, force_ev_angstrom=0.02))
    assert done.converged
    assert done.crystal.cell == pytest.approx(copper().cell)


def test_the_step_limit_ends_it_unfinished():
    told = []
    done = relax(
        copper(),
        EMT(),
        RelaxOptions(most_steps=3, force_ev_angstrom=1e-4),
        on_step=lambda step, energy, force: told.append((step, energy, force)),
    )
    assert not done.converged
    assert done.steps == 3 == len(told)
    assert told[-1] == (3, done.energy_ev, done.largest_force_ev_angstrom)


def test_stopping_between_steps():
    with pytest.raises(StopRequested):
        relax(copper(), EMT(), stop=lambda: True)


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (Given(energy=np.nan), "energy_not_finite"),
        (Given(force=np.inf), "energy_not_finite"),
        (Given(stress=-5.0), "cell_ran_away"),
    ],
)
def test_guards_name_the_reason(engine, reason):
    with pytest.raises(StructureError) as caught:
        relax(copper(), engine)
    assert caught.value.reason == reason


def test_atoms_on_top_of_each_other_are_a_reason():
    crystal = copper(shift=0.45)
    crystal.frac[0] = crystal.frac[1] + 0.05
    with pytest.raises(StructureError) as caught:
        relax(crystal, Given())
    assert caught.value.reason == "atoms_too_close"


def test_an_engine_that_raises_is_a_reason():
    unknown = copper()
    unknown.numbers[:] = 3  # EMT knows no lithium
    with pytest.raises(StructureError) as caught:
        relax(unknown, EMT())
    assert caught.value.reason == "engine_failed"
    assert "No EMT-potential" in str(caught.value)


@pytest.mark.parametrize("options", [{"force_ev_angstrom": 0.0}, {"most_steps": 0}])
def test_limits_are_checked(options):
    with pytest.raises(InputError, match="limit"):
        RelaxOptions(**options)
