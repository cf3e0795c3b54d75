"""Which ions a conductivity is made of, and when it is withdrawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.collective.charged import transports
from dualion.screening.transport.drift import BARYCENTRIC, CENTRE_OF_MASS, Framework
from dualion.screening.transport.motion.bonding import Polyanions
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import Trajectory

WALK = gaussian_walk(np.random.default_rng(5), 300, 9, 0.2)
RUN = Trajectory(
    fractional=WALK / 12.0,
    cells=12.0 * np.eye(3)[None],
    symbols=("Li",) * 3 + ("I",) * 3 + ("Na",) * 3,
    frame_step_ps=STEP_PS,
    temperature_k=700.0,
)
OPTIONS = AnalysisOptions(
    framework=("none",), with_structure=False, with_density=False, with_kinisi=False,
    charges_e={"Na": -0.0},
)  # fmt: skip
REPORTS = list(analyse(RUN, OPTIONS).species)
LABORATORY = Framework(name="frame", indices=np.empty(0, dtype=np.int64), weights=np.empty(0))


def bonds(*pairs: tuple[int, int]) -> Polyanions:
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Polyanions(
        centres=array[:, 0], ligands=array[:, 1], lengths_angstrom=np.full(len(array), 2.0),
        limit_angstrom=np.full(len(array), 3.0), formula="X",
    )  # fmt: skip


NOTHING_BOUND = bonds()


def run_of(
    reports=None, run=RUN, held=NOTHING_BOUND, kelvin=700.0, frame=LABORATORY, options=OPTIONS
):
    chosen = REPORTS if reports is None else reports
    return transports(chosen, WALK, run, held, kelvin, frame, options)


def verdicts(*names: str, **changes: object):
    return [
        replace(report, diffusion=replace(report.diffusion, verdict=name, **changes))
        for report, name in zip(REPORTS, names, strict=True)
    ]


def test_all_ions_and_those_that_no_polyanion_holds() -> None:
    (every,), (free,) = run_of(held=bonds((3, 6), (4, 7), (5, 8)))[0]
    assert every.species == ("Li", "I", "Na")
    assert free.species == ("Li",)
    (_,), (some,) = run_of(held=bonds((3, 6), (4, 7)))[0]
    assert some.species == ("Li", "I", "Na")  # one of each is free
    broken = verdicts("diffusing", "diffusing", "not resolved", flags=("bonds_break",))
    (_,), (loose,) = run_of(broken, held=bonds((3, 6), (4, 7), (5, 8)))[0]
    assert loose.species == ("Li", "I", "Na")
    whole = bonds((0, 3), (1, 4), (2, 5), (6, 7), (7, 8))
    assert run_of(held=whole)[0][1] == ()
    assert every.temperature_k == 700.0
    assert every.charges_e.tolist() == [1.0, -1.0, 0.0]
    assert every.frame == "frame"


@pytest.mark.parametrize(
    ("kelvin", "flags"),
    [
        (0.0, ("zero_temperature",)),
        (-1.0, ("zero_temperature",)),
        (np.nan, ("temperature_unknown",)),
        (np.inf, ("temperature_unknown",)),
    ],
)
def test_a_conductivity_asks_for_a_temperature(kelvin: float, flags: tuple[str, ...]) -> None:
    assert run_of(kelvin=kelvin) == (((), ()), flags)


def test_unknown_charges_and_short_runs_give_none() -> None:
    iron = replace(RUN, symbols=("Li",) * 3 + ("Fe",) * 6)
    assert run_of(run=iron) == (((), ()), ("charges_unknown",))
    for frames, found in ((20, 1), (19, 0)):
        run = replace(RUN, fractional=RUN.fractional[:frames])
        parts, flags = transports(REPORTS, WALK[:frames], run, bonds(), 700.0, LABORATORY, OPTIONS)
        assert [len(part) for part in parts] == [found, found]
        assert flags == ()


def test_the_window_starts_with_the_latest_of_what_diffuses() -> None:
    late = [
        replace(report, diffusion=replace(report.diffusion, verdict=verdict, window_ps=(at, 20.0)))
        for report, verdict, at in zip(
            REPORTS, ("diffusing", "diffusing", "not resolved"), (2.0, 3.5, 6.0), strict=True
        )
    ]
    start = run_of(late)[0][0][0].window_ps[0]
    assert 3.5 <= start < 6.0
    none = verdicts("not resolved", "not resolved", "vibrating")
    asked = replace(OPTIONS, earliest_ps=2.0)
    assert 2.0 <= run_of(none, options=asked)[0][0][0].window_ps[0] < 3.0
    tenth = replace(OPTIONS, earliest_ps=20.0)  # of 29.9 ps: no later than a tenth
    assert run_of(none, options=tenth)[0][0][0].window_ps[0] == pytest.approx(3.0)


def test_a_conductivity_of_vibrations_is_withdrawn() -> None:
    still = run_of(verdicts("vibrating", "rotating", "vibrating"))[0][0][0]
    assert "nothing_diffuses" in still.flags
    vague = run_of(verdicts("vibrating", "not resolved", "vibrating"))[0][0][0]
    assert "nothing_diffuses" in vague.flags
    moving = run_of(verdicts("vibrating", "diffusing", "vibrating"))[0][0][0]
    assert "nothing_diffuses" not in moving.flags


def test_two_species_in_the_centre_of_mass_have_their_numbers_from_the_masses() -> None:
    two = replace(RUN, symbols=("Li",) * 3 + ("I",) * 6)
    chosen = verdicts("diffusing", "diffusing", "vibrating")[:2]
    mass = replace(LABORATORY, name=CENTRE_OF_MASS, indices=np.arange(9), weights=np.ones(9) / 9)
    found = run_of(chosen, two, frame=mass)[0][0][0]
    assert found.flags[-1] == "numbers_fixed_by_masses"
    assert not found.numbers[0].resolved and np.isnan(found.cation_number.value)
    declared = replace(mass, name=BARYCENTRIC)
    kept = run_of(chosen, two, frame=declared)[0][0][0]
    assert kept.flags[-1] == "numbers_fixed_by_masses"
    assert np.isfinite(kept.cation_number.value)
    for frame in (mass, declared):  # of three species the masses fix nothing
        assert "numbers_fixed_by_masses" not in run_of(moving, frame=frame)[0][0][0].flags
    assert "numbers_fixed_by_masses" not in run_of(chosen, two)[0][0][0].flags


def test_one_group_outside_the_framework_has_its_number_from_the_frame() -> None:
    def flags(held: list[int]) -> tuple[str, ...]:
        frame = replace(LABORATORY, indices=np.array(held, dtype=np.int64))
        return run_of(verdicts("diffusing", "not resolved", "vibrating"), frame=frame)[0][0][
            0
        ].flags

    assert "numbers_fixed_by_frame" in flags([3, 4, 5, 6, 7, 8])
    assert "numbers_fixed_by_frame" not in flags([6, 7, 8])
    assert "numbers_fixed_by_frame" not in flags([3, 4, 5, 6, 7])
    assert "numbers_fixed_by_frame" not in flags(list(range(9)))
