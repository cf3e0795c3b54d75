"""Undo the folding of atoms into the cell, in fractional space, one frame at a time.

Working on fractional coordinates keeps a barostat's change of the cell apart from the motion
of the atoms. A step of half a cell cannot be told from its fold and is refused. An atom that
outruns every thermal speed in a few frames of a run was renumbered or re-imaged there, which
is refused too, as are atoms of one element that change places within less than a vibration;
where it happens all the time (a lattice model, a wrong time step) it is a flag.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.constants import atomic_mass, k

from dualion.structures.trajectories.types import UnreadableTrajectoryError

AMBIGUOUS_STEP = 0.45
"""A step above this fraction of a lattice vector may as well be its complement."""

SPEED_FACTOR = 12.0
"""Refused: faster than this many thermal speeds √(kT/m), between two frames."""

SLACK_ANGSTROM = 1.0
"""Added to the speed limit: rounding, and the fall of an ion off a barrier."""

SLOW_FACTOR = 5.0
"""A mean square step beyond that of this many thermal speeds is no motion of atoms in that time:
in equilibrium it is at most that of free flight, √3 thermal speeds."""

RARE_SHARE = 0.02
"""Impossible steps in at most this share of the frames are faults, not the model."""

SWAP_ANGSTROM = 1.8
"""A step shorter than this is no change of places."""

LANDING_ANGSTROM = 1.0
"""An atom this near to where another was has taken its place."""

SWAP_PS = 0.15
"""Within a shorter time, less than a period of vibration, ions cannot go round in a ring."""

HOT_K = 1500.0
"""Temperature of the speed limit where the run's is unknown or lower, K."""


def speed_limits(
    masses_u: NDArray[np.float64], frame_step_ps: float, temperature_k: float
) -> NDArray[np.float64]:
    """Return the longest believable step of each atom between two frames, shape (n,), Å.

    Args:
        masses_u: shape (n,), u.
        frame_step_ps: time between two frames, ps.
        temperature_k: K; not finite where it is not known.
    """
    hottest = max(HOT_K, temperature_k) if np.isfinite(temperature_k) else HOT_K
    speed_m_s = np.sqrt(k * hottest / (masses_u * atomic_mass))
    return np.asarray(SPEED_FACTOR * speed_m_s * 1e-2 * frame_step_ps + SLACK_ANGSTROM)


