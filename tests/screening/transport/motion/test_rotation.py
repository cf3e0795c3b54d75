"""Rotation of bound ligands."""

from __future__ import annotations

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.motion.bonding import Polyanions
from dualion.screening.transport.motion.rotation import rotation
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import Trajectory


def rotor_trajectory(rng: np.random.Generator, frames: int = 1500) -> Trajectory:
    """Four rigid PS4 that tumble on fixed centres, with lithium that walks."""
    cell = 12.0 * np.eye(3)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0) * 2.05
    centres = np.array(
        [[0.25, 0.25, 0.25], [0.75, 0.75, 0.25], [0.75, 0.25, 0.75], [0.25, 0.75, 0.75]]
    )
    positions = np.zeros((frames, 4 + 16 + 6, 3))
    positions[:, :4] = centres @ cell + rng.normal(scale=0.03, size=(frames, 4, 3))
    for number in range(4):
        arms = corners.copy()
        for t in range(frames):
            turn = 0.12 * rng.normal(size=3)
            angle = np.linalg.norm(turn)
            unit = turn / angle
            cross = np.cross(np.broadcast_to(unit, arms.shape), arms)
            along = (arms @ unit)[:, None] * unit
            arms = arms * np.cos(angle) + cross * np.sin(angle) + along * (1.0 - np.cos(angle))
            start = 4 + 4 * number
            positions[t, start : start + 4] = positions[t, number] + arms
    positions[:, 20:] = 6.0 + gaussian_walk(rng, frames, 6, 0.2)
    return Trajectory(
        fractional=positions @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("P",) * 4 + ("S",) * 16 + ("Li",) * 6,
        frame_step_ps=STEP_PS,
        temperature_k=600.0,
    )


def test_a_rigid_rotor_rotates_and_does_not_diffuse() -> None:
    report = analyse(
        rotor_trajectory(np.random.default_rng(19)),
        AnalysisOptions(with_density=False, with_kinisi=False),
    )
    verdicts = {s.name: s.diffusion.verdict for s in report.species}
    assert verdicts == {"P": "vibrating", "S": "rotating", "Li": "diffusing"}
    rotation = report.rotation[0]
    assert (rotation.formula, rotation.verdict, rotation.broken_bonds) == ("PS4", "rotating", 0)
    assert rotation.ceiling_angstrom2 == pytest.approx(2.0 * 2.05**2, rel=0.01)
    assert rotation.relative_msd.max() < 1.4 * rotation.ceiling_angstrom2
    # Rotational diffusion: C₁ = exp(−2 D_r t), D_r = 0.12²/2 per frame.
    assert rotation.relaxation_ps == pytest.approx(STEP_PS / 0.12**2, rel=0.35)
    assert report.transport_without_rotors[0].species == ("Li",)


def test_bond_vectors_change_as_the_double_loop_over_origins_says() -> None:
    rng = np.random.default_rng(21)
    cell = np.array([[9.0, 0.0, 0.0], [2.0, 8.0, 0.0], [-1.0, 1.5, 10.0]])
    centre = np.array([4.0, 4.0, 5.0])
    bonds = rng.normal(size=(30, 3, 3))
    bonds *= rng.uniform(1.9, 2.1, size=(30, 3, 1)) / np.linalg.norm(bonds, axis=2, keepdims=True)
    # Later frames are close to the first, so that no bond leaves its nearest image.
    bonds = bonds[:1] + 0.1 * (bonds - bonds[:1])
    positions = np.concatenate([np.broadcast_to(centre, (30, 1, 3)), centre + bonds], axis=1)
    polyanion = Polyanions(
        centres=np.array([0, 0, 0]),
        ligands=np.array([1, 2, 3]),
        lengths_angstrom=np.full(3, 2.0),
        limit_angstrom=np.full(3, 3.3),
        formula="PS3",
    )
    found = rotation(positions @ np.linalg.inv(cell), cell, polyanion, STEP_PS)
    units = bonds / np.linalg.norm(bonds, axis=2, keepdims=True)
    for lag in range(15):
        late, early = slice(lag, None), slice(None, 30 - lag)
        moved = ((bonds[late] - bonds[early]) ** 2).sum(axis=2).mean()
        cosine = (units[late] * units[early]).sum(axis=2).mean()
        assert found.relative_msd[lag] == pytest.approx(moved, abs=1e-10)
        assert found.correlation[lag] == pytest.approx(cosine, abs=1e-10)


