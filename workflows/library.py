"""Many structures at once, and the paths of an ion, for scripts and notebooks."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.ions import named_ion
from dualion.screening.percolation.pathways import IonMap, map_ion
from dualion.screening.screen_options import ScreenOptions
from dualion.screening.screen_result import ScreenResult
from dualion.structures.preparation import prepare
from dualion.structures.records import RawEntry
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
    processor_count,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenFailure:
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


def screen_many(
    structures: Iterable[Any],
    *,
    cation: str = "Li",
    options: ScreenOptions | None = None,
    workers: int | None = None,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    progress: bool = True,
) -> list[ScreenResult | ScreenFailure]:
    """Judge every cation–anion pair of many structures, in processes of their own.

    A structure that crashes its process, hangs or eats its memory costs itself alone. In a script
    call this under ``if __name__ == "__main__":``, since the processes import the script.

    Args:
        structures: pymatgen ``Structure`` or ASE ``Atoms`` objects.
        cation: symbol of the mobile cation.
        options: all options; the cation is then read from there.
        workers: most processes; None for one a core.
        time_limit_s: longest time for one structure, s.
        progress: show a bar on stderr, if that is a terminal.

    Returns:
        For each structure, in the order given, what ``screen`` returns of it, or why there is
        nothing.

    Raises:
        InputError: an option makes no sense.
        ClusterLostError: the processes cannot be started, or are gone.
    """
    asked = options or ScreenOptions(cations=(cation,))
    jobs = [_job(index, structure, asked) for index, structure in enumerate(structures)]
    found: list[ScreenResult | ScreenFailure | None] = [None] * len(jobs)
    if not jobs:
        return []
    most = min(workers or processor_count(), len(jobs))
    with (
        _bar(len(jobs), shown=progress) as advance,
        local_client(most, meanwhile=warm_up) as client,
    ):
        for outcome in run_all(
            client,
            jobs,
            time_limit_s=time_limit_s,
            work=screen_structure,
            without_workers_s=WITHOUT_WORKERS_S,
        ):
            found[outcome.index] = outcome.result or _failure(outcome)
            advance()
    return [_never_none(one) for one in found]


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
    if not (shown and sys.stderr.isatty()):
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as drawn:
        task = drawn.add_task("screening", total=total)
        yield lambda: drawn.advance(task)


def paths(structure: Any, ion: str = "Li", *, options: BarrierOptions | None = None) -> IonMap:
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
    return map_ion(crystal, named_ion(crystal, ion), options or BarrierOptions())
