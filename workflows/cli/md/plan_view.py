"""The view of ``dualion md queue``: the plan and its expected cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from dualion.workflows.md.plan.run_plan import estimate

if TYPE_CHECKING:
    from dualion.workflows.md.plan.run_plan import Plan, PlannedRun
    from dualion.workflows.md.plan.speeds import Speeds

SHOWN_IDS = 5


SOURCES = {
    "runs": "as measured in this folder",
    "force_call": "by a force call measured here",
    "card": "a rough guess, one core",
    "unknown": "the speed of this engine is not known yet",
}
"""Where the time of a step is from → how it is said."""


def make_plan_table(plan: Plan, speeds: Speeds, *, cores: int = 1) -> Table:
    """Make the table of a plan, one row a structure, cell and engine.

    Args:
        plan: the runs.
        speeds: what is known of the time of a step.
        cores: of one run.
    """
    several = len({run.spec.engine for run in plan.runs}) > 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("structure", "cell", *(["potential"] if several else [])):
        table.add_column(heading, overflow="fold")
    for heading in ("atoms", "K", "runs", "ps each", "core-h", "disk"):
        table.add_column(heading, justify="right", overflow="fold")
    groups: dict[tuple[str, ...], list[PlannedRun]] = {}
    for run in plan.runs:
        kind = (run.spec.structure_key, run.spec.cell, run.spec.engine)
        groups.setdefault(kind, []).append(run)
    for runs in groups.values():
        spec, protocol = runs[0].spec, runs[0].spec.protocol
        cost = estimate(runs, speeds=speeds)
        temperatures = dict.fromkeys(run.spec.temperature_k for run in runs)
        table.add_row(
            f"{spec.formula} {spec.cation} {spec.anion}",
            spec.cell,
            *([spec.engine] if several else []),
            str(runs[0].cell.n_atoms),
            " ".join(f"{t:g}" for t in temperatures),
            str(len(runs)),
            f"{protocol.equilibration_ps:g}+{protocol.production_ps:g}…{protocol.budget_ps:g}",
            format_hours(cost.seconds * cores),
            format_size(cost.disk_bytes),
        )
    return table


def format_total(plan: Plan, speeds: Speeds, *, cores: int = 1) -> str:
    """Format the cost of all runs together, as planned and at most.

    Args:
        plan: the runs.
        speeds: what is known of the time of a step.
        cores: of one run.
    """
    least = estimate(plan.runs, speeds=speeds)
    most = estimate(plan.runs, speeds=speeds, most=True)
    engines = " and ".join(dict.fromkeys(run.spec.engine for run in plan.runs))
    return (
        f"{len(plan.runs)} runs of {_list_ids(plan)} with {engines}: "
        f"{format_hours(least.seconds * cores)} core-hours and {format_size(least.disk_bytes)} as "
        f"planned, {format_hours(most.seconds * cores)} and {format_size(most.disk_bytes)} at most "
        f"({SOURCES[least.sources[0]]})."
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
