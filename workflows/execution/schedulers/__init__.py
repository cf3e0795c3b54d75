"""Batch systems: what their job scripts, commands and answers look like."""

from dualion.workflows.execution.schedulers.base import (
    ArrayScheduler,
    CommandOutput,
    JobRequest,
    JobState,
    QueuedJob,
    Scheduler,
)
from dualion.workflows.execution.schedulers.registry import (
    ARRAY_SCHEDULERS,
    SCHEDULERS,
    find_array_scheduler,
)

__all__ = [
    "ARRAY_SCHEDULERS",
    "SCHEDULERS",
    "ArrayScheduler",
    "CommandOutput",
    "JobRequest",
    "JobState",
    "QueuedJob",
    "Scheduler",
    "find_array_scheduler",
]