class Unwrapper:
    """Follows the atoms from frame to frame."""

    def __init__(
        self,
        limits_angstrom: NDArray[np.float64],
        *,
        declared: bool,
        kinds: NDArray[np.int64] | None = None,
    ) -> None:
        """Set up.

        Args:
            limits_angstrom: shape (n,), longest believable step, Å.
            declared: the format promises unwrapped positions, so steps are not folded.
            kinds: shape (n,), a number for each element, where the frames are so close in time
                that atoms of one element cannot change places between two of them.
        """
        self._limits = limits_angstrom
        self._kinds = kinds
        self._declared = declared
        self._last_raw: NDArray[np.float64] | None = None
        self._last = np.empty(0)
        self.folds = 0
        """How many atoms were unfolded so far."""
        self.beyond_cell = False
        """Whether the input's positions spread over more than one cell."""
        self.impossible_frames = 0
        """In how many frames an atom outran every thermal speed."""
        self._frames = 0
        self._squares = np.zeros(len(limits_angstrom))
        self._first_impossible = ""
        self._last_impossible = 0

    def add(
        self, fractional: NDArray[np.float64], cell: NDArray[np.float64], number: int
    ) -> NDArray[np.float64]:
        """Return the unwrapped fractional coordinates of the next frame, shape (n, 3).

        Args:
            fractional: shape (n, 3), fractional coordinates as read.
            cell: shape (3, 3), Å, rows are lattice vectors.
            number: number of the frame, for messages.

        Raises:
            UnreadableTrajectoryError: an atom jumps; the message names frame and atom.
        """
        if self._last_raw is None:
            self._last_raw, self._last = fractional, fractional.copy()
            self.beyond_cell = _spreads(fractional)
            return self._last
        self._frames += 1
        raw = fractional - self._last_raw
        turns = np.zeros_like(raw) if self._declared else np.rint(raw)
        step = raw - turns
        self._check(step, cell, number)
        self.folds += int(np.count_nonzero(turns))
        self.beyond_cell = self.beyond_cell or _spreads(fractional)
        self._last_raw = fractional
        self._last = self._last + step
        return self._last

    def _check(self, step: NDArray[np.float64], cell: NDArray[np.float64], number: int) -> None:
        worst = np.abs(step).max(axis=1)
        atom = int(worst.argmax())
        if worst[atom] > AMBIGUOUS_STEP:
            raise UnreadableTrajectoryError(
                f"Frame {number}: atom {atom + 1} moves by {worst[atom]:.2f} of the cell in one "
                "frame, half a cell or more within error, so its image cannot be followed. The "
                "frames are too far apart, shuffled, or from different runs.",
                reason="jump_over_half_cell",
            )
        lengths = np.linalg.norm(step @ cell, axis=1)
        if self._kinds is not None and self._last_raw is not None:
            self._check_places(self._last_raw, step, lengths, cell, number)
        self._squares += lengths**2
        excess = lengths - self._limits
        atom = int(excess.argmax())
        if excess[atom] > 0.0:
            self._suspect(
                f"Frame {number}: atom {atom + 1} moves by {lengths[atom]:.2f} Å in one frame, "
                f"over the {self._limits[atom]:.2f} Å that any thermal speed allows. The atoms "
                "are shuffled, frames are missing, or the time step is too small.",
                number,
            )

    def _check_places(
        self,
        before: NDArray[np.float64],
        step: NDArray[np.float64],
        lengths: NDArray[np.float64],
        cell: NDArray[np.float64],
        number: int,
    ) -> None:
        """Suspect a frame in which atoms of one element stand in each other's places."""
        far = np.flatnonzero(lengths > SWAP_ANGSTROM)
        if len(far) < 2 or self._kinds is None:
            return
        apart = (before[far] + step[far])[:, None] - before[far]
        distance = np.linalg.norm((apart - np.rint(apart)) @ cell, axis=2)
        distance[self._kinds[far][:, None] != self._kinds[far]] = np.inf
        landed = np.where(distance.min(axis=1) < LANDING_ANGSTROM, distance.argmin(axis=1), -1)
        ring = _ring(landed.tolist())
        if ring:
            atoms = ", ".join(str(int(far[i]) + 1) for i in ring[:6])
            self._suspect(
                f"Frame {number}: atoms {atoms} of one element stand in each other's places "
                "within less than a vibration. The atoms are shuffled; write them in one order.",
                number,
            )

    def _suspect(self, message: str, number: int) -> None:
        """Remember a frame that cannot be true, the first one with its message."""
        if number != self._last_impossible:
            self.impossible_frames += 1
        self._last_impossible = number
        self._first_impossible = self._first_impossible or message

    @property
    def too_fast(self) -> bool:
        """Whether the atoms outrun free flight all the time: the frames are further apart."""
        thermal = (self._limits - SLACK_ANGSTROM) / SPEED_FACTOR
        mean = self._squares / max(self._frames, 1)
        return bool(np.mean(mean / thermal**2) > SLOW_FACTOR**2)

    def finish(self) -> None:
        """Judge the run as a whole.

        Raises:
            UnreadableTrajectoryError: a few frames hold a step that is too fast to be true.
        """
        if 0 < self.impossible_frames <= max(3.0, RARE_SHARE * self._frames):
            raise UnreadableTrajectoryError(self._first_impossible, reason="impossible_step")


def _ring(landed: list[int]) -> list[int]:
    """A closed ring of atoms of which each took the next one's place, or nothing.

    Args:
        landed: for each atom, whose place it took; −1 for nobody's.
    """
    for start in range(len(landed)):
        way: list[int] = []
        at = start
        while at >= 0 and at not in way:
            way.append(at)
            at = landed[at]
        if at == start and len(way) > 1:
            return way
    return []


def _spreads(fractional: NDArray[np.float64]) -> bool:
    return bool((np.ptp(fractional, axis=0) > 1.0 + 1e-6).any())
