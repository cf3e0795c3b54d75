"""Rotation of bound ligands."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.motion.bonding import Polyanions
from dualion.screening.transport.motion.rotation import polyanion_of_bond, rotation
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
    assert np.isinf(found.correlation_error[1])  # one polyanion has no scatter
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
        limit_angstrom=np.array([5.0, 5.0]),
        formula="OH",
    )
    home = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 2.0, 0.0], [6.0, 2.0, 0.0]])
    for away, exchanges in ((slice(10, None), 2), (slice(8, 12), 0)):
        positions = np.repeat(home[None], 20, axis=0)
        positions[away, 2:] = home[[3, 2]]
        found = rotation(positions / 20.0, 20.0 * np.eye(3), bonds, STEP_PS)
        assert found.exchanges == exchanges
        assert (found.verdict == "breaking") is (exchanges > 0)


def crystal(name: str) -> Structure:
    """CeO2 (fluorite), SrTiO3 (cubic perovskite) and Al2O3 (corundum) as measured."""
    if name == "CeO2":
        cell = Lattice.cubic(5.411)
        return Structure.from_spacegroup("Fm-3m", cell, ["Ce", "O"], [[0, 0, 0], [0.25] * 3])
    if name == "SrTiO3":
        places = [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0.0]]
        return Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.905), ["Sr", "Ti", "O"], places)
    cell = Lattice.hexagonal(4.759, 12.991)
    places = [[0, 0, 0.3522], [0.3063, 0, 0.25]]
    return Structure.from_spacegroup("R-3c", cell, ["Al", "O"], places)


def oxide_network(structure: Structure) -> Polyanions:
    """Each cation with the oxygens around it, as if it were the centre of a polyanion."""
    metal = "Ti" if "Ti" in structure.symbol_set else structure[0].specie.symbol
    centres, ligands, _, lengths = structure.get_neighbor_list(2.5)
    kept = [
        structure[i].specie.symbol == metal and structure[j].specie.symbol == "O"
        for i, j in zip(centres, ligands, strict=True)
    ]
    return Polyanions(
        centres=centres[kept],
        ligands=ligands[kept],
        lengths_angstrom=lengths[kept],
        limit_angstrom=1.5 * lengths[kept],
        formula=f"{metal}O",
    )


@pytest.mark.parametrize("name", ["CeO2", "SrTiO3", "Al2O3"])
def test_oxides_that_only_vibrate_exchange_nothing(name: str) -> None:
    """In a network, which of several centres is nearest is a matter of vibration."""
    structure = crystal(name)
    structure.make_supercell([2, 2, 2] if len(structure) < 15 else [1, 1, 1])
    rng = np.random.default_rng(22)
    # Independent kicks that are forgotten after ten frames, 0.15 Å along each axis.
    keep = np.exp(-0.1)
    moved = [0.15 * rng.normal(size=(len(structure), 3))]
    for _ in range(399):
        kick = 0.15 * np.sqrt(1.0 - keep**2) * rng.normal(size=moved[0].shape)
        moved.append(keep * moved[-1] + kick)
    cell = structure.lattice.matrix
    fractional = structure.frac_coords + np.array(moved) @ np.linalg.inv(cell)
    bonds = oxide_network(structure)
    found = rotation(fractional, cell, bonds, STEP_PS)
    assert (found.broken_bonds, found.exchanges, found.verdict) == (0, 0, "librating")


def test_a_ligand_that_moves_to_another_centre_is_exchanged() -> None:
    cell = 12.0 * np.eye(3)
    frames = 60
    way = np.clip((np.arange(frames) - 20) / 20.0, 0.0, 1.0)[:, None]
    ligand = np.array([2.0, 0.0, 0.0]) + way * np.array([2.0, 0.0, 0.0])
    centres = np.broadcast_to([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0]], (frames, 2, 3))
    other = np.broadcast_to([[8.0, 0.0, 0.0]], (frames, 1, 3))
    positions = np.concatenate([centres, ligand[:, None], other], axis=1)
    bonds = Polyanions(
        centres=np.array([0, 1]),
        ligands=np.array([2, 3]),
        lengths_angstrom=np.full(2, 2.0),
        limit_angstrom=np.full(2, 3.0),
        formula="PS",
    )
    found = rotation(positions @ np.linalg.inv(cell), cell, bonds, STEP_PS)
    assert (found.exchanges, found.broken_bonds, found.verdict) == (1, 1, "breaking")


def tumbling(rng: np.random.Generator, count: int, frames: int) -> tuple[np.ndarray, Polyanions]:
    """Rigid tetrahedra that turn about fixed centres; fractional positions and bonds."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0) * 2.0
    arms = np.broadcast_to(corners, (count, 4, 3)).copy()
    centres = 10.0 * np.arange(count)[:, None] * np.array([1.0, 0.0, 0.0]) + 5.0
    places = []
    for _ in range(frames):
        places.append(np.concatenate([centres, (centres[:, None] + arms).reshape(-1, 3)]))
        turn = 0.15 * rng.normal(size=(count, 1, 3))
        angle = np.linalg.norm(turn, axis=2, keepdims=True)
        unit = np.broadcast_to(turn / angle, arms.shape)
        along = (arms * unit).sum(axis=2, keepdims=True) * unit
        arms = arms * np.cos(angle) + np.cross(unit, arms) * np.sin(angle)
        arms = arms + along * (1.0 - np.cos(angle))
    cell = np.diag([10.0 * count, 10.0, 10.0])
    owners = np.repeat(np.arange(count), 4)
    bonds = Polyanions(
        centres=owners,
        ligands=count + np.arange(4 * count),
        lengths_angstrom=np.full(4 * count, 2.0),
        limit_angstrom=np.full(4 * count, 3.0),
        formula="PS4",
    )
    return np.array(places) @ np.linalg.inv(cell), bonds


