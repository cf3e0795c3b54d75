"""What the user chooses of an analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dualion.structures.errors import InputError

EARLIEST_PS = 1.0
"""Vibrations of a solid are forgotten after about this time, ps; a fit that starts earlier
needs more frames than most runs have to see that it is biased."""


PosteriorChoice = Literal["auto", "kinisi", "closed form"]
POSTERIORS: tuple[PosteriorChoice, ...] = ("auto", "kinisi", "closed form")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisOptions:
    """What the user chooses.

    Attributes:
        framework: immobile elements; empty takes the polyanion centres.
        charges_e: element → charge, e; the usual valence where missing.
        temperature_k: temperature, K; NaN takes the trajectory's.
        hop_length_angstrom: length of a jump, Å; NaN takes the like-neighbour distance.
        earliest_ps: fits start no earlier than this, ps, nor than a tenth of the run if that
            is shorter.
        longest_angstrom: range of the radial distributions, Å.
        with_structure: whether to compute radial distributions.
        with_density: whether to compute density maps and jumps of what is not caged.
        with_kinisi: whether kinisi is called at all where it is installed.
        posterior: what gives D and its interval. ``auto``: kinisi's posterior where kinisi is
            installed and its assumptions hold (``posterior_choice.kinisi_fits``), else the
            closed form; ``kinisi``: wherever ions may diffuse; ``closed form``: everywhere.
    """

    framework: tuple[str, ...] = ()
    charges_e: Mapping[str, float] = field(default_factory=dict)
    temperature_k: float = np.nan
    hop_length_angstrom: float = np.nan
    earliest_ps: float = EARLIEST_PS
    longest_angstrom: float = 8.0
    with_structure: bool = True
    with_density: bool = True
    with_kinisi: bool = True
    posterior: PosteriorChoice = "auto"

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            InputError: a length or time is not positive, or a charge is no number.
        """
        if not (np.isnan(self.hop_length_angstrom) or 0.0 < self.hop_length_angstrom < np.inf):
            raise InputError(
                f"The length of a jump is {self.hop_length_angstrom} Å; give one over 0 with "
                "--hop-length, or none for the like-neighbour distance."
            )
        if not 0.0 <= self.earliest_ps < np.inf:
            raise InputError(f"Fits cannot start after {self.earliest_ps} ps; give 0 ps or more.")
        if not 0.0 < self.longest_angstrom < np.inf:
            raise InputError(
                f"The range of radial distributions is {self.longest_angstrom} Å; give one over 0."
            )
        unknown = [element for element, e in self.charges_e.items() if not np.isfinite(e)]
        if unknown:
            raise InputError(f"The charge of {', '.join(unknown)} is no number; give one in e.")
