"""How long a run must be to see an ion jump 56 times, against walks that are run so long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import STEP_PS

from dualion.results.transport.needed import (
    limit_sentence,
    needed_lines,
    pace_sentence,
    two_digits,
)
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.needed_time import (
    hotter_temperature,
    needed_time,
    needed_times,
)
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import TransportReport
from dualion.structures.trajectories import Trajectory

OPTIONS = AnalysisOptions(
    with_structure=False,
    with_density=False,
    with_kinisi=False,
    hop_length_angstrom=3.0,
    framework=("Na",),
)


def report_of(frames: int, rate: float, seed: int = 0) -> TransportReport:
    """Ten I that hop by 3 Å, ``rate`` times a frame, among twenty Na that only vibrate."""
    rng = np.random.default_rng(seed)
    cell = 15.0 * np.eye(3)
    hops = np.zeros((frames, 10, 3))
    axis = rng.integers(0, 3, (frames, 10, 1))
    size = 3.0 * rng.choice([-1.0, 1.0], (frames, 10, 1)) * (rng.random((frames, 10, 1)) < rate)
    np.put_along_axis(hops, axis, size, axis=2)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    places = (grid[:30] / 4.0) @ cell + rng.normal(scale=0.1, size=(frames, 30, 3))
    places[:, :10] += np.cumsum(hops, axis=0)
    trajectory = Trajectory(
        fractional=places @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("I",) * 10 + ("Na",) * 20,
        frame_step_ps=STEP_PS,
        temperature_k=600.0,
    )
    return analyse(trajectory, OPTIONS)


def test_the_time_that_is_named_brings_the_jumps() -> None:
    """At 0.004 hops a frame ten ions make 56 up to a lag of 1400 frames, of a run of 2000."""
    truth_ps = 2000 * STEP_PS
    found = [needed_times(report_of(500, 0.004, seed))[0] for seed in range(20)]
    assert {needed.species for needed in found} == {"I"}  # the framework is not asked about
    assert all(needed.run_ps < needed.least_ps < needed.expected_ps for needed in found)
    assert np.mean([needed.least_ps < truth_ps for needed in found]) >= 0.9
    # D = rate · a²/(6 Δt) is excluded as seldom.
    d_cm2_s = 0.004 * 9.0 / (6.0 * STEP_PS) * 1e-4
    assert np.mean([needed.limit_cm2_s > d_cm2_s for needed in found]) >= 0.9
    reached = [report_of(2600, 0.004, seed).species[0].diffusion.n_eff for seed in range(4)]
    assert np.mean(reached) > 56.0


def test_an_ion_that_never_jumped_needs_more_the_shorter_the_run() -> None:
    (short,), (long,) = (needed_times(report_of(frames, 0.0)) for frames in (200, 1000))
    assert long.limit_cm2_s < short.limit_cm2_s
    assert not np.isfinite(short.expected_ps)
    assert short.factor == pytest.approx(1.0 + 56.0 / (0.7 * 3.69), rel=0.02)
    # In the least time at the limit there would be 56 jumps.
    left = long.least_ps - long.run_ps
    assert 6.0 * 10 * long.limit_cm2_s * 1e4 * 0.7 * left / 9.0 == pytest.approx(56.0, rel=0.02)


def test_what_diffuses_lacks_nothing() -> None:
    report = report_of(4000, 0.02)
    assert report.species[0].diffusion.verdict == "diffusing"
    assert needed_lines(report) == []


def test_a_hotter_run_follows_arrhenius() -> None:
    hot = hotter_temperature(600.0, 10.0, 0.4)
    assert np.exp(0.4 / 8.617333e-5 * (1.0 / 600.0 - 1.0 / hot)) == pytest.approx(10.0)
    assert np.isnan(hotter_temperature(900.0, 1e4, 0.4))
    assert np.isnan(hotter_temperature(np.nan, 2.0, 0.4))


def test_sentences_say_limit_and_length() -> None:
    (line,) = needed_lines(report_of(1000, 0.0))
    assert line.startswith("I: slower than ")
    assert "cm²/s at 600 K." in line
    assert "N_eff = 56 takes" in line
    assert "if E_a is 0.4 eV" in line
    assert limit_sentence("I", 2.91e-8, 600.0) == "I: slower than 3.0e-8 cm²/s at 600 K."
    assert limit_sentence("I", np.inf, 600.0) == "I: no D is excluded."
    assert two_digits(1432.0) == "1400"


def test_the_pace_of_a_run_in_progress() -> None:
    text = pace_sentence({"Li": 80.0, "I": 4.0, "Br": 0.2}, 10.0)
    assert text == "N_eff = 56 takes, at the pace so far: I about 140 ps, Br more than 560 ps."
    assert pace_sentence({"Li": 80.0}, 10.0) == ""
    assert pace_sentence({"I": 4.0}, 0.0) == ""


REPORT = report_of(200, 0.0)
IODIDE = REPORT.species[0]


def needed_of(kelvin: float = 600.0, **changes: object):
    """What ten ions lack whose D is about 1e-6 cm²/s in a run of 100 ps."""
    usual = {
        "d_cm2_s": 1e-6, "low_cm2_s": 1e-7, "high_cm2_s": 4e-6, "n_eff": 16.0,
        "verdict": "not resolved", "flags": (), "one_jump_cm2_s": np.nan,
    }  # fmt: skip
    found = replace(IODIDE.diffusion, **(usual | changes))
    return needed_time(replace(IODIDE, diffusion=found), 100.0, kelvin)


def test_what_is_missing_comes_at_the_pace_of_the_limit_and_of_d_as_seen() -> None:
    """6 N D/a² jumps a ps of the longest lag, which is 0.7 of the run: 40 are missing of 56."""
    found = needed_of()
    pace = 6.0 * 10 * 0.7 / 9.0 * 1e4  # for 1 cm²/s
    assert found.least_ps == pytest.approx(100.0 + 40.0 / (pace * 4e-6))
    assert found.expected_ps == pytest.approx(100.0 + 40.0 / (pace * 1e-6))
    assert found.factor == pytest.approx(found.least_ps / 100.0)
    assert (found.limit_cm2_s, found.n_eff, found.run_ps) == (4e-6, 16.0, 100.0)
    assert (found.species, found.temperature_k, found.ea_ev) == ("I", 600.0, 0.4)
    assert found.hotter_k == pytest.approx(hotter_temperature(600.0, found.factor, 0.4))


@pytest.mark.parametrize(
    "changes",
    [{"low_cm2_s": 0.0}, {"low_cm2_s": -1e-7}, {"verdict": "vibrating"},
     {"flags": ("d_falls_with_length",)}, {"n_eff": 56.0}],
)  # fmt: skip
def test_a_d_that_is_not_seen_gives_no_expected_time(changes: dict[str, object]) -> None:
    assert needed_of(**changes).expected_ps == np.inf


def test_jumps_enough_and_no_line_yet_ask_for_twice_the_run() -> None:
    for n_eff in (56.0, 80.0):
        assert needed_of(n_eff=n_eff).least_ps == 200.0
    assert needed_of(n_eff=55.999).least_ps == pytest.approx(100.0, rel=1e-3)
    assert needed_of(n_eff=80.0, high_cm2_s=np.inf).least_ps == 200.0


@pytest.mark.parametrize("high", [np.inf, 0.0, -1e-6])
def test_without_a_limit_the_time_is_unknown(high: float) -> None:
    found = needed_of(high_cm2_s=high)
    assert found.limit_cm2_s == np.inf
    assert np.isnan(found.least_ps) and np.isnan(found.hotter_k)


def test_no_hotter_run_than_1500_k_is_proposed() -> None:
    """From 600 K to 1500 K D grows by exp(E_a/k (1/600 − 1/1500))."""
    most = np.exp(0.4 / 8.617333262e-5 * (1.0 / 600.0 - 1.0 / 1500.0))
    assert hotter_temperature(600.0, most * 0.999, 0.4) == pytest.approx(1500.0, rel=1e-3)
    assert np.isnan(hotter_temperature(600.0, most * 1.001, 0.4))
    assert np.isnan(hotter_temperature(600.0, 1e300, 0.4))  # beyond any temperature
    assert hotter_temperature(600.0, 1.0, 0.4) == pytest.approx(600.0)
    for kelvin in (0.0, -5.0, np.inf):
        assert np.isnan(hotter_temperature(kelvin, 2.0, 0.4))
    assert np.isnan(hotter_temperature(600.0, np.inf, 0.4))


def test_bound_and_held_groups_are_not_asked_about() -> None:
    def named(**changes: object) -> list[str]:
        return [found.species for found in needed_times(replace(REPORT, **changes))]

    iodide, sodium = REPORT.species
    assert named() == ["I"]  # sodium is the declared frame
    assert named(framework="centre of mass of the cell") == ["I", "Na"]
    assert named(framework="declared: Na, I") == []
    assert named(bonded_pairs=(("P", "I"),), framework="") == ["Na"]
    split = (replace(iodide, name="I(bound)"), replace(iodide, name="I(free)"), sodium)
    assert named(species=split, framework="") == ["I(free)", "Na"]
    moving = replace(iodide, diffusion=replace(iodide.diffusion, verdict="diffusing"))
    assert named(species=(moving, sodium), framework="") == ["Na"]
    found = needed_times(REPORT, ea_ev=0.25)[0]
    assert (found.run_ps, found.ea_ev) == (pytest.approx(199 * STEP_PS), 0.25)
