"""One group of ions: its jump length, what is computed of it, and bound ligands' verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.motion.bonding import Polyanions
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.motion.structure import radial_distribution
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.species import (
    correct_bound_verdicts,
    ion_groups,
    species_report,
)
from dualion.structures.trajectories import Trajectory

SIDE = 12.0
RUN = Trajectory(
    fractional=gaussian_walk(np.random.default_rng(2), 80, 8, 0.4) / SIDE,
    cells=SIDE * np.eye(3)[None],
    symbols=("Li",) * 4 + ("S",) * 4,
    frame_step_ps=STEP_PS,
    temperature_k=600.0,
)
POSITIONS = RUN.positions()
PLAIN = radial_distribution(
    RUN.fractional[:, :4], RUN.fractional[:, :4], RUN.cells, ("Li", "Li"), longest_angstrom=6.0
)
BARE = AnalysisOptions(with_density=False, with_kinisi=False)


def report(peak: float = np.nan, kelvin: float = 600.0, options: AnalysisOptions = BARE):
    rdf = replace(PLAIN, first_peak_angstrom=peak)
    return species_report("Li", np.arange(4), POSITIONS, RUN, kelvin, (rdf,), options)


@pytest.mark.parametrize(
    ("peak", "jump"),
    [(2.01, 2.01), (4.49, 4.49), (2.0, 3.0), (4.5, 3.0), (1.0, 3.0), (7.0, 3.0)],
)
def test_ions_jump_as_far_as_their_neighbours_are(peak: float, jump: float) -> None:
    """Between 2 and 4.5 Å; 3 Å where the nearest of their kind are elsewhere."""
    found = report(peak)
    assert found.hop_length_angstrom == jump
    asked = report(peak, options=replace(BARE, hop_length_angstrom=2.2))
    assert asked.hop_length_angstrom == 2.2
    assert found.diffusion.n_eff * jump**2 == pytest.approx(asked.diffusion.n_eff * 2.2**2)


@pytest.mark.parametrize(("peak", "neighbour"), [(0.51, 0.51), (0.5, None), (np.nan, None)])
def test_without_a_peak_the_sublattice_counts_as_uniform(peak: float, neighbour) -> None:
    """Four ions in 12³ Å³: 7.56 Å; the Lindemann ratio is over that distance."""
    uniform = (SIDE**3 / 4.0) ** (1.0 / 3.0)
    late = POSITIONS[40:, :4]
    moved = np.sqrt(((late - late.mean(axis=0)) ** 2).sum(axis=2).mean())
    assert report(peak).lindemann == pytest.approx(moved / (neighbour or uniform))


def test_each_part_is_that_of_the_groups_own_positions() -> None:
    found = report()
    own = POSITIONS[:, :4]
    assert (found.name, found.indices.tolist()) == ("Li", [0, 1, 2, 3])
    assert [one.name for one in found.estimates] == ["end_point", "first_frame_line"]
    end = ((own[-1] - own[0]) ** 2).sum(axis=1).mean() / (6.0 * 7.9) * 1e-4
    assert found.estimates[0].d_cm2_s == pytest.approx(end)
    lag = round(found.diffusion.window_ps[1] / STEP_PS)
    assert found.ion_lag_ps == pytest.approx(lag * STEP_PS)
    step = own[lag:] - own[:-lag]
    np.testing.assert_allclose(found.ion_tensors, np.einsum("tia,tib->iab", step, step) / len(step))
    assert found.posterior == ()
    assert found.hops == found.density == found.paths == ()
    assert np.isnan(found.path_ev).all()
    late = report(options=replace(BARE, earliest_ps=0.5))
    assert 0.5 <= late.diffusion.window_ps[0] < 0.8
    tenth = report(options=replace(BARE, earliest_ps=5.0))  # a tenth of 7.9 ps
    assert 0.79 <= tenth.diffusion.window_ps[0] < 1.2


def test_a_run_without_a_window_has_its_tensors_at_half_its_length() -> None:
    short = replace(RUN, fractional=RUN.fractional[:9])
    found = species_report("Li", np.arange(4), POSITIONS[:9], short, 600.0, (), BARE)
    assert found.ion_lag_ps == pytest.approx(0.4)
    two = replace(RUN, fractional=RUN.fractional[:2])
    assert species_report(
        "Li", np.arange(4), POSITIONS[:2], two, 600.0, (), BARE
    ).ion_lag_ps == pytest.approx(0.1)


@pytest.mark.parametrize(("kelvin", "known"), [(600.0, True), (0.0, False), (np.nan, False)])
def test_a_density_has_barriers_where_there_is_a_temperature(kelvin: float, known: bool) -> None:
    found = report(kelvin=kelvin, options=replace(BARE, with_density=True))
    assert found.diffusion.verdict in ("diffusing", "not resolved")
    assert len(found.density) == len(found.hops) == 1
    assert not np.isnan(found.path_ev).all() if known else np.isnan(found.path_ev).all()


def bonds(*pairs: tuple[int, int]) -> Polyanions:
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Polyanions(
        centres=array[:, 0], ligands=array[:, 1], lengths_angstrom=np.full(len(array), 2.0),
        limit_angstrom=np.full(len(array), 3.0), formula="X",
    )  # fmt: skip


def turning(verdict: str) -> tuple[Rotation, ...]:
    return (
        Rotation(
            formula="X", n_bonds=1, bond_length_angstrom=2.0, times_ps=np.zeros(2),
            correlation=np.ones(2), correlation_error=np.zeros(2), relative_msd=np.zeros(2),
            ceiling_angstrom2=8.0, relaxation_ps=np.inf, broken_bonds=0, exchanges=0,
            verdict=verdict,
        ),
    )  # fmt: skip


def test_groups_are_split_where_some_of_an_element_are_bound() -> None:
    groups = ion_groups(RUN, bonds((0, 4), (1, 5)))
    assert {name: atoms.tolist() for name, atoms in groups.items()} == {
        "Li": [0, 1, 2, 3], "S(bound)": [4, 5], "S(free)": [6, 7],
    }  # fmt: skip
    assert list(ion_groups(RUN, bonds((0, 4), (1, 5), (2, 6), (3, 7)))) == ["Li", "S"]
    assert list(ion_groups(RUN, bonds())) == ["Li", "S"]


@pytest.mark.parametrize(
    ("motion", "verdict", "flag"),
    [
        ("rotating", "rotating", "bound_ligand"),
        ("librating", "vibrating", "bound_ligand"),
        ("breaking", "not resolved", "bonds_break"),
    ],
)
def test_bound_ligands_turn_or_vibrate_unless_their_bonds_break(motion, verdict, flag) -> None:
    lithium = replace(report(), name="Li")
    slow = replace(lithium.diffusion, verdict="not resolved", flags=("x",))
    sulfur = replace(lithium, name="S", indices=np.arange(4, 8), diffusion=slow)
    bound = bonds((0, 4), (1, 5), (2, 6), (3, 7))
    still = replace(lithium, diffusion=replace(slow, verdict="vibrating"))
    one, other = correct_bound_verdicts([still, sulfur], bound, turning(motion))
    assert one is still
    assert (other.diffusion.verdict, other.diffusion.flags) == (verdict, ("x", flag))
    moving = replace(lithium, diffusion=replace(slow, verdict="diffusing"))
    kept = correct_bound_verdicts([moving, sulfur], bound, turning(motion))
    assert kept[1] is sulfur  # its centre goes along
    assert correct_bound_verdicts([still, sulfur], bound, ())[1] is sulfur
    some = bonds((0, 4), (1, 5), (2, 6))
    assert correct_bound_verdicts([still, sulfur], some, turning(motion))[1] is sulfur
