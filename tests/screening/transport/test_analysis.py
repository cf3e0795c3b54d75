"""The whole analysis of trajectories whose transport is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import TransportReport
from dualion.structures.errors import InputError
from dualion.structures.trajectories import ReadOptions, Trajectory, read_trajectory
from dualion.structures.trajectories.pieces.runs import read_runs

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "md"


@pytest.fixture(scope="module")
def argyrodites() -> dict[str, TransportReport]:
    """The longest stretch of each run that is there: 42, 14, 28 and 10 ps."""
    if not DATA.is_dir():
        pytest.skip("the public trajectories are not there")
    options = AnalysisOptions(with_structure=False, with_density=False, with_kinisi=False)
    reading = ReadOptions(frame_step_ps=0.1, temperature_k=500.0)
    found = {}
    for name in ("Li6PS5Cl_0p", "Li6PS5Cl_50p", "Li6PS5I_0p", "Li6PS5I_50p"):
        (run,) = read_runs(sorted(DATA.glob(f"{name}_run*")), reading)
        found[name] = analyse(run.trajectory, options)
    return found


@pytest.mark.shared_data
def test_argyrodites_disorder_speeds_lithium_up(argyrodites: dict[str, TransportReport]) -> None:
    d = {name: report.species[0].diffusion for name, report in argyrodites.items()}
    assert d["Li6PS5Cl_50p"].low_cm2_s > d["Li6PS5Cl_0p"].upper_cm2_s
    assert d["Li6PS5I_50p"].low_cm2_s > d["Li6PS5I_0p"].upper_cm2_s


@pytest.mark.shared_data
def test_lithium_in_the_cages_of_ordered_argyrodites_has_no_d(
    argyrodites: dict[str, TransportReport],
) -> None:
    """Its MSD stays at 11 Å²; D of the pieces, 1e-5 cm²/s, falls with their length."""
    for name in ("Li6PS5Cl_0p", "Li6PS5I_0p"):
        lithium = argyrodites[name].species[0]
        assert lithium.diffusion.verdict == "not resolved"
        assert lithium.msd.total.max() < 15.0


@pytest.mark.shared_data
def test_argyrodite_anions_stay(argyrodites: dict[str, TransportReport]) -> None:
    for report in argyrodites.values():
        assert report.framework == "polyanion centres: P"
        assert report.polyanions == "PS4"
        assert report.rotation[0].verdict == "librating"
        verdicts = {s.name: s.diffusion.verdict for s in report.species if s.name != "Li"}
        assert set(verdicts.values()) == {"vibrating"}, verdicts


@pytest.mark.shared_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the public trajectories are not there")
def test_solid_salt_has_no_mobile_species() -> None:
    reading = ReadOptions(frame_step_ps=0.05, temperature_k=800.0)
    report = analyse(read_trajectory(DATA / "nacl_800K_XDATCAR", reading))
    assert [s.diffusion.verdict for s in report.species] == ["vibrating", "vibrating"]
    assert "molten" not in report.flags


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


def test_radial_distributions_are_of_the_pairs_that_they_name() -> None:
    """Rock salt, a = 6 Å: 6 unlike neighbours at 3 Å, 12 like ones at 4.24 Å."""
    corners = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    cells = np.stack(np.meshgrid(*[np.arange(2)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    sodium = ((corners + cells) / 2.0).reshape(-1, 3)
    places = np.concatenate([sodium, sodium + np.array([0.25, 0.0, 0.0])])
    rng = np.random.default_rng(23)
    trajectory = Trajectory(
        fractional=places + rng.normal(scale=0.002, size=(40, 64, 3)),
        cells=12.0 * np.eye(3)[None],
        symbols=("Na",) * 32 + ("Cl",) * 32,
        frame_step_ps=STEP_PS,
        temperature_k=300.0,
    )
    bare = {"with_density": False, "with_kinisi": False}
    found = {rdf.pair: rdf for rdf in analyse(trajectory, AnalysisOptions(**bare)).rdfs}
    assert list(found) == [("Na", "Na"), ("Na", "Cl"), ("Cl", "Cl")]
    for pair, rdf in found.items():
        nearest, count = (3.0, 6) if pair == ("Na", "Cl") else (6.0 / np.sqrt(2.0), 12)
        assert rdf.first_peak_angstrom == pytest.approx(nearest, abs=0.05)
        behind = int(np.searchsorted(rdf.distances_angstrom, nearest + 0.4))
        assert rdf.coordination[behind] == pytest.approx(count)
    like = analyse(trajectory, AnalysisOptions(with_structure=False, **bare)).rdfs
    assert [rdf.pair for rdf in like] == [("Na", "Na"), ("Cl", "Cl")]


def melt(rng: np.random.Generator) -> Trajectory:
    cell = 12.0 * np.eye(3)
    return Trajectory(
        fractional=gaussian_walk(rng, 400, 16) @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("Li",) * 8 + ("I",) * 8,
        frame_step_ps=0.1,
        temperature_k=900.0,
    )


def test_a_melt_of_two_species_tells_what_it_can_and_where_the_masses_speak() -> None:
    bare = {"with_structure": False, "with_density": False, "with_kinisi": False}
    trajectory = melt(np.random.default_rng(21))
    found = analyse(trajectory, AnalysisOptions(**bare)).transport[0]
    assert found.frame == "centre of mass of the cell"
    assert "numbers_fixed_by_masses" in found.flags
    assert not any(number.resolved for number in found.numbers)
    assert np.isfinite(found.onsager_s_cm).all()
    # Eight ions of each kind, of one charge and one D: half each.
    for share in found.einstein_numbers:
        assert share.low < 0.5 < share.high
    assert sum(share.value for share in found.einstein_numbers) == pytest.approx(1.0)
    asked = analyse(trajectory, AnalysisOptions(framework=("mass",), **bare)).transport[0]
    assert "barycentric" in asked.frame
    assert "numbers_fixed_by_masses" in asked.flags
    # m₊R₊ + m₋R₋ = 0 for the summed displacements, so t₊ = m₋/(m₊ + m₋) for ±1.
    assert asked.numbers[0].value == pytest.approx(126.904 / (126.904 + 6.94), abs=1e-4)
    held = analyse(trajectory, AnalysisOptions(framework=("I",), **bare)).transport[0]
    assert held.numbers[0].value == pytest.approx(1.0)
    assert held.frame == "declared: I"
    assert "numbers_fixed_by_frame" in held.flags


def test_a_crystal_that_only_vibrates_has_no_conductivity() -> None:
    rng = np.random.default_rng(22)
    cell = 12.0 * np.eye(3)
    places = rng.random((1, 24, 3)) @ cell + rng.normal(scale=0.15, size=(600, 24, 3))
    trajectory = Trajectory(
        fractional=places @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("Na",) * 8 + ("Cl",) * 8 + ("Br",) * 8,
        frame_step_ps=0.1,
        temperature_k=800.0,
    )
    bare = AnalysisOptions(with_structure=False, with_kinisi=False, charges_e={"Cl": -0.5})
    found = analyse(trajectory, bare).transport[0]
    assert "nothing_diffuses" in found.flags
    assert not found.conductivity_s_cm.resolved
    assert np.isfinite(found.conductivity_s_cm.high)
    # Nothing says how the jumps go together that the run was too short to see.
    assert found.conductivity_s_cm.high >= found.nernst_einstein_s_cm.high > 0.0
    assert not any(number.resolved for number in found.numbers)
    assert np.isnan(found.onsager_s_cm).all()


def walkers_among_bromide(ions: int, frames: int, **changes: object) -> Trajectory:
    """Walking Li among Br that only vibrates."""
    rng = np.random.default_rng(24)
    cell = 12.0 * np.eye(3)
    places = rng.random((1, ions + 10, 3)) @ cell
    places = places + rng.normal(scale=0.1, size=(frames, ions + 10, 3))
    places[:, :ions] += gaussian_walk(rng, frames, ions, 0.25)
    return Trajectory(
        fractional=places @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("Li",) * ions + ("Br",) * 10,
        frame_step_ps=0.1,
        temperature_k=600.0,
        **changes,  # type: ignore[arg-type]
    )


QUICK = AnalysisOptions(
    with_structure=False, with_density=False, with_kinisi=False, framework=("Br",)
)


def test_ions_that_are_not_known_to_diffuse_carry_no_current() -> None:
    """The slope of the collective path is as little a D as that of the ions' own."""
    few = analyse(walkers_among_bromide(1, 300), QUICK)
    assert few.species[0].diffusion.verdict == "not resolved"
    (found,) = few.transport
    assert "nothing_diffuses" in found.flags
    assert found.conductivity_s_cm.text().startswith("not resolved (|x| < ")
    assert not any(number.resolved or number.fixed for number in found.numbers)
    (many,) = analyse(walkers_among_bromide(12, 1500), QUICK).transport
    assert many.conductivity_s_cm.resolved and "nothing_diffuses" not in many.flags


