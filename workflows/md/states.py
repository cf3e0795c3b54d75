"""The states of an MD run and the transitions between them."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """State of a run."""

    PLANNED = "planned"  # in the store alone
    PREPARED = "prepared"  # its folder holds what it needs
    SUBMITTED = "submitted"  # a batch system has it
    RUNNING = "running"
    PAUSED = "paused"  # a segment ended at a checkpoint; more are to come
    DONE = "done"
    FAILED = "failed"  # its reason is noted; what it computed is kept
    CANCELLED = "cancelled"


TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.PLANNED: frozenset({RunState.PREPARED, RunState.FAILED, RunState.CANCELLED}),
    RunState.PREPARED: frozenset(
        {RunState.SUBMITTED, RunState.RUNNING, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.SUBMITTED: frozenset(  # a job that the queue forgot is where its files say
        {
            RunState.PREPARED,
            RunState.RUNNING,
            RunState.PAUSED,
            RunState.DONE,
            RunState.FAILED,
            RunState.CANCELLED,
        }
    ),
    RunState.RUNNING: frozenset(
        {RunState.PAUSED, RunState.DONE, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.PAUSED: frozenset(
        {RunState.SUBMITTED, RunState.RUNNING, RunState.DONE, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.DONE: frozenset({RunState.PAUSED}),  # a larger budget
    RunState.FAILED: frozenset({RunState.PREPARED, RunState.PAUSED}),  # tried again
    RunState.CANCELLED: frozenset({RunState.PREPARED, RunState.PAUSED}),
}
"""State → states that may follow it."""

FINAL = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})


def may_follow(now: RunState, then: RunState) -> bool:
    """Whether a state may become another; staying is allowed.

    Args:
        now: present state.
        then: next state.
    """
    return then is now or then in TRANSITIONS[now]
