"""Request and result of a doping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dualion.screening.doping.configurations import DopedConfigurations
from dualion.screening.doping.doping_plan import DopingOptions, DopingPlan
from dualion.screening.doping.formula_unit_changes import FormulaUnitChange
from dualion.structures.crystal import IonicCrystal
from dualion.structures.ordered_ranking import OrderedRanking
from dualion.workflows.doping.relaxation import RelaxOptions

HOST = "host"
"""Name of the undoped supercell's files."""
STATUSES = ("relaxed", "not_converged", "failed", "stopped", "not_relaxed")


@dataclass(frozen=True, slots=True, kw_only=True)
class DopeRequest:
    """Request of a doping.

    Attributes:
        name: name of the host, for files and messages.
        host: the host.
        unit: the change.
        x: amount per formula unit; 0 for the host alone.
        configurations: largest number of configurations.
        doping: supercell, sites, seed.
        relaxation: limits; None to relax nothing.
        engine: name of the calculator.
        model_path: file of its parameters, or an empty text.
    """

    name: str
    host: IonicCrystal
    unit: FormulaUnitChange
    x: float
    configurations: int
    doping: DopingOptions = field(default_factory=DopingOptions)
    relaxation: RelaxOptions | None = field(default_factory=RelaxOptions)
    engine: str = "chgnet"
    model_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Outcome of one configuration.

    Attributes:
        name: name of its files.
        status: one of ``STATUSES``.
        reason: why it is not ``relaxed``.
        degeneracy: number of configurations that are equivalent by symmetry.
        estimate_ev: estimate before relaxing, eV.
        energy_ev: potential energy of the cell, eV; NaN where there is none.
        atoms: number of atoms.
        steps: steps of the relaxation.
        largest_force_ev_angstrom: residual force, eV/Å; NaN where there is none.
        volume_cubic_angstrom: volume of the last structure, Å³.
        seconds: wall time of the relaxation, s.
        file: path of its last structure below the folder.
    """

    name: str
    status: str
    reason: str
    degeneracy: int
    estimate_ev: float
    atoms: int
    energy_ev: float = float("nan")
    steps: int = 0
    largest_force_ev_angstrom: float = float("nan")
    volume_cubic_angstrom: float = float("nan")
    seconds: float = 0.0
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DopeResult:
    """Result of a doping.

    Attributes:
        plan: supercell and amounts.
        outcomes: configurations, in ascending energy, those without one at the end.
        host: the undoped supercell.
        found: the configurations and how they were found.
        ordering: how a disordered host was ordered; None of an ordered one.
        complete: whether every configuration was treated.
    """

    plan: DopingPlan
    outcomes: tuple[Outcome, ...]
    host: Outcome
    found: DopedConfigurations
    ordering: OrderedRanking | None
    complete: bool


def rank_outcomes(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Sort outcomes by energy; those without one come last, by their estimate."""
    return tuple(
        sorted(
            outcomes,
            key=lambda one: (
                not np.isfinite(one.energy_ev),
                one.energy_ev if np.isfinite(one.energy_ev) else one.estimate_ev,
            ),
        )
    )


def find_lowest(outcomes: Sequence[Outcome]) -> Outcome | None:
    """Find the lowest relaxed configuration; an unconverged one only where none converged."""
    for status in ("relaxed", "not_converged"):
        of_status = [outcome for outcome in rank_outcomes(outcomes) if outcome.status == status]
        if of_status:
            return of_status[0]
    return None


def format_name(number: int) -> str:
    """Format the name of a configuration's files."""
    return f"{number:03d}"
