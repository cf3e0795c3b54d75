"""The view of ``dualion dope``: a bar during relaxation, and the table at the end."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from dualion.workflows.cli.live_bar import LiveBar
from dualion.workflows.doping.records import HOST, Outcome, find_lowest

if TYPE_CHECKING:
    from dualion.workflows.doping.records import DopeRequest, DopeResult

SHOWN = 16
"""Most rows of the table."""


class DopeBar(LiveBar):
    """A bar that counts configurations and shows the step of the present one.

    Args:
        console: where it is drawn.
        total: expected number of cells.
    """

    def __init__(self, console: Console, total: int) -> None:
        times = TimeRemainingColumn(compact=True, elapsed_when_finished=True)
        super().__init__(console, "Relaxing", times, total)

    def expect(self, total: int) -> None:
        """Set the number of cells."""
        self._progress.update(self._task, total=total)

    def step(self, name: str, step: int, energy_ev: float, force: float) -> None:
        """Show the step of one configuration.

        Args:
            name: of the configuration.
            step: of its relaxation.
            energy_ev: potential energy, eV.
            force: largest force, eV/Å.
        """
        self._progress.update(
            self._task, now=f"{name}: step {step}, {energy_ev:.2f} eV, {force:.2f} eV/Å"
        )

    def done(self, outcome: Outcome, before: bool) -> None:
        """Count one configuration.

        Args:
            outcome: of the configuration.
            before: whether it is of an earlier run.
        """
        self._progress.update(self._task, advance=1, now="")
        if outcome.status == "failed":
            self._console.print(f"  {outcome.name} failed: {outcome.reason}", highlight=False)


def print_result(console: Console, request: DopeRequest, result: DopeResult, folder: Path) -> None:
    """Print the cell, the configurations and the folder.

    Args:
        console: where it is printed.
        request: of the doping.
        result: of the doping.
        folder: with its files.
    """
    for line in _summary_lines(request, result):
        console.print(Text(line))
    console.print(_make_table(result))
    lowest = find_lowest(result.outcomes)
    if lowest is not None:
        unfinished = "" if lowest.status == "relaxed" else " (not converged)"
        console.print(Text(f"Lowest: {lowest.name}{unfinished}, kept as lowest.cif and .extxyz"))
    console.print(f"  {folder}", highlight=False, soft_wrap=True)


def _summary_lines(request: DopeRequest, result: DopeResult) -> list[str]:
    plan, found = result.plan, result.found
    lengths = " × ".join(f"{length:.2f}" for length in plan.supercell.lengths_angstrom)
    width = float(plan.supercell.widths_angstrom.min())
    narrow = "" if plan.supercell.wide_enough else (
        f" (less than the {request.doping.smallest_width_angstrom:g} Å asked for; more --atoms "
        "allow a wider cell)"
    )  # fmt: skip
    matrix = " ".join(str(row) for row in plan.supercell.matrix.tolist())
    distinct = f"{found.distinct}" if found.distinct >= 0 else "more than can be counted"
    lines = [
        f"{request.name} with {request.unit.name}: x = {plan.x_reached:.4g} per "
        f"{plan.formula_unit} (asked for {plan.x_asked:.4g}), {plan.units} in "
        f"{plan.formula_units} formula units, {plan.atoms} atoms",
        f"Supercell {matrix} of the primitive cell: {lengths} Å, width {width:.2f} Å{narrow}",
    ]
    if result.ordering is not None:
        lines.append(
            f"Disordered host: lowest Ewald energy of {len(result.ordering.ranked)} distinct "
            f"configurations. {result.ordering.note}".rstrip()
        )
    where = "primitive cell" if result.ordering is None else "supercell"
    for ion, sites in found.sites.items():
        count = sum(site.multiplicity for site in sites)
        lines.append(f"Sites for {ion}: {len(sites)} kinds, {count} in the {where}")
    lines.append(
        f"Configurations: {len(result.outcomes)} of {distinct} (seed {request.doping.seed})"
    )
    return lines


def _make_table(result: DopeResult) -> Table:
    table = Table(box=box.SIMPLE)
    for name in ("rank", "configuration", "E (eV)", "above lowest (eV)", "degeneracy", "status"):
        table.add_column(name, justify="left" if name in ("status", "configuration") else "right")
    finite = [one.energy_ev for one in result.outcomes if math.isfinite(one.energy_ev)]
    lowest = min(finite, default=math.nan)
    for rank, one in enumerate(result.outcomes[:SHOWN], start=1):
        known = math.isfinite(one.energy_ev)
        table.add_row(
            str(rank) if known else "-",
            one.name,
            f"{one.energy_ev:.3f}" if known else "-",
            f"{one.energy_ev - lowest:.3f}" if known else "-",
            str(one.degeneracy),
            one.status,
        )
    host = result.host
    energy = f"{host.energy_ev:.3f}" if math.isfinite(host.energy_ev) else "-"
    table.add_row("", f"{HOST} (undoped)", energy, "", "", host.status)
    return table
