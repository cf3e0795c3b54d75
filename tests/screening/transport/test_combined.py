"""Replicas of a temperature together, and a line through temperatures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.combined import combine_runs, fit_arrhenius, shared_names
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import Trajectory

REPORT = analyse(
    Trajectory(
        fractional=gaussian_walk(np.random.default_rng(1), 60, 6, 0.02),
        cells=9.0 * np.eye(3)[None],
        symbols=("Li",) * 3 + ("Br",) * 3,
        frame_step_ps=STEP_PS,
        temperature_k=600.0,
    ),
    AnalysisOptions(with_structure=False, with_density=False, with_kinisi=False),
)


def report_of(kelvin: float, d: float, *, names=("Li", "Br"), flags=(), error=0.1, **changes):
    """A run in which both groups have the same D, in 1e-6 cm²/s."""
    diffusion = replace(
        REPORT.species[0].diffusion, d_cm2_s=d * 1e-6, error_cm2_s=error * d * 1e-6,
        n_eff=100.0, **({"verdict": "diffusing"} | changes),
    )  # fmt: skip
    species = tuple(
        replace(one, name=name, diffusion=replace(diffusion, species=name))
        for one, name in zip(REPORT.species, names, strict=True)
    )
    return replace(REPORT, temperature_k=kelvin, species=species, flags=flags)


def test_groups_that_all_runs_hold_are_told_from_the_others() -> None:
    runs = [report_of(600.0, 1.0), report_of(600.0, 1.0, names=("Li", "Br(free)"))]
    assert shared_names(runs) == (["Li"], ["Br", "Br(free)"])
    assert [one.species for one in combine_runs(runs)] == ["Li"]


def test_runs_within_a_tenth_of_a_kelvin_are_replicas() -> None:
    runs = [
        report_of(600.02, 1.0), report_of(599.98, 3.0), report_of(600.2, 7.0),
        report_of(np.nan, 50.0), report_of(600.0, 50.0, flags=("temperature_ramp",)),
    ]  # fmt: skip
    found = combine_runs(runs)
    told = [(one.species, one.temperature_k, one.runs) for one in found]
    assert told == [("Li", 600.0, 2), ("Li", 600.2, 1), ("Br", 600.0, 2), ("Br", 600.2, 1)]
    assert found[0].diffusion.d_cm2_s == pytest.approx(2e-6)
    assert found[1].diffusion.d_cm2_s == pytest.approx(7e-6)
    assert {one.diffusion.species for one in found[:2]} == {"Li"}


def test_what_surely_diffuses_at_two_temperatures_has_an_activation_energy() -> None:
    inverse = 1.0 / (8.617333e-5 * 500.0) - 1.0 / (8.617333e-5 * 1000.0)
    runs = [report_of(500.0, 1.0), report_of(1000.0, np.exp(0.3 * inverse))]
    fits = fit_arrhenius(combine_runs(runs))
    assert {name: fit.activation_energy_ev for name, fit in fits.items()} == {
        "Li": pytest.approx(0.3), "Br": pytest.approx(0.3),
    }  # fmt: skip
    assert fit_arrhenius(combine_runs(runs[:1])) == {}
    vague = [runs[0], report_of(1000.0, 9.0, verdict="not resolved")]
    assert fit_arrhenius(combine_runs(vague)) == {}
    for error in (0.0, 1.0, 1.1):  # no error, or one as large as the number
        assert fit_arrhenius(combine_runs([runs[0], report_of(1000.0, 9.0, error=error)])) == {}
