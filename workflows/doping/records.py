"""What ``dualion dope`` is asked for, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dualion.screening.doping.configurations import DopedConfigurations, DopingOptions, DopingPlan
from dualion.screening.doping.formula_unit_changes import ChangeUnit
from dualion.structures.crystal import IonicCrystal
from dualion.structures.ordered_ranking import OrderedRanking
from dualion.workflows.doping.relaxation import RelaxOptions

HOST = "host"
"""Name of the undoped supercell's files."""
STATUSES = ("relaxed", "not_converged", "failed", "stopped", "not_relaxed")


@dataclass(frozen=True, slots=True, kw_only=True)
class DopeRequest:
    """What is asked for.

    Attributes:
        name: name of the host, for files and messages.
        host: the host.
        unit: the change.
        x: amount per formula unit; 0 for the host alone.
        configurations: largest number of configurations.
        doping: supercell, sites, seed.
        relaxation: limits; ``None`` where nothing is relaxed.
        engine: name of the calculator.
        model_path: file of its parameters, or an empty text.
    """

    name: str
    host: IonicCrystal
    unit: ChangeUnit
    x: float
    configurations: int
    doping: DopingOptions = field(default_factory=DopingOptions)
    relaxation: RelaxOptions | None = field(default_factory=RelaxOptions)
    engine: str = "chgnet"
    model_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What became of one configuration.

    Attributes:
        name: name of its files.
        status: one of ``STATUSES``.
        reason: why, where it is not ``relaxed``.
        degeneracy: configurations that symmetry relates to it.
        estimate_ev: estimate before relaxing, eV.
        energy_ev: eV; NaN where there is none.
        atoms: how many.
        steps: steps of the relaxation.
        largest_force_ev_angstrom: eV/Å; NaN where there is none.
        volume_cubic_angstrom: Å³, after relaxing where it was.
        seconds: wall time of the relaxation.
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
    """A finished doping.

    Attributes:
        plan: supercell and amounts.
        outcomes: configurations, in ascending energy, those without one at the end.
        host: the undoped supercell.
        found: how the configurations came about.
        ordering: how a disordered host was ordered; ``None`` of an ordered one.
        complete: whether every configuration was worked on.
    """

    plan: DopingPlan
    outcomes: tuple[Outcome, ...]
    host: Outcome
    found: DopedConfigurations
    ordering: OrderedRanking | None
    complete: bool


def rank_outcomes(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """In ascending energy; those without one by their estimate, at the end."""
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
    """The lowest relaxed configuration; an unfinished one only where none is finished."""
    for status in ("relaxed", "not_converged"):
        of_status = [outcome for outcome in rank_outcomes(outcomes) if outcome.status == status]
        if of_status:
            return of_status[0]
    return None


def format_name(number: int) -> str:
    """Name of a configuration's files."""
    return f"{number:03d}"