def test_a_ramp_has_no_temperature_and_no_conductivity() -> None:
    ramp = walkers_among_bromide(12, 400, flags=("temperature_ramp",))
    found = analyse(ramp, replace(QUICK, temperature_k=700.0))
    assert np.isnan(found.temperature_k) and found.transport == ()
    assert "temperature_unknown" in found.flags


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hop_length_angstrom": 0.0}, "length of a jump"),
        ({"hop_length_angstrom": -2.0}, "length of a jump"),
        ({"hop_length_angstrom": np.inf}, "length of a jump"),
        ({"earliest_ps": -1.0}, "0 ps or more"),
        ({"earliest_ps": np.nan}, "0 ps or more"),
        ({"longest_angstrom": 0.0}, "range of radial"),
        ({"charges_e": {"Li": np.nan}}, "charge of Li"),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        AnalysisOptions(**wrong)  # type: ignore[arg-type]


def test_a_given_temperature_wins_and_must_be_positive() -> None:
    rng = np.random.default_rng(23)
    trajectory = Trajectory(
        fractional=(rng.random((1, 4, 3)) + gaussian_walk(rng, 60, 4, 0.02)),
        cells=8.0 * np.eye(3)[None],
        symbols=("Li", "Li", "I", "I"),
        frame_step_ps=STEP_PS,
        temperature_k=300.0,
    )
    plain = {"with_kinisi": False, "with_density": False, "with_structure": False}
    assert analyse(trajectory, AnalysisOptions(**plain)).temperature_k == 300.0  # type: ignore[arg-type]
    asked = analyse(trajectory, AnalysisOptions(temperature_k=650.0, **plain))  # type: ignore[arg-type]
    assert asked.temperature_k == 650.0
    for wrong in (0.0, -5.0):
        with pytest.raises(InputError, match="above 0"):
            analyse(trajectory, AnalysisOptions(temperature_k=wrong, **plain))  # type: ignore[arg-type]
