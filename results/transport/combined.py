"""What several runs say together: lines for the terminal and ``combined.csv``."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from dualion.results.tables import guard_cell
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.number_text import diffusion_text, interval_text, kelvin_text

COLUMNS = (
    "species", "temperature_k", "runs", "n_ions", "verdict", "d_cm2_s", "d_error_cm2_s",
    "d_low_cm2_s", "d_high_cm2_s", "d_upper_cm2_s", "n_eff", "flags",
)  # fmt: skip
"""Columns of ``combined.csv``; D is empty where it is not resolved, and the upper limit else."""


def combined_lines(combined: Sequence[CombinedIon]) -> list[str]:
    """Say in a line each what the replicas of one temperature say together.

    Args:
        combined: of ``combine_runs``; a temperature with one run has no line.
    """
    return [_line(one) for one in combined if one.runs > 1]


def _line(one: CombinedIon) -> str:
    d = one.diffusion
    text = f"{one.species} at {kelvin_text(one.temperature_k)}, {one.runs} runs together: "
    text += f"{d.verdict}, "
    text += diffusion_text(d.verdict, d.d_cm2_s, d.error_cm2_s, d.upper_cm2_s)
    if d.resolved:
        text += f" (95 %: {interval_text(d.low_cm2_s, d.high_cm2_s)})"
    return text + (f"  [{', '.join(d.flags)}]" if d.flags else "")


def combined_csv(combined: Sequence[CombinedIon]) -> str:
    """Write ``combined.csv``: one row an ion and temperature.

    Args:
        combined: of ``combine_runs``.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for one in combined:
        writer.writerow({key: _plain(value) for key, value in _row(one).items()})
    return text.getvalue()


def _row(one: CombinedIon) -> dict[str, object]:
    d = one.diffusion
    numbers = dict.fromkeys(("d_cm2_s", "d_error_cm2_s", "d_low_cm2_s", "d_high_cm2_s"), math.nan)
    if d.verdict == "diffusing":
        numbers = {
            "d_cm2_s": d.d_cm2_s,
            "d_error_cm2_s": d.error_cm2_s,
            "d_low_cm2_s": d.low_cm2_s,
            "d_high_cm2_s": d.high_cm2_s,
        }
    return {
        "species": one.species,
        "temperature_k": one.temperature_k,
        "runs": one.runs,
        "n_ions": d.n_ions,
        "verdict": d.verdict,
        **numbers,
        "d_upper_cm2_s": d.upper_cm2_s,
        "n_eff": d.n_eff,
        "flags": ";".join(d.flags),
    }


def _plain(value: object) -> object:
    if isinstance(value, str):
        return guard_cell(value)
    if isinstance(value, float):
        return f"{value:.9g}" if math.isfinite(value) else ""
    return value
