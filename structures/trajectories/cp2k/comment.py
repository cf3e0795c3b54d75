"""CP2K's comment line of an XYZ frame: ``i = 12, time = 6.000, E = -3.1``, fs and Hartree."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from scipy.constants import physical_constants

from dualion.structures.trajectories.text import step_number

HARTREE_EV = physical_constants["Hartree energy in eV"][0]
STEP = re.compile(r"^\s*i\s*=\s*(\d+)")
TIME = re.compile(r"\btime\s*=\s*([^,\s]+)")
ENERGY = re.compile(r"\bE\s*=\s*([^,\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cp2kComment:
    """What a comment says.

    Attributes:
        step: number of the MD step.
        time_ps: time, ps, or NaN.
        energy_ev: potential energy, eV, or NaN.
    """

    step: int
    time_ps: float
    energy_ev: float


def read_comment(comment: str) -> Cp2kComment | None:
    """Read a comment line; None where it is not CP2K's."""
    found = STEP.match(comment)
    if found is None:
        return None
    return Cp2kComment(
        step=step_number(found.group(1)),
        time_ps=_value(TIME, comment) * 1e-3,
        energy_ev=_value(ENERGY, comment) * HARTREE_EV,
    )


def _value(pattern: re.Pattern[str], comment: str) -> float:
    """A number, or NaN where it is missing or did not fit its field."""
    found = pattern.search(comment)
    try:
        return float(found.group(1)) if found else np.nan
    except ValueError:
        return np.nan
