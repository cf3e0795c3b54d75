"""Many structures at once, guests, and the paths of an ion, for scripts and notebooks."""

from __future__ import annotations

import contextlib
import html
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from dualion.results.calibrated import with_calibrated
from dualion.results.columns import Row
from dualion.results.dataframe import to_dataframe
from dualion.results.path.ion_paths import IonPaths
from dualion.results.rows import Identity, rejected_row, result_rows
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.ions import named_ion
from dualion.screening.percolation.pathways import map_ion
from dualion.screening.screen import screen
from dualion.screening.screen_options import ScreenOptions
from dualion.screening.screen_result import ScreenResult
from dualion.structures.documents import Document
from dualion.structures.preparation import prepare
from dualion.structures.records import RawEntry
from dualion.structures.symmetry import space_group
from dualion.workflows.campaign.tasks import (
    DEFAULT_TIME_LIMIT_S,
    Outcome,
    StructureJob,
    screen_structure,
)
from dualion.workflows.execution.executor import run_all
from dualion.workflows.execution.warm_up import warm_up
from dualion.workflows.execution.workers import (
    WITHOUT_WORKERS_S,
    local_client,
    prepare_workers,
    processor_count,
)

if TYPE_CHECKING:
    from distributed import Client
    from pandas import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenFailure(Document):
    """A structure that has no result.

    Attributes:
        status: ``rejected`` where the structure cannot be used, ``failed`` where its computation
            broke down.
        reason: stable snake_case name.
        message: what, why and what to do.
    """

    status: Literal["rejected", "failed"]
    reason: str
    message: str


class ScreenResults(list[ScreenResult | ScreenFailure]):
    """What ``screen_many`` gives: one result or failure for each structure, in order.

    Attributes:
        options: of the screening.
    """

    def __init__(
        self,
        found: Iterable[ScreenResult | ScreenFailure] = (),
        options: ScreenOptions | None = None,
    ) -> None:
        super().__init__(found)
        self.options = options or ScreenOptions()

    @property
    def passed(self) -> list[ScreenResult]:
        """The results in which a pair passes the criterion."""
        return [one for one in self if isinstance(one, ScreenResult) and one.dai]

    def to_dataframe(self, *, empty_columns: bool = False) -> DataFrame:
        """Return one line a pair and one a failure, with the columns of ``screened.csv``.

        Args:
            empty_columns: keep columns in which no line has a value.

        Returns:
            ``source_id`` is the place in the list that was screened, from 0.
        """
        rows = [row for index, one in enumerate(self) for row in self._rows(index, one)]
        return to_dataframe(rows, empty_columns=empty_columns)

    def _rows(self, index: int, one: ScreenResult | ScreenFailure) -> list[Row]:
        identity = Identity(source="python", source_id=str(index), metadata={})
        if isinstance(one, ScreenFailure):
            told = {"status": one.status, "reason": one.reason, "message": one.message}
            return [rejected_row(identity, cation=";".join(self.options.cations), **told)]
        identity = replace(
            identity,
            formula=one.crystal.formula,
            reduced_formula=one.crystal.formula,
            space_group=space_group(one.crystal),
            n_sites=len(one.crystal.numbers),
        )
        dimensionality = self.options.criterion.dimensionality
        return with_calibrated(result_rows(identity, one), dimensionality=dimensionality)

    def __repr__(self) -> str:
        """Count what came through, in a line."""
        failed = sum(isinstance(one, ScreenFailure) for one in self)
        return f"ScreenResults({len(self)} structures, {len(self.passed)} pass, {failed} failed)"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.to_dataframe()._repr_html_()}"


