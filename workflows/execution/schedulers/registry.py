"""The batch systems by name; a new one is a file beside this one and an entry below."""

from __future__ import annotations

import difflib

from dualion.structures.errors import InputError
from dualion.workflows.execution.schedulers.base import ArrayScheduler, Scheduler
from dualion.workflows.execution.schedulers.htcondor import HTCondor
from dualion.workflows.execution.schedulers.lsf import LSF
from dualion.workflows.execution.schedulers.oar import OAR
from dualion.workflows.execution.schedulers.pbs import PBS
from dualion.workflows.execution.schedulers.sge import GridEngine
from dualion.workflows.execution.schedulers.slurm import Slurm

ALL: tuple[Scheduler, ...] = (Slurm(), PBS(), LSF(), GridEngine(), HTCondor(), OAR())

SCHEDULERS: dict[str, Scheduler] = {scheduler.name: scheduler for scheduler in ALL}

ARRAY_SCHEDULERS: dict[str, ArrayScheduler] = {
    scheduler.name: scheduler for scheduler in ALL if isinstance(scheduler, ArrayScheduler)
}


def find_array_scheduler(name: str) -> ArrayScheduler:
    """The batch system of a name, for job arrays.

    Raises:
        InputError: there is none of that name, or it takes no job arrays here.
    """
    if name in ARRAY_SCHEDULERS:
        return ARRAY_SCHEDULERS[name]
    known = ", ".join(ARRAY_SCHEDULERS)
    if name in SCHEDULERS:
        raise InputError(
            f"Job arrays are not submitted to {name}, but to {known}; start dualion run with "
            f"cluster: {{kind: {name}}} instead."
        )
    close = difflib.get_close_matches(name, ARRAY_SCHEDULERS, n=1, cutoff=0.0)[0]
    raise InputError(f"There is no batch system {name!r}; did you mean {close!r}? Known: {known}.")
