"""Unit styles of LAMMPS in Å, ps and eV, and which of them a run used.

Styles: https://docs.lammps.org/units.html. A dump names its style only where it was asked to
(``dump_modify units yes``); the input or the log beside it does otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.constants import N_A as AVOGADRO
from scipy.constants import atomic_mass, calorie, k, physical_constants

from dualion.structures.trajectories.types import UnreadableTrajectoryError

EV_J = physical_constants["electron volt"][0]
BOHR_ANGSTROM = physical_constants["Bohr radius"][0] * 1e10
HARTREE_EV = physical_constants["Hartree energy in eV"][0]

INPUT_BYTES = 4_000_000
"""What is read of an input or log; its commands stand at its head."""

MOST_INPUTS = 20
"""Files beside a dump that are looked into."""

INPUT_NAMES = ("log.*", "*.log", "in.*", "*.in", "*.lmp", "*.lammps")


@dataclass(frozen=True, slots=True, kw_only=True)
class LammpsUnits:
    """A unit style.

    Attributes:
        style: its name.
        length_angstrom: unit of length, Å.
        time_ps: unit of time, ps.
        energy_ev: unit of energy, eV.
        velocity_m_s: unit of velocity, m/s.
        timestep: what LAMMPS takes where the input sets none, in the unit of time.
    """

    style: str
    length_angstrom: float
    time_ps: float
    energy_ev: float
    velocity_m_s: float
    timestep: float


def _style(
    style: str, length: float, time: float, energy: float, velocity: float, timestep: float
) -> LammpsUnits:
    return LammpsUnits(
        style=style,
        length_angstrom=length,
        time_ps=time,
        energy_ev=energy,
        velocity_m_s=velocity,
        timestep=timestep,
    )


STYLES = {
    units.style: units
    for units in (
        _style("metal", 1.0, 1.0, 1.0, 1e2, 1e-3),
        _style("real", 1.0, 1e-3, 1e3 * calorie / AVOGADRO / EV_J, 1e5, 1.0),
        # Velocities are in Bohr per atomic time unit, which LAMMPS gives as 1.03275e-15 s.
        _style(
            "electron", BOHR_ANGSTROM, 1e-3, HARTREE_EV, BOHR_ANGSTROM * 1e-10 / 1.03275e-15, 1e-3
        ),
        _style("si", 1e10, 1e12, 1.0 / EV_J, 1.0, 1e-8),
        _style("cgs", 1e8, 1e12, 1e-7 / EV_J, 1e-2, 1e-8),
        _style("micro", 1e4, 1e6, 1e-15 / EV_J, 1.0, 2.0),
        _style("nano", 10.0, 1e3, 1e-21 / EV_J, 1.0, 4.5e-4),
    )
}
"""All styles but ``lj``, whose units are the model's own."""

KINETIC_FACTOR = 1.6
"""A style whose velocities give the printed temperature within this factor is the run's."""


def units_of_style(style: str, name: str) -> LammpsUnits:
    """Units of a style.

    Args:
        style: its name.
        name: of the file, for the message.

    Raises:
        UnreadableTrajectoryError: the style is ``lj`` or unknown.
    """
    found = STYLES.get(style.strip().lower())
    if found is None:
        raise UnreadableTrajectoryError(
            f"{name} is in LAMMPS units {style.strip()[:20]!r}, which no length in Å belongs to; "
            "convert it to metal or real units.",
            reason="unknown_units",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class LammpsRun:
    """What the input or log beside a dump says.

    Attributes:
        style: name of its unit style.
        timestep: MD step in the unit of time, or NaN where it changes.
    """

    style: str
    timestep: float = np.nan


def run_beside(path: Path) -> LammpsRun | None:
    """The LAMMPS run that wrote a dump, by an input or log beside it that names the file.

    None where there is no such file, or where two of them do not agree.
    """
    name = path.name.removesuffix(".gz")
    candidates = sorted({p for kind in INPUT_NAMES for p in path.parent.glob(kind) if p != path})
    runs = []
    for candidate in candidates[:MOST_INPUTS]:
        text = _head(candidate)
        wrote = re.search(rf"^\s*dump\s.*[\s/]{re.escape(name)}(\s|$)", text, re.MULTILINE)
        run = _run(text) if wrote else None
        if run is not None:
            runs.append(run)
    styles = {run.style for run in runs}
    if len(styles) != 1:
        return None
    steps = {run.timestep for run in runs if np.isfinite(run.timestep)}
    return LammpsRun(style=styles.pop(), timestep=steps.pop() if len(steps) == 1 else np.nan)


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(INPUT_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _run(text: str) -> LammpsRun | None:
    """Units and MD step of an input; None where another file or a variable holds the units."""
    styles = re.findall(r"^\s*units\s+(\w+)", text, re.MULTILINE)
    if not styles:
        return None
    style = styles[-1].lower()
    changes = re.search(r"^\s*fix\s+\S+\s+\S+\s+dt/reset", text, re.MULTILINE)
    given = set(re.findall(r"^\s*timestep\s+([-+.\deE]+)\s*(?:#.*)?$", text, re.MULTILINE))
    unknown = re.search(r"^\s*timestep\s+[^-+.\d\s]", text, re.MULTILINE) and not given
    if changes or unknown or len(given) > 1 or style not in STYLES:
        return LammpsRun(style=style)
    try:
        timestep = float(given.pop()) if given else STYLES[style].timestep
    except ValueError:
        return LammpsRun(style=style)
    return LammpsRun(style=style, timestep=timestep if 0.0 < timestep < np.inf else np.nan)


def style_by_velocities(
    velocities: NDArray[np.float64], symbols: Sequence[str], temperature_k: float
) -> str:
    """The style in which velocities have the kinetic energy of a temperature, or nothing.

    Args:
        velocities: shape (n, 3), in the run's units.
        symbols: chemical symbol of each atom, length n.
        temperature_k: what the run printed with them, K.
    """
    from ase.data import atomic_masses, atomic_numbers

    known = all(symbol in atomic_numbers for symbol in symbols)
    if not known or len(symbols) < 2 or not 1.0 < temperature_k < np.inf:
        return ""
    masses_kg = atomic_masses[[atomic_numbers[s] for s in symbols]] * atomic_mass
    if not (np.abs(velocities) < 1e100).all():
        return ""
    momentum = float((masses_kg[:, None] * velocities**2).sum())
    for style in ("metal", "real", "electron"):
        twice_kinetic_j = momentum * STYLES[style].velocity_m_s ** 2
        ratio = twice_kinetic_j / (3.0 * (len(symbols) - 1) * k * temperature_k)
        if 1.0 / KINETIC_FACTOR < ratio < KINETIC_FACTOR:
            return style
    return ""
