"""Each guard trips at what it is for, and not at what a solid does."""

import dataclasses

import ase.build
import numpy as np
import pytest

from dualion.workflows.md.engines import GuardTrippedError
from dualion.workflows.md.run.guards import Guard
from dualion.workflows.md.run.trajectory_file import MdFrame


@pytest.fixture
def atoms():
    return ase.build.bulk("NaCl", "rocksalt", a=5.64, cubic=True)


@pytest.fixture
def guard(atoms):
    return Guard(
        temperature_k=600.0,
        numbers=atoms.get_atomic_numbers(),
        volume_angstrom3=float(atoms.get_volume()),
    )


@pytest.fixture
def frame(atoms):
    return MdFrame(
        step=100,
        time_ps=0.2,
        positions=atoms.get_positions(),
        cell=np.array(atoms.cell),
        energy_ev=-27.0,
        temperature_k=640.0,
    )


def test_a_sane_frame_passes(guard, frame):
    guard.check(frame)
    shaken = frame.positions + np.random.default_rng(1).normal(0.0, 0.25, frame.positions.shape)
    guard.check(dataclasses.replace(frame, positions=shaken, energy_ev=-26.0))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"energy_ev": float("nan")}, "not_finite"),
        ({"positions": np.full((8, 3), np.inf)}, "not_finite"),
        ({"temperature_k": 4000.0}, "too_hot"),
        ({"energy_ev": -27.0 + 9.0}, "energy_blow_up"),
        ({"energy_ev": -27.0 - 9.0}, "energy_blow_up"),
        ({"cell": np.eye(3) * 6.3}, "volume_runaway"),
        ({"cell": np.eye(3) * 4.9}, "volume_runaway"),
    ],
)
def test_each_guard_has_its_reason(guard, frame, changes, reason):
    guard.check(frame)
    with pytest.raises(GuardTrippedError) as caught:
        guard.check(dataclasses.replace(frame, **changes))
    assert caught.value.reason == reason
    assert "0.2 ps" in str(caught.value)


def test_two_atoms_too_close_are_named_also_across_the_cell_s_face(guard, frame):
    positions = frame.positions.copy()
    positions[1] = positions[0] + np.array([5.64 - 1.0, 0.0, 0.0])
    with pytest.raises(GuardTrippedError, match=r"Na and Cl are 1\.00 Å apart") as caught:
        guard.check(dataclasses.replace(frame, positions=positions))
    assert caught.value.reason == "atoms_too_close"


def test_a_small_cell_may_fluctuate_more(frame):
    """Two atoms have three momenta to spare: √(2/3N) = 0.58 is the plain spread."""
    small = Guard(temperature_k=600.0, numbers=np.array([11, 17]), volume_angstrom3=179.4)
    two = dataclasses.replace(frame, positions=frame.positions[:2], temperature_k=2000.0)
    small.check(two)