def test_the_error_of_the_correlation_is_its_scatter_over_runs() -> None:
    """Four bonds of a rigid tetrahedron turn together: taken as independent they are too sure."""
    rng = np.random.default_rng(23)
    values, errors = [], []
    for _ in range(60):
        fractional, bonds = tumbling(rng, 10, 80)
        cell = np.diag([100.0, 10.0, 10.0])
        found = rotation(fractional, cell, bonds, STEP_PS)
        values.append(found.correlation[20])
        errors.append(found.correlation_error[20])
    assert np.std(values) / np.mean(errors) == pytest.approx(1.0, abs=0.25)


def test_centres_that_share_a_ligand_are_one_polyanion() -> None:
    bonds = Polyanions(  # a P2S3-like chain, and a PS beside it
        centres=np.array([0, 0, 1, 1, 5]),
        ligands=np.array([2, 3, 3, 4, 6]),
        lengths_angstrom=np.full(5, 2.0),
        limit_angstrom=np.full(5, 3.0),
        formula="PS",
    )
    assert polyanion_of_bond(bonds).tolist() == [0, 0, 0, 0, 1]


def test_two_polyanions_give_the_error_of_the_mean_of_all_bonds() -> None:
    """Sums of the bonds' deviations in each polyanion, squared, n/(n − 1) over all bonds."""
    rng = np.random.default_rng(24)
    lengths = 2.0 * np.ones((12, 3))
    turn = np.cumsum(rng.normal(scale=0.3, size=(12, 3)), axis=0)
    bonds = lengths[..., None] * np.stack([np.cos(turn), np.sin(turn), 0.0 * turn], axis=-1)
    centres = np.array([[5.0, 5.0, 5.0], [12.0, 5.0, 5.0]])
    owners = np.array([0, 0, 1])
    places = np.concatenate([np.broadcast_to(centres, (12, 2, 3)), centres[owners] + bonds], axis=1)
    group = Polyanions(
        centres=owners, ligands=np.array([2, 3, 4]), lengths_angstrom=np.full(3, 2.0),
        limit_angstrom=np.full(3, 3.0), formula="X",
    )  # fmt: skip
    found = rotation(places / 20.0, 20.0 * np.eye(3), group, STEP_PS)
    assert len(found.times_ps) == 6
    units = bonds / 2.0
    for lag in range(1, 6):
        per_bond = (units[lag:] * units[:-lag]).sum(axis=2).mean(axis=0)
        apart = per_bond - per_bond.mean()
        sums = np.array([apart[:2].sum(), apart[2]])
        expected = np.sqrt(2.0 * (sums**2).sum()) / 3.0
        assert found.correlation_error[lag] == pytest.approx(expected, abs=1e-9)
    assert (found.n_bonds, found.bond_length_angstrom) == (3, pytest.approx(2.0))
    assert found.times_ps[1] == STEP_PS


def test_a_bond_over_the_edge_of_the_cell_keeps_its_length() -> None:
    fractional = np.array([[[0.95, 0.5, 0.5], [0.05, 0.5, 0.5]]] * 3)
    bond = Polyanions(
        centres=np.array([0]), ligands=np.array([1]), lengths_angstrom=np.array([2.0]),
        limit_angstrom=np.array([3.0]), formula="X",
    )  # fmt: skip
    found = rotation(fractional, 20.0 * np.eye(3), bond, STEP_PS)
    assert found.bond_length_angstrom == pytest.approx(2.0)
    assert len(found.correlation) == 2  # three frames: two lags at least
    assert (found.relaxation_ps, found.verdict) == (np.inf, "librating")


@pytest.mark.parametrize(("cosine", "relaxes"), [(0.3678, True), (0.3680, False)])
def test_the_relaxation_time_is_where_the_correlation_falls_below_one_over_e(
    cosine: float, relaxes: bool
) -> None:
    positions, bonds = turning_bonds(np.arccos(cosine))
    alone = Polyanions(
        centres=bonds.centres[:1], ligands=bonds.ligands[:1], formula="OH",
        lengths_angstrom=bonds.lengths_angstrom[:1], limit_angstrom=bonds.limit_angstrom[:1],
    )  # fmt: skip
    found = rotation(positions, 10.0 * np.eye(3), alone, STEP_PS)
    assert found.relaxation_ps == (STEP_PS if relaxes else np.inf)


@pytest.mark.parametrize(("away", "exchanged"), [(3, 1), (2, 0)])
def test_a_ligand_is_exchanged_that_ends_elsewhere_in_the_mean_of_half_a_ps(
    away: int, exchanged: int
) -> None:
    """Of the last five frames of 0.1 ps: three at the other centre decide, two do not."""
    home = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    positions = np.repeat(home[None], 40, axis=0)
    positions[-away:, 2] = [6.0, 2.0, 0.0]
    bond = Polyanions(
        centres=np.array([0, 1]), ligands=np.array([2, 2]), lengths_angstrom=np.full(2, 2.0),
        limit_angstrom=np.full(2, 3.9), formula="X",
    )  # fmt: skip
    found = rotation(positions / 20.0, 20.0 * np.eye(3), bond, STEP_PS)
    assert found.exchanges == exchanged
