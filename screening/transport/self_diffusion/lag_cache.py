"""Squared displacements of one set of ions, lag by lag."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.self_diffusion._displacement_kernel import (
    even_moments,
    origin_tensors,
)
from dualion.screening.transport.self_diffusion.step_shape import GAUSSIAN, StepShape, step_shape

STILL_ANGSTROM2 = 1e-8
"""An MSD below this is rounding."""


class LagCache:
    """Squared displacements per origin of one set of ions, kept by lag."""

    def __init__(self, positions: NDArray[np.float64]) -> None:
        """Wrap positions of shape (frames, ions, 3), Å."""
        self.positions = positions
        self.n_frames, self.n_ions, _ = positions.shape
        self._tensors: dict[int, NDArray[np.float64]] = {}

    def tensor(self, lag: int) -> NDArray[np.float64]:
        """Return displacement tensor per origin, mean over ions, shape (6, frames − lag), Å²."""
        if lag not in self._tensors:
            self._tensors[lag] = origin_tensors(self.positions, lag) / self.n_ions
        return self._tensors[lag]

    def trace(self, lag: int) -> NDArray[np.float64]:
        """Return the mean over ions and directions, shape (frames − lag,), Å²."""
        return np.asarray(self.tensor(lag)[:3].mean(axis=0))

    def shape(self, lag: int) -> StepShape:
        """Return how the displacements over one lag are spread."""
        second, fourth = even_moments(self.positions, lag, max(1, lag // 4))
        if second <= STILL_ANGSTROM2:
            return GAUSSIAN
        return step_shape(self.tensor(lag), second, fourth, self.n_ions, lag)
