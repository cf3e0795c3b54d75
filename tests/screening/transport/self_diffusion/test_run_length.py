"""D of the halves of a run against that of the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.self_diffusion import run_length
from dualion.screening.transport.self_diffusion.coefficient import Diffusion, diffusion
from dualion.screening.transport.self_diffusion.run_length import FALLS, flag_falling


def caged(rng: np.random.Generator, frames: int, ions: int, memory: float) -> NDArray[np.float64]:
    """Motion in a harmonic cage that is forgotten after ``memory`` frames, Å."""
    keep = np.exp(-1.0 / memory)
    kicks = rng.normal(scale=1.2 * np.sqrt(1.0 - keep**2), size=(frames, ions, 3))
    places = [rng.normal(scale=1.2, size=(ions, 3))]
    for kick in kicks[1:]:
        places.append(keep * places[-1] + kick)
    return np.array(places) + rng.normal(scale=0.2, size=(frames, ions, 3))


def flagged(walk: NDArray[np.float64]) -> bool:
    found = diffusion(walk, STEP_PS, earliest_ps=1.0)
    checked = flag_falling(found, walk, STEP_PS, 1.0)
    assert (checked.verdict == "not resolved") or FALLS not in checked.flags
    return FALLS in checked.flags


def test_a_cage_that_the_halves_do_not_see_is_flagged() -> None:
    rng = np.random.default_rng(30)
    assert np.mean([flagged(caged(rng, 600, 40, 80.0)) for _ in range(20)]) > 0.5


def test_a_walk_is_the_same_in_halves() -> None:
    rng = np.random.default_rng(31)
    assert not any(flagged(gaussian_walk(rng, 400, 20)) for _ in range(40))


def ramp(d: float, error: float, **changes: object) -> Diffusion:
    return replace(BASE, d_cm2_s=d, error_cm2_s=error, flags=(), **changes)


RUN = gaussian_walk(np.random.default_rng(32), 60, 5)
BASE = replace(diffusion(RUN, STEP_PS), verdict="not resolved")


def checked(monkeypatch: pytest.MonkeyPatch, found: Diffusion, halves: list[Diffusion]):
    """Flags where the halves have the results that are given; and how they were asked for."""
    asked = []

    def half(positions: np.ndarray, step_ps: float, *, earliest_ps: float) -> Diffusion:
        asked.append((positions.copy(), step_ps, earliest_ps))
        return halves[len(asked) - 1]

    monkeypatch.setattr(run_length, "diffusion", half)
    return flag_falling(found, RUN, STEP_PS, 0.5), asked


def test_halves_differ_beyond_their_combined_error_and_a_quarter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Halves of error 0.6 and 0.8 have a mean of error 0.5; 2.58 of it and of the whole's 1.2
    together (1.3) is 3.354."""

    def falls(whole: float, excess: float) -> bool:
        halves = [ramp(whole + excess - 1.0, 0.6), ramp(whole + excess + 1.0, 0.8)]
        return FALLS in checked(monkeypatch, ramp(whole, 1.2), halves)[0].flags

    assert falls(5.0, 3.37)
    assert not falls(5.0, 3.33)
    assert falls(13.6, 3.43)  # a quarter of the whole is 3.40
    assert not falls(13.6, 3.37)
    assert falls(13.6, 3.4 + 1e-9)


def test_a_negative_whole_counts_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = [ramp(3.4, 0.6), ramp(3.4, 0.8)]
    assert FALLS in checked(monkeypatch, ramp(-1.0, 1.2), halves)[0].flags
    halves = [ramp(3.3, 0.6), ramp(3.3, 0.8)]
    assert FALLS not in checked(monkeypatch, ramp(-1.0, 1.2), halves)[0].flags


def test_the_halves_are_the_run_s_and_start_within_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = checked(monkeypatch, ramp(1.0, 0.1), [ramp(1.0, 0.1)] * 2)
    np.testing.assert_array_equal(np.concatenate([part for part, _, _ in asked]), RUN)
    assert [len(part) for part, _, _ in asked] == [30, 30]
    assert [ask[1:] for ask in asked] == [(STEP_PS, pytest.approx(0.3))] * 2
    assert found.flags == ()


@pytest.mark.parametrize(("frames", "asked"), [(40, True), (39, False)])
def test_halves_of_twenty_frames_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, frames: int, asked: bool
) -> None:
    called = []
    monkeypatch.setattr(run_length, "diffusion", lambda *_, **__: called.append(1) or BASE)
    flag_falling(BASE, RUN[:frames], STEP_PS, 0.5)
    assert bool(called) is asked
    called.clear()
    for verdict in ("vibrating", "rotating", "ballistic"):
        assert flag_falling(replace(BASE, verdict=verdict), RUN, STEP_PS, 0.5).verdict == verdict
    assert not called
