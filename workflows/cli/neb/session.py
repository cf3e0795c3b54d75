"""Compute the structures of ``dualion neb`` one after the other, and show what was found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import TimeElapsedColumn

from dualion.results.tables import write_table
from dualion.screening.ions import MobileIon
from dualion.structures.errors import InputError, StructureError
from dualion.workflows.cli.live_bar import LiveBar
from dualion.workflows.cli.neb.view import show_barriers
from dualion.workflows.doping.relaxation import StopRequested
from dualion.workflows.execution.files import write_json
from dualion.workflows.execution.locks import folder_lock
from dualion.workflows.execution.signals import stop_on_signal
from dualion.workflows.neb.carriers import CarrierEnergies, carrier_energies
from dualion.workflows.neb.document import neb_document
from dualion.workflows.neb.folder import NebFolder
from dualion.workflows.neb.pairs import DOCUMENT
from dualion.workflows.neb.run import structure_barriers
from dualion.workflows.neb.tables import COLUMNS, neb_pair, pair_row

if TYPE_CHECKING:
    from dualion.results.columns import Row
    from dualion.workflows.md.plan.selection import SelectedStructure
    from dualion.workflows.neb.carriers import Carriers
    from dualion.workflows.neb.forces import Potential
    from dualion.workflows.neb.hop_barriers import HopBarrier
    from dualion.workflows.neb.run import NebOptions


def compute_all(
    console: Console,
    work: Sequence[tuple[SelectedStructure, Path]],
    potential: Potential,
    options: NebOptions,
    *,
    carriers: Carriers = "vacancies",
) -> bool:
    """Compute structures; write ``neb.csv`` and each structure's ``neb.json`` as they are done.

    Args:
        console: where progress and results are shown.
        work: structures and the folder of each; all folders lie side by side.
        potential: what computes them.
        options: limits.
        carriers: which pairs of defects are computed too.

    Returns:
        Whether all were treated; False after a request to stop.

    Raises:
        InputError: a folder cannot be written, or holds another calculation.
    """
    folder = work[0][1].parent
    make_folder(folder)
    rows: list[Row] = []
    complete = True
    with folder_lock(folder), stop_on_signal() as stop, HopBar(console) as bar:
        for selected, path in work:
            try:
                rows.append(
                    _compute_one(selected, path, potential, options, carriers, bar, stop.is_set)
                )
            except StopRequested:
                complete = False
                break
            write_table(folder / "neb.csv", rows, COLUMNS)
    show_barriers(console, rows, options.criterion)
    if not complete:
        console.print("Stopped; the same command goes on from here.")
    console.print(f"  {folder}", highlight=False, soft_wrap=True)
    return complete


def make_folder(folder: Path) -> None:
    """Make the folder of the results.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot make {folder}: {error.strerror}. Choose another --output."
        ) from error


def _compute_one(
    selected: SelectedStructure,
    path: Path,
    potential: Potential,
    options: NebOptions,
    carriers: Carriers,
    bar: HopBar,
    stop: Callable[[], bool],
) -> Row:
    ions = MobileIon.parse(selected.cation), MobileIon.parse(selected.anion)
    key = (selected.structure_key, selected.cation, selected.anion)
    bar.begin(selected.formula)
    found, problem = None, ""
    try:
        found = structure_barriers(
            selected.crystal,
            ions,
            potential,
            options,
            path,
            on_hop=bar.hop,
            say=bar.say,
            stop=stop,
        )
    except StructureError as error:
        problem = str(error)
    cost = CarrierEnergies()
    if found is not None and found.ions:
        bar.now("carriers")
        cost = carrier_energies(
            NebFolder(path), ions, potential, options, carriers=carriers, stop=stop
        )
    pair = neb_pair(key, found, cost, potential.name, problem)
    row = pair_row(selected.source_id, selected.formula, pair, options.criterion)
    if path.is_dir():
        write_json(path / DOCUMENT, neb_document(row, pair, found, cost, NebFolder(path)))
    return row


class HopBar(LiveBar):
    """A bar that counts the hops of the present ion.

    Args:
        console: where it is drawn.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console, "", TimeElapsedColumn())

    def begin(self, name: str) -> None:
        """Begin a structure."""
        self._progress.reset(self._task, total=None, description=name, now="relaxing")

    def now(self, what: str) -> None:
        """Show what is being computed."""
        self._progress.update(self._task, now=what)

    def say(self, text: str) -> None:
        """Print what an ion costs, and count its hops from zero."""
        self._console.print(f"  {text}", highlight=False)
        self._progress.update(self._task, completed=0, total=None, now="")

    def hop(self, barrier: HopBarrier, distinct: int, before: bool) -> None:
        """Count one hop.

        Args:
            barrier: of the hop.
            distinct: number of distinct hops, of which not all need be computed.
            before: whether it is of an earlier run.
        """
        rise = max(barrier.rises_ev)
        now = f"hop {barrier.hop}: " + (f"{rise:.3f} eV" if math.isfinite(rise) else barrier.reason)
        self._progress.update(self._task, advance=1, total=distinct, now="" if before else now)