def screen_many(
    structures: Iterable[Any],
    *,
    cation: str = "Li",
    options: ScreenOptions | None = None,
    workers: int | None = None,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    progress: bool = True,
    client: Client | None = None,
) -> ScreenResults:
    """Judge every cation–anion pair of many structures, in processes of their own.

    A structure that crashes its process, hangs or eats its memory costs itself alone. In a script
    call this under ``if __name__ == "__main__":``, since the processes import the script.

    Args:
        structures: pymatgen ``Structure`` or ASE ``Atoms`` objects.
        cation: symbol of the mobile cation.
        options: all options; the cation is then read from there.
        workers: most processes; None for one a core.
        time_limit_s: longest time for one structure, s.
        progress: show a bar, on a terminal or in a notebook.
        client: connection to a Dask cluster of your own, which then does the work in place of
            processes of this call; it stays open.

    Returns:
        A list: for each structure, in the order given, what ``screen`` returns of it, or why
        there is nothing. ``to_dataframe`` makes a table of it.

    Raises:
        InputError: an option makes no sense.
        ClusterLostError: the processes cannot be started, or are gone.
    """
    asked = options or ScreenOptions(cations=(cation,))
    jobs = [_job(index, structure, asked) for index, structure in enumerate(structures)]
    found: list[ScreenResult | ScreenFailure | None] = [None] * len(jobs)
    if not jobs:
        return ScreenResults(options=asked)
    most = min(workers or processor_count(), len(jobs))
    with (
        _bar(len(jobs), shown=progress) as advance,
        _workers(client, most) as connected,
    ):
        for outcome in run_all(
            connected,
            jobs,
            time_limit_s=time_limit_s,
            work=screen_structure,
            without_workers_s=WITHOUT_WORKERS_S,
        ):
            found[outcome.index] = outcome.result or _failure(outcome)
            advance()
    return ScreenResults((_never_none(one) for one in found), asked)


@contextlib.contextmanager
def _workers(client: Client | None, most: int) -> Iterator[Client]:
    """The user's own workers, or processes of this call."""
    if client is None:
        with local_client(most, meanwhile=warm_up) as own:
            yield own
        return
    prepare_workers(client)
    yield client


def _job(index: int, structure: Any, options: ScreenOptions) -> StructureJob:
    entry = RawEntry(source="python", source_id=str(index), format="object", text="")
    return StructureJob(index=index, entry=entry, options=options, structure=structure)


def _failure(outcome: Outcome) -> ScreenFailure:
    (row,) = outcome.rows
    status: Literal["rejected", "failed"] = "rejected" if row["status"] == "rejected" else "failed"
    return ScreenFailure(status=status, reason=str(row["reason"]), message=str(row["message"]))


def _never_none(one: ScreenResult | ScreenFailure | None) -> ScreenResult | ScreenFailure:
    assert one is not None, "run_all yields one outcome for each job"
    return one


@contextlib.contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Any]:
    """A progress bar on stderr; yields what advances it by one."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not (shown and (sys.stderr.isatty() or console.is_jupyter)):
        yield lambda: None
        return
    with Progress(console=console) as drawn:
        task = drawn.add_task("screening", total=total)
        yield lambda: drawn.advance(task)


def paths(structure: Any, ion: str = "Li", *, options: BarrierOptions | None = None) -> IonPaths:
    """Field, sites and minimum-energy paths of an ion in a structure.

    Args:
        structure: pymatgen ``Structure`` or ASE ``Atoms``.
        ion: symbol of the mobile ion, with or without its charge: ``Li``, ``I-``.
        options: how barriers are computed.

    Raises:
        InputError: the structure does not hold the ion.
        StructureError: the structure cannot be prepared or treated; the message says why.
    """
    crystal = prepare(structure)
    return IonPaths.of(map_ion(crystal, named_ion(crystal, ion), options or BarrierOptions()))


def guest(
    host: Any, anion: str, *, cation: str = "Li", options: ScreenOptions | None = None
) -> ScreenResult:
    """Screen a host for guest anions that hop between its interstitial sites.

    Args:
        host: pymatgen ``Structure`` or ASE ``Atoms``.
        anion: the guest, or several between commas: ``I``, ``I-``, ``Br,Cl``.
        cation: symbol of the mobile cation.
        options: all other options; guest and cation are read from the arguments.

    Returns:
        The host's result; ``guests`` holds one line for each guest, with the room it has.

    Raises:
        InputError: the guest is no anion.
        StructureError: the host cannot be prepared or treated; the message says why.
    """
    asked = replace(options or ScreenOptions(), cations=(cation,), guests=(anion,))
    return screen(host, options=asked)