def test_one_bond_has_a_correlation_without_an_error() -> None:
    """A bond of 2 Å that turns by a quarter between frames: C₁ = 1, 0, −1, 0, …"""
    angle = 0.5 * np.pi * np.arange(12)
    ligand = 2.0 * np.stack([np.cos(angle), np.sin(angle), np.zeros(12)], axis=1)
    bond = Polyanions(
        centres=np.array([0]),
        ligands=np.array([1]),
        lengths_angstrom=np.array([2.0]),
        limit_angstrom=np.array([3.0]),
        formula="OH",
    )
    positions = np.stack([np.zeros((12, 3)), ligand], axis=1) / 10.0
    found = rotation(positions, 10.0 * np.eye(3), bond, STEP_PS)
    np.testing.assert_allclose(found.correlation, [1.0, 0.0, -1.0, 0.0, 1.0, 0.0], atol=1e-9)
    assert np.isinf(found.correlation_error).all()
    assert (found.verdict, found.relaxation_ps) == ("rotating", STEP_PS)


def turning_bonds(angle: float, lengths: np.ndarray | None = None) -> tuple[np.ndarray, Polyanions]:
    """Two bonds of 2 Å in a cell of 10 Å that swing by an angle every other frame."""
    frames = 20
    swing = angle * (np.arange(frames) % 2)
    lengths = np.full(frames, 2.0) if lengths is None else lengths
    first = lengths[:, None] * np.stack([np.cos(swing), np.sin(swing), 0.0 * swing], axis=1)
    second = np.tile([0.0, 0.0, 2.0], (frames, 1))
    bonds = Polyanions(
        centres=np.array([0, 0]),
        ligands=np.array([1, 2]),
        lengths_angstrom=np.array([2.0, 2.0]),
        limit_angstrom=np.array([3.0, 3.0]),
        formula="OH2",
    )
    return np.stack([np.zeros((frames, 3)), first, second], axis=1) / 10.0, bonds


@pytest.mark.parametrize(("degrees", "verdict"), [(51.0, "librating"), (56.0, "rotating")])
def test_a_turn_by_37_degrees_in_the_mean_is_a_rotation(degrees: float, verdict: str) -> None:
    """Of two bonds one swings: C₁ = (1 + cos φ)/2, which passes 0.8 at cos φ = 0.6, 53.1°."""
    positions, bonds = turning_bonds(np.radians(degrees))
    found = rotation(positions, 10.0 * np.eye(3), bonds, STEP_PS)
    cosine = np.cos(np.radians(degrees))
    assert found.correlation[1] == pytest.approx(0.5 * (1.0 + cosine))
    # Standard error of the mean of 1 and cos φ: half their difference.
    assert found.correlation_error[1] == pytest.approx(0.5 * (1.0 - cosine))
    assert (found.verdict, found.broken_bonds, found.exchanges) == (verdict, 0, 0)


@pytest.mark.parametrize(("frames", "broken"), [(4, 0), (5, 1)])
def test_a_bond_breaks_that_stays_long_for_half_a_ps(frames: int, broken: int) -> None:
    """Frames of 0.1 ps: five in a row are half a ps."""
    lengths = np.full(20, 2.0)
    lengths[8 : 8 + frames] = 3.1
    positions, bonds = turning_bonds(0.0, lengths)
    found = rotation(positions, 10.0 * np.eye(3), bonds, STEP_PS)
    assert found.broken_bonds == broken
    assert found.exchanges == 0
    assert found.verdict == ("breaking" if broken else "librating")


def test_one_frame_of_two_ps_breaks_a_bond() -> None:
    """Frames farther apart than half a ps: one of them is long enough."""
    lengths = np.full(20, 2.0)
    lengths[8] = 3.1
    positions, bonds = turning_bonds(0.0, lengths)
    assert rotation(positions, 10.0 * np.eye(3), bonds, 2.0).broken_bonds == 1
    assert rotation(positions, 10.0 * np.eye(3), bonds, 0.25).broken_bonds == 0


def test_ligands_that_change_their_centre_for_good_break_the_group() -> None:
    """Two centres 6 Å apart with a ligand each, which change places halfway, or for a while."""
    bonds = Polyanions(
        centres=np.array([0, 1]),
        ligands=np.array([2, 3]),
        lengths_angstrom=np.array([2.0, 2.0]),
        limit_angstrom=np.array([9.0, 9.0]),
        formula="OH",
    )
    home = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 2.0, 0.0], [6.0, 2.0, 0.0]])
    for away, exchanges in ((slice(10, None), 2), (slice(8, 12), 0)):
        positions = np.repeat(home[None], 20, axis=0)
        positions[away, 2:] = home[[3, 2]]
        found = rotation(positions / 20.0, 20.0 * np.eye(3), bonds, STEP_PS)
        assert (found.broken_bonds, found.exchanges) == (0, exchanges)
        assert (found.verdict == "breaking") is (exchanges > 0)
