"""Compile the kernels of a screening once on a machine; ``python -m`` fills a node's cache."""

from __future__ import annotations

import functools

import numpy as np

from dualion.screening.screen import screen_crystal
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.crystal import IonicCrystal
from dualion.workflows.campaign.tasks import Work, screen_job, screen_structure


def make_ready(work: Work) -> None:
    """Load what the work needs, before its time is measured."""
    if work in (screen_job, screen_structure):
        warm_up()


@functools.cache
def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache.

    Run it once on a machine before several workers start: caches that several processes build
    at once can break (numba issue 4807).
    """
    rock_salt = IonicCrystal(
        cell=np.diag([4.0, 4.0, 4.0]),
        frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]),
        numbers=np.array([3, 9]),
        charges=np.array([1.0, -1.0]),
        occupancies=np.ones(2),
    )
    screen_crystal(rock_salt, ScreenOptions())


if __name__ == "__main__":
    warm_up()
