"""What a run excludes and what it lacks, as sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping

from dualion.screening.transport.needed_time import NeededTime, needed_times
from dualion.screening.transport.number_text import kelvin_text, rounded_up
from dualion.screening.transport.report import TransportReport
from dualion.screening.transport.self_diffusion.verdict import MOBILE_N_EFF

LEAST_JUMPS = 1.0
"""With fewer effective jumps the pace of jumps is not known."""


def needed_lines(report: TransportReport) -> list[str]:
    """Say for each ion that is not known to diffuse what the run excludes and what is missing.

    Args:
        report: the finished analysis.
    """
    return [needed_sentence(needed) for needed in needed_times(report)]


def needed_sentence(needed: NeededTime) -> str:
    """Say what a run excludes and what it lacks for one ion."""
    text = limit_sentence(needed.species, needed.limit_cm2_s, needed.temperature_k)
    text += f" N_eff = {needed.n_eff:.2g} after {needed.run_ps:.4g} ps."
    if needed.n_eff >= MOBILE_N_EFF:
        longer = two_digits(needed.least_ps)
        return f"{text} Jumps are enough, but D has not settled: run {longer} ps or more."
    if not math.isfinite(needed.least_ps):
        return f"{text} N_eff = {MOBILE_N_EFF:g} takes longer; nothing says how long."
    text += f" N_eff = {MOBILE_N_EFF:g} takes {_duration(needed)}, a cell "
    text += f"{two_digits(needed.factor)} times as large"
    if math.isfinite(needed.hotter_k):
        text += f", or {needed.hotter_k:.0f} K if E_a is {needed.ea_ev:g} eV"
    return f"{text}."


def limit_sentence(species: str, limit_cm2_s: float, temperature_k: float) -> str:
    """Say what a run excludes.

    Args:
        species: name of the ions.
        limit_cm2_s: largest D that the run allows, cm²/s; ``inf`` where it allows any.
        temperature_k: K, or NaN.
    """
    if not (math.isfinite(limit_cm2_s) and limit_cm2_s > 0.0):
        return f"{species}: no D is excluded."
    at = f" at {kelvin_text(temperature_k)}" if math.isfinite(temperature_k) else ""
    return f"{species}: slower than {rounded_up(limit_cm2_s)} cm²/s{at}."


def two_digits(value: float) -> str:
    """Print a number with two digits and without an exponent, up to a million."""
    return f"{float(f'{value:.2g}'):g}"


def _duration(needed: NeededTime) -> str:
    least = f"{two_digits(needed.least_ps)} ps or more"
    if not math.isfinite(needed.expected_ps):
        return least
    return f"{least} (about {two_digits(needed.expected_ps)} ps at the D seen)"


def pace_sentence(n_eff: Mapping[str, float], production_ps: float) -> str:
    """Say how long a run in progress takes to N_eff = 56, by the jumps counted so far.

    Args:
        n_eff: ion → effective jumps at the last assessment.
        production_ps: time in which they were counted, ps.

    Returns:
        The sentence; empty where nothing was counted or nothing is missing.
    """
    parts = []
    for name, jumps in n_eff.items():
        if jumps >= MOBILE_N_EFF or production_ps <= 0.0:
            continue
        length = two_digits(production_ps * MOBILE_N_EFF / max(jumps, LEAST_JUMPS))
        parts.append(f"{name} {'about' if jumps >= LEAST_JUMPS else 'more than'} {length} ps")
    if not parts:
        return ""
    return f"N_eff = {MOBILE_N_EFF:g} takes, at the pace so far: {', '.join(parts)}."
