"""What speaks against a run as a whole, on both sides of every threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.drift import Framework
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.run_flags import run_flags
from dualion.structures.trajectories import Trajectory

RUN = Trajectory(
    fractional=gaussian_walk(np.random.default_rng(1), 40, 6, 0.01),
    cells=9.0 * np.eye(3)[None],
    symbols=("Li",) * 3 + ("Br",) * 3,
    frame_step_ps=STEP_PS,
    temperature_k=600.0,
)
BARE = AnalysisOptions(with_structure=False, with_density=False, with_kinisi=False)
LITHIUM, BROMIDE = analyse(RUN, BARE).species


def of(report, verdict: str = "vibrating", lindemann: float = 0.1):
    return replace(
        report, lindemann=lindemann, diffusion=replace(report.diffusion, verdict=verdict)
    )


def flags_of(lithium, bromide, held=(), run: Trajectory = RUN) -> tuple[str, ...]:
    indices = np.array(held, dtype=np.int64)
    return run_flags(
        run, (lithium, bromide), Framework(name="", indices=indices, weights=np.ones(len(indices)))
    )


def test_a_melt_is_one_in_which_all_that_does_not_turn_is_loose() -> None:
    loose, tight = {"lindemann": 0.21}, {"lindemann": 0.2}
    assert flags_of(of(LITHIUM, **loose), of(BROMIDE, **loose)) == ("molten",)
    assert flags_of(of(LITHIUM, **loose), of(BROMIDE, **tight)) == ()
    assert flags_of(of(LITHIUM, **loose), of(BROMIDE, "rotating", 0.1)) == ("molten",)
    turning = of(LITHIUM, "rotating", 0.5), of(BROMIDE, "rotating", 0.5)
    assert flags_of(*turning) == ()
    alone = replace(RUN, fractional=RUN.fractional[:, :1], symbols=("Li",))
    nothing = Framework(name="", indices=np.empty(0, dtype=np.int64), weights=np.empty(0))
    assert run_flags(alone, (of(LITHIUM, **loose),), nothing) == ()


def test_free_flight_is_of_all_groups() -> None:
    flying = {"verdict": "ballistic", "lindemann": 0.5}
    assert flags_of(of(LITHIUM, **flying), of(BROMIDE, **flying)) == ("free_flight",)
    assert flags_of(of(LITHIUM, **flying), of(BROMIDE, "vibrating", 0.5)) == ("molten",)


@pytest.mark.parametrize(
    ("held", "lindemann", "flags"),
    [
        ((3, 4, 5), 0.21, ("framework_moves",)),
        ((3, 4, 5), 0.2, ()),
        ((3, 4), 0.21, ()),  # the group is not of the frame alone
        (tuple(range(6)), 0.21, ()),  # the centre of mass is no framework
    ],
)
def test_a_loose_framework_is_none(held, lindemann, flags) -> None:
    found = flags_of(of(LITHIUM, "diffusing"), of(BROMIDE, lindemann=lindemann), held)
    assert found == flags


@pytest.mark.parametrize(("step", "drifts"), [(0.0021, True), (0.0019, False)])
def test_an_energy_drifts_by_two_mev_an_atom(step: float, drifts: bool) -> None:
    noise = 1e-6 * np.random.default_rng(2).normal(size=40)
    run = replace(RUN, energies_ev=-50.0 + 6.0 * (np.repeat([0.0, step], 20) + noise))
    assert flags_of(of(LITHIUM), of(BROMIDE), run=run) == (("energy_drifts",) if drifts else ())


@pytest.mark.parametrize(("step", "drifts"), [(0.053, True), (0.049, False)])
def test_a_temperature_drifts_by_a_twentieth_of_its_mean(step: float, drifts: bool) -> None:
    """600 K and a step of 5.3 % are 5.16 % of their mean, one of 4.9 % is 4.78 %."""
    noise = 0.01 * np.random.default_rng(3).normal(size=40)
    known = 600.0 * (1.0 + np.repeat([0.0, step], 20)) + noise
    run = replace(RUN, temperatures_k=known)
    assert flags_of(of(LITHIUM), of(BROMIDE), run=run) == (
        ("temperature_drifts",) if drifts else ()
    )
    unknown = replace(RUN, temperatures_k=np.full(40, np.nan))
    assert flags_of(of(LITHIUM), of(BROMIDE), run=unknown) == ()
