"""Several runs of one system: replicas of a temperature together, temperatures in a line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dualion.screening.transport.arrhenius import Arrhenius, arrhenius
from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.report import TransportReport
from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.structures.trajectories.types import TEMPERATURE_RAMP


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CombinedIon:
    """One group of ions at one temperature, over all its runs.

    Attributes:
        species: name of the group.
        temperature_k: temperature, K.
        runs: number of runs.
        diffusion: D, verdict and flags of all runs together.
    """

    species: str
    temperature_k: float
    runs: int
    diffusion: Diffusion


def shared_names(reports: Sequence[TransportReport]) -> tuple[list[str], list[str]]:
    """Names of the groups of ions that all runs hold, and of the other groups.

    Args:
        reports: one for each run.
    """
    runs = [{species.name for species in report.species} for report in reports]
    names = dict.fromkeys(species.name for report in reports for species in report.species)
    shared = [name for name in names if all(name in run for run in runs)]
    return shared, [name for name in names if name not in shared]


def combine_runs(reports: Sequence[TransportReport]) -> list[CombinedIon]:
    """Combine the runs of each temperature, for each group of ions that all runs hold.

    Runs without a single temperature are left out.

    Args:
        reports: one for each run; replicas where their temperatures agree within 0.1 K.
    """
    steady = [
        report
        for report in reports
        if TEMPERATURE_RAMP not in report.flags and math.isfinite(report.temperature_k)
    ]
    temperatures = dict.fromkeys(round(report.temperature_k, 1) for report in steady)
    combined = []
    for name in shared_names(reports)[0]:
        for temperature in temperatures:
            runs = [
                species.diffusion
                for report in steady
                for species in report.species
                if species.name == name and round(report.temperature_k, 1) == temperature
            ]
            combined.append(
                CombinedIon(
                    species=name,
                    temperature_k=temperature,
                    runs=len(runs),
                    diffusion=combine_replicas(runs),
                )
            )
    return combined


def fit_arrhenius(combined: Sequence[CombinedIon]) -> Mapping[str, Arrhenius]:
    """Fit the activation energy of each ion that diffuses at two temperatures or more.

    Args:
        combined: of ``combine_runs``; what does not surely diffuse enters no fit.
    """
    points: dict[str, list[tuple[float, float, float]]] = {}
    for one in combined:
        d = one.diffusion
        if d.verdict == "diffusing" and 0.0 < d.error_cm2_s < d.d_cm2_s:
            points.setdefault(one.species, []).append((one.temperature_k, d.d_cm2_s, d.error_cm2_s))
    return {
        name: arrhenius(*zip(*rows, strict=True)) for name, rows in points.items() if len(rows) > 1
    }
