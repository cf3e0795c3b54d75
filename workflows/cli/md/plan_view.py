"""The view of ``dualion md queue``: the plan and its expected cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from dualion.workflows.md.plan.run_plan import estimate

if TYPE_CHECKING:
    from dualion.workflows.md.plan.run_plan import Plan, PlannedRun

SHOWN_IDS = 5


def make_plan_table(plan: Plan, speeds: Mapping[str, float]) -> Table:
    """Make the table of a plan, one row a structure and cell.

    Args:
        plan: the runs.
        speeds: engine → s per atom and step, where it was measured.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("structure", "cell"):
        table.add_column(heading, overflow="fold")
    for heading in ("atoms", "K", "runs", "ps each", "core-h", "disk"):
        table.add_column(heading, justify="right", overflow="fold")
    groups: dict[tuple[str, str], list[PlannedRun]] = {}
    for run in plan.runs:
        groups.setdefault((run.spec.structure_key, run.spec.cell), []).append(run)
    for runs in groups.values():
        spec, protocol = runs[0].spec, runs[0].spec.protocol
        cost = estimate(runs, speeds=dict(speeds))
        temperatures = dict.fromkeys(run.spec.temperature_k for run in runs)
        table.add_row(
            f"{spec.formula} {spec.cation} {spec.anion}",
            spec.cell,
            str(runs[0].cell.n_atoms),
            " ".join(f"{t:g}" for t in temperatures),
            str(len(runs)),
            f"{protocol.equilibration_ps:g}+{protocol.production_ps:g}…{protocol.budget_ps:g}",
            format_hours(cost.seconds),
            format_size(cost.disk_bytes),
        )
    return table


def format_total(plan: Plan, speeds: Mapping[str, float]) -> str:
    """Format the cost of all runs together, as planned and at most.

    Args:
        plan: the runs.
        speeds: engine → s per atom and step, where it was measured.
    """
    least = estimate(plan.runs, speeds=dict(speeds))
    most = estimate(plan.runs, speeds=dict(speeds), most=True)
    how = "as measured here" if least.measured else "a rough guess, one core"
    if math.isnan(least.seconds):
        how = "the speed of this engine is not known yet"
    return (
        f"{len(plan.runs)} runs of {_list_ids(plan)} with {plan.runs[0].spec.engine}: "
        f"{format_hours(least.seconds)} core-hours and {format_size(least.disk_bytes)} as planned, "
        f"{format_hours(most.seconds)} and {format_size(most.disk_bytes)} at most ({how})."
    )


def _list_ids(plan: Plan) -> str:
    names = list(dict.fromkeys(run.spec.source_id for run in plan.runs))
    more = f" and {len(names) - SHOWN_IDS} more" if len(names) > SHOWN_IDS else ""
    return ", ".join(names[:SHOWN_IDS]) + more


def format_hours(seconds: float) -> str:
    """Format a time in s as hours."""
    return "?" if math.isnan(seconds) else f"{seconds / 3600.0:.2g}"


def format_size(count: float) -> str:
    """Format a number of bytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
