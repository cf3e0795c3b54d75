"""Simulated ions whose transport is known: intervals, verdicts and transport numbers."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from dualion.screening.transport import (
    AnalysisOptions,
    analyse,
    combine_replicas,
    diffusion,
    transport,
)
from dualion.screening.transport.self_diffusion.coefficient import Verdict
from dualion.structures.errors import InputError
from dualion.structures.trajectories import Trajectory

STEP_PS = 0.1


def gaussian_walk(
    rng: np.random.Generator, frames: int, ions: int, spread: float = 0.3
) -> NDArray[np.float64]:
    return np.cumsum(rng.normal(scale=spread, size=(frames, ions, 3)), axis=0)


def d_of(growth: float) -> float:
    """D in cm²/s of a variance that grows by so many Å² per frame and coordinate."""
    return growth / (2.0 * STEP_PS) * 1e-4


# Binomial: the true coverage of 0.95 gives fewer than 0.90 of 120 runs once in a hundred.
@pytest.mark.parametrize("ions", [1, 10, 200])
def test_interval_covers_the_truth_of_gaussian_walks(ions: int) -> None:
    rng = np.random.default_rng(11)
    truth = d_of(0.09)
    found = [
        diffusion(gaussian_walk(rng, 300, ions), STEP_PS) for _ in range(120 if ions < 50 else 60)
    ]
    share = np.mean([d.low_cm2_s <= truth <= d.high_cm2_s for d in found])
    assert 0.89 <= share <= 0.995
    assert np.mean([d.d_cm2_s for d in found]) == pytest.approx(truth, rel=0.06)
    scatter = np.std([d.d_cm2_s for d in found])
    assert np.median([d.error_cm2_s for d in found]) == pytest.approx(scatter, rel=0.45)


def test_interval_covers_the_truth_of_hopping_vibrating_ions() -> None:
    rng = np.random.default_rng(12)
    rate, length = 0.05, 2.5
    truth = d_of(rate * length**2 / 3.0)
    covered = []
    for _ in range(60):
        hop = rng.random((1000, 10)) < rate
        steps = np.zeros((1000, 10, 3))
        steps[hop] = (
            length
            * rng.choice([-1.0, 1.0], (hop.sum(), 1))
            * np.eye(3)[rng.integers(0, 3, hop.sum())]
        )
        walk = np.cumsum(steps, axis=0) + rng.normal(scale=0.2, size=steps.shape)
        found = diffusion(walk, STEP_PS)
        covered.append(found.low_cm2_s <= truth <= found.high_cm2_s)
    assert 0.85 <= np.mean(covered) <= 1.0


@njit(cache=True)
def _vacancy(
    size: int, steps: NDArray[np.int64], frames: int, per_frame: int, seed: int
) -> NDArray[np.float64]:
    """Single vacancy on the points of an even-sum (fcc) or full (sc) grid."""
    np.random.seed(seed)  # noqa: NPY002  (what compiled code can call)
    occupant = -np.ones((size, size, size), np.int64)
    face_centred = len(steps) == 12
    sites = []
    for x in range(size):
        for y in range(size):
            for z in range(size):
                if not face_centred or (x + y + z) % 2 == 0:
                    occupant[x, y, z] = len(sites) - 1
                    sites.append((x, y, z))
    place = np.zeros((len(sites) - 1, 3))
    for i in range(1, len(sites)):
        for c in range(3):
            place[i - 1, c] = sites[i][c]
    hole = np.zeros(3, np.int64)
    out = np.zeros((frames, len(place), 3))
    for t in range(frames):
        out[t] = place
        for _ in range(per_frame):
            step = steps[np.random.randint(len(steps))]  # noqa: NPY002
            target = (hole + step) % size
            ion = occupant[target[0], target[1], target[2]]
            place[ion] -= step
            occupant[hole[0], hole[1], hole[2]] = ion
            occupant[target[0], target[1], target[2]] = -1
            hole = target
    return out


SIMPLE = np.array([v for v in np.ndindex(3, 3, 3) if np.abs(np.array(v) - 1).sum() == 1]) - 1
FACE = np.array([v for v in np.ndindex(3, 3, 3) if np.abs(np.array(v) - 1).sum() == 2]) - 1


# Correlation factors of a single vacancy: Montet, Phys. Rev. B 7, 650 (1973); the finite cell
# raises them by about 2/N, a third of a percent here.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "size", "factor"), [(SIMPLE, 8, 0.6531), (FACE, 10, 0.7815)], ids=["sc", "fcc"]
)
def test_vacancy_hopping_gives_the_correlation_factor(
    steps: NDArray[np.int64], size: int, factor: float
) -> None:
    found = []
    for seed in range(12):
        walk = _vacancy(size, steps, 600, 60, seed)
        jump2 = float((steps[0] ** 2).sum())
        free = d_of(jump2 * 60 / walk.shape[1] / 3.0)
        result = diffusion(walk, STEP_PS, hop_length_angstrom=np.sqrt(jump2))
        assert result.verdict == "diffusing"
        found.append((result.d_cm2_s / free, result.error_cm2_s / free))
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(factor, abs=0.004 + 3.0 * values.std() / np.sqrt(12))
    assert (np.abs(values - factor) < 2.3 * errors).sum() >= 9


def test_transport_numbers_with_imposed_correlation_are_unbiased() -> None:
    rng = np.random.default_rng(13)
    shared, found, covered = 0.1, [], []
    cation, anion = 20, 10
    own = np.array([cation * 0.3**2, anion * 0.2**2])
    pull = np.array([cation * shared, anion * 0.5 * shared])
    # J = ±Σ r: variances, and a covariance that the shared force imposes.
    cc, aa, ca = own[0] + pull[0] ** 2, own[1] + pull[1] ** 2, -pull[0] * pull[1]
    truth = (cc + ca) / (cc + aa + 2.0 * ca)
    for _ in range(80):
        force = shared * rng.normal(size=(500, 1, 3))
        lithium = np.cumsum(0.3 * rng.normal(size=(500, cation, 3)) + force, axis=0)
        iodide = np.cumsum(0.2 * rng.normal(size=(500, anion, 3)) + 0.5 * force, axis=0)
        result = transport(
            {"Li": lithium, "I": iodide},
            {"Li": 1.0, "I": -1.0},
            STEP_PS,
            volume_cubic_angstrom=1000.0,
            temperature_k=600.0,
        )
        number = result.numbers[0]
        found.append(number.value)
        covered.append(number.low <= truth <= number.high)
        assert result.cation_number.value + result.anion_number.value == pytest.approx(1.0)
        assert result.onsager_s_cm.sum() == pytest.approx(result.conductivity_s_cm.value, rel=1e-9)
    assert np.mean(found) == pytest.approx(truth, abs=3.5 * np.std(found) / np.sqrt(80))
    assert 0.87 <= np.mean(covered) <= 1.0


def test_independent_ions_have_haven_ratio_one_and_the_textbook_conductivity() -> None:
    rng = np.random.default_rng(14)
    walk = gaussian_walk(rng, 3000, 8, 0.1)
    d = diffusion(walk, STEP_PS, species="Li")
    result = transport(
        {"Li": walk},
        {"Li": 1.0},
        STEP_PS,
        volume_cubic_angstrom=800.0,
        temperature_k=500.0,
        diffusions=[d],
    )
    # σ = n e² D / (V k T) with n/V = 1e28 /m³, D = 5e-6 cm²/s.
    textbook = 1e28 * 1.602176634e-19**2 * 5e-10 / (1.380649e-23 * 500.0) / 100.0
    assert result.nernst_einstein_s_cm.value == pytest.approx(textbook, rel=0.05)
    sigma = result.conductivity_s_cm
    assert sigma.low < textbook < sigma.high
    assert result.haven_ratio.low < 1.0 < result.haven_ratio.high


def test_what_is_not_known_says_so() -> None:
    rng = np.random.default_rng(15)
    short = transport(
        {"Li": gaussian_walk(rng, 25, 3), "I": gaussian_walk(rng, 25, 3)},
        {"Li": 1.0, "I": -1.0},
        STEP_PS,
        volume_cubic_angstrom=500.0,
        temperature_k=600.0,
    )
    vague = [n for n in short.numbers if n.error >= abs(n.value)]
    assert all(n.text().startswith("not resolved") for n in vague)
    with pytest.raises(InputError, match="temperature"):
        transport(
            {"Li": gaussian_walk(rng, 30, 3)},
            {"Li": 1.0},
            STEP_PS,
            volume_cubic_angstrom=500.0,
            temperature_k=0.0,
        )
    tiny = diffusion(gaussian_walk(rng, 3, 2), STEP_PS)
    assert tiny.verdict == "not resolved"
    assert np.isnan(tiny.d_cm2_s)
    assert np.isinf(tiny.error_cm2_s)


def test_ballistic_caged_and_frozen_ions_are_called_what_they_are() -> None:
    rng = np.random.default_rng(16)
    flight = np.arange(400.0)[:, None, None] * 0.05 * rng.normal(size=(1, 20, 3))
    assert diffusion(flight, STEP_PS).verdict == "ballistic"
    caged = rng.normal(scale=0.3, size=(2000, 20, 3))
    assert diffusion(caged, STEP_PS).verdict == "vibrating"
    frozen = diffusion(np.ones((50, 4, 3)), STEP_PS)
    assert frozen.verdict == "vibrating"
    assert "no_motion" in frozen.flags
    assert frozen.error_cm2_s > 0.0
    walk = diffusion(gaussian_walk(rng, 500, 20), STEP_PS)
    assert walk.verdict == "diffusing"
    assert {walk.verdict, "rotating", "not resolved"} <= set(get_args(Verdict))


def test_zero_temperature_is_flagged() -> None:
    cell = 8.0 * np.eye(3)
    trajectory = Trajectory(
        fractional=np.repeat(np.random.default_rng(22).random((1, 6, 3)), 40, axis=0),
        cells=cell[None],
        symbols=("Li",) * 3 + ("Br",) * 3,
        frame_step_ps=STEP_PS,
        temperature_k=0.0,
    )
    report = analyse(trajectory, AnalysisOptions(with_kinisi=False))
    assert "zero_temperature" in report.flags
    assert report.transport == ()
    assert all("no_motion" in s.diffusion.flags for s in report.species)


def test_replicas_combine_to_a_smaller_error() -> None:
    rng = np.random.default_rng(17)
    runs = [diffusion(gaussian_walk(rng, 400, 4), STEP_PS) for _ in range(8)]
    together = combine_replicas(runs)
    assert together.n_ions == 32
    assert together.error_cm2_s < 0.6 * np.mean([r.error_cm2_s for r in runs])
    assert abs(together.d_cm2_s - d_of(0.09)) < 3.0 * together.error_cm2_s


def test_diffusion_tensor_finds_the_fast_axis() -> None:
    rng = np.random.default_rng(18)
    axis = np.array([1.0, 2.0, 2.0]) / 3.0
    fast = rng.normal(scale=0.5, size=(1000, 30, 1)) * axis
    walk = np.cumsum(fast + rng.normal(scale=0.1, size=(1000, 30, 3)), axis=0)
    values, axes = diffusion(walk, STEP_PS).principal_axes
    assert abs(axes[0] @ axis) > 0.99
    assert values[0] == pytest.approx(d_of(0.26), rel=0.1)
    assert values[2] == pytest.approx(d_of(0.01), rel=0.2)


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


def test_a_melt_is_flagged() -> None:
    rng = np.random.default_rng(20)
    cell = 10.0 * np.eye(3)
    start = rng.random((1, 40, 3)) @ cell
    trajectory = Trajectory(
        fractional=(start + gaussian_walk(rng, 800, 40, 0.25)) @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("Na",) * 20 + ("Cl",) * 20,
        frame_step_ps=STEP_PS,
        temperature_k=1300.0,
    )
    report = analyse(trajectory, AnalysisOptions(with_density=False, with_kinisi=False))
    assert "molten" in report.flags
    assert {s.diffusion.verdict for s in report.species} == {"diffusing"}
