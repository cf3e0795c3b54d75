"""What MD runs exclude, and how long they still take to tell whether an ion diffuses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dualion.results.md.finished_runs import upper_of
from dualion.results.transport.needed import limit_sentence, pace_sentence
from dualion.workflows.md.reconcile import RunStatus

SHOWN = 20
"""Most runs that have a line."""


def list_needed(statuses: Sequence[RunStatus]) -> list[str]:
    """List for each assessed run what it excludes and what is missing, a line each.

    Args:
        statuses: of the runs.
    """
    lines = [f"{one.run.key[:6]}: {text}" for one in statuses if (text := needed_text(one))]
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"and {len(lines) - SHOWN} more; all of them with --json"]
    return lines


def needed_text(one: RunStatus) -> str:
    """Say what one run excludes and what is missing; nothing before its first assessment.

    Args:
        one: the run.
    """
    mobile = {ion.rstrip("+-0123456789.") for ion in (one.run.cation, one.run.anion)}
    counted = {name: jumps for name, jumps in one.progress.n_eff.items() if _is_of(name, mobile)}
    equilibrated = float(one.run.spec["protocol"].get("equilibration_ps", 0.0))
    produced = one.progress.done_ps - equilibrated
    limits = [
        limit_sentence(str(row["species"]), _limit_cm2_s(row), one.run.temperature_k)
        for row in one.run.results.get("species") or ()
        if _is_of(str(row["species"]), mobile) and row["verdict"] in ("vibrating", "not resolved")
    ]
    return " ".join([*limits, pace_sentence(counted, produced)]).strip()


def _is_of(name: str, mobile: set[str]) -> bool:
    """Whether a group of ions is of an element that is asked about, and free."""
    return name.partition("(")[0] in mobile and not name.endswith("(bound)")


def _limit_cm2_s(row: Mapping[str, Any]) -> float:
    limit = upper_of(row)
    return math.inf if limit is None else limit
