"""D of the halves of a run against that of the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from walks import STEP_PS, gaussian_walk

from dualion.screening.transport.self_diffusion.coefficient import diffusion
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
