"""Read the output of a call of VASP: frames by MD step, and CONTCAR as a restart.

VASP evaluates configuration n of a call (n from one) and then moves the atoms, so CONTCAR holds
the positions of the step after, with the velocities and the thermostat's predictor lines. XDATCAR
and vasprun.xml hold the evaluated configurations, OSZICAR their energy and temperature. A killed
run may have each of these truncated at a different step; what they agree on counts.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import DualionError
from dualion.structures.trajectories.text import lines
from dualion.structures.trajectories.types import FrameStream, TruncatedFileError
from dualion.structures.trajectories.vasp.vasprun import read_vasprun
from dualion.structures.trajectories.vasp.xdatcar import read_xdatcar

Array = NDArray[np.float64]

HELD = 6
"""Number of configurations at the end of a call that are compared with CONTCAR."""

AHEAD = 3
"""Most steps by which CONTCAR may be ahead of the configurations on disk."""

SAME = 2e-7
"""Largest fractional difference of equal positions that are printed to eight digits."""

LARGEST_CONTCAR_BYTES = 100_000_000
OSZICAR_LINE = re.compile(
    r"^\s*(\d+)\s+T=\s*([-+.\dEe]+)\s+E=\s*([-+.\dEe]+)\s+F=\s*([-+.\dEe]+)"
    r"\s+E0=\s*([-+.\dEe]+)\s+EK=\s*([-+.\dEe]+)"
)


@dataclass(slots=True)
class Configurations:
    """Evaluated configurations of one call.

    Attributes:
        kept: number (from one) → fractional positions, shape (n, 3), at steps of the trajectory.
        energies_ev: number → potential energy of the same, eV.
        last: number → fractional positions of the last few.
        count: number of the last one.
    """

    kept: dict[int, Array] = field(default_factory=dict)
    energies_ev: dict[int, float] = field(default_factory=dict)
    last: dict[int, Array] = field(default_factory=dict)
    count: int = 0

    def add(self, number: int, positions: Array, energy_ev: float, *, keep: bool) -> None:
        """Add the next configuration.

        Args:
            number: its number, from one.
            positions: fractional, shape (n, 3).
            energy_ev: potential energy, eV.
            keep: whether its step is one of the trajectory.
        """
        if keep:
            self.kept[number] = positions
            self.energies_ev[number] = energy_ev
        self.last[number] = positions
        self.last.pop(number - HELD, None)
        self.count = number


def read_configurations(
    folder: Path, symbols: tuple[str, ...], *, from_step: int, stride: int
) -> Configurations:
    """Read the configurations of vasprun.xml, and of XDATCAR where that reaches farther.

    Args:
        folder: in which VASP ran.
        symbols: chemical symbols of the n atoms, in VASP's order.
        from_step: MD step of configuration 1.
        stride: MD steps between two frames of the trajectory.
    """
    found = Configurations()
    stream = _open_stream(folder / "vasprun.xml", symbols)
    if stream is not None:
        _collect(found, stream, from_step, stride, numbered=False)
    stream = _open_stream(folder / "XDATCAR", symbols)
    if stream is not None:
        _collect(found, stream, from_step, stride, numbered=True)
    return found


def _open_stream(path: Path, symbols: tuple[str, ...]) -> FrameStream | None:
    try:
        stream = read_vasprun(path) if path.name == "vasprun.xml" else read_xdatcar(path)
    except (DualionError, TruncatedFileError, OSError):
        return None
    return stream if stream.symbols == symbols else None


def _collect(
    found: Configurations, stream: FrameStream, from_step: int, stride: int, *, numbered: bool
) -> None:
    """Add the configurations after the last one, up to the first damage of the file."""
    try:
        for place, frame in enumerate(stream.frames, start=1):
            number = frame.step if numbered else place
            if number in found.last and not _same(found.last[number], frame.positions):
                return  # not the same run, or numbered in another way
            if number != found.count + 1 or not np.isfinite(frame.positions).all():
                continue
            keep = (from_step + number - 1) % stride == 0
            found.add(number, frame.positions, frame.energy_ev, keep=keep)
    except (DualionError, TruncatedFileError, OSError):
        return


def read_oszicar(path: Path) -> dict[int, tuple[float, float]]:
    """Read OSZICAR: number of each ionic step → temperature, K, and energy without smearing, eV."""
    found: dict[int, tuple[float, float]] = {}
    try:
        for line in lines(path):
            match = OSZICAR_LINE.match(line)
            if match and line.endswith("\n"):
                found[int(match.group(1))] = float(match.group(2)), float(match.group(5))
    except (DualionError, TruncatedFileError, OSError, ValueError):
        pass
    return found


def identify_contcar(content: bytes, configurations: Configurations, atoms: int) -> int | None:
    """Identify the configuration in a CONTCAR; None where it is incomplete or ambiguous.

    Its positions are those of an evaluated configuration, or follow the last few of them.

    Args:
        content: of the file.
        configurations: of the same call.
        atoms: number n of atoms.

    Returns:
        The number that the configuration has, or will have once it is evaluated.
    """
    positions = read_contcar_positions(content, atoms)
    last = configurations.last
    if positions is None or len(last) < 3:
        return None
    for number, known in last.items():
        if _same(known, positions):
            return number
    path = _path(last)
    step = np.abs(path[-1] - path[-2]).max()
    misses = {
        ahead: float(np.abs(_difference(positions, _extrapolate(path, ahead))).max())
        for ahead in range(1, AHEAD + 1)
    }
    best = min(misses, key=lambda ahead: misses[ahead])
    return configurations.count + best if misses[best] < 0.5 * step + SAME else None


def read_contcar_positions(content: bytes, atoms: int) -> Array | None:
    """Read the fractional positions of a CONTCAR, shape (n, 3); None where it is incomplete.

    Args:
        content: of the file; it holds velocities too.
        atoms: number n of atoms.
    """
    text = content.decode("utf-8", errors="replace")
    rows = text.splitlines()
    at = next((i for i, row in enumerate(rows[:14]) if row.strip()[:1] in ("D", "d") and i > 4), 0)
    if not at or not text.endswith("\n"):
        return None
    block, velocities = rows[at + 1 : at + 1 + atoms], rows[at + 2 + atoms : at + 2 + 2 * atoms]
    rest = [row for row in rows[at + 2 + 2 * atoms :] if row.strip()]
    if rest and len(rest) < 3 * atoms:  # the predictor's lines are truncated
        return None
    try:
        positions = np.array([row.split()[:3] for row in block], dtype=np.float64)
        speeds = np.array([row.split()[:3] for row in velocities], dtype=np.float64)
    except ValueError:
        return None
    complete = positions.shape == speeds.shape == (atoms, 3)
    finite = complete and np.isfinite(positions).all() and np.isfinite(speeds).all()
    return positions if finite else None


def _path(last: dict[int, Array]) -> list[Array]:
    """The last consecutive configurations, unwrapped; at most five."""
    numbers = sorted(last)
    run: deque[int] = deque([numbers[-1]])
    while len(run) < 5 and run[0] - 1 in last:
        run.appendleft(run[0] - 1)
    path = [last[run[0]]]
    for number in list(run)[1:]:
        path.append(path[-1] + _difference(last[number], path[-1]))
    return path


def _extrapolate(path: list[Array], ahead: int) -> Array:
    """Extrapolate a path by some steps with the polynomial through its points."""
    count = len(path)
    weights = np.ones(count)
    for i in range(count):
        for j in range(count):
            if i != j:
                weights[i] *= (count - 1 + ahead - j) / (i - j)
    return np.asarray(np.tensordot(weights, np.stack(path), axes=1))


def _difference(first: Array, second: Array) -> Array:
    """Difference of fractional positions to the nearest image."""
    apart = first - second
    return np.asarray(apart - np.round(apart))


def _same(first: Array, second: Array) -> bool:
    return first.shape == second.shape and bool(np.abs(_difference(first, second)).max() < SAME)
