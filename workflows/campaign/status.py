"""How a campaign stands, read without disturbing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualion.results.store import EmptyStoreError, Store
from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.log import read_state
from dualion.workflows.campaign.plan import Ask
from dualion.workflows.campaign.shards import shard_states
from dualion.workflows.execution.locks import is_running
from dualion.workflows.execution.submission import (
    Submission,
    count_states,
    job_ids,
    list_submissions,
)


def campaign_status(campaign: Campaign) -> dict[str, Any]:
    """Counts, driver and queue as plain data.

    Raises:
        InputError: the store cannot be read.
    """
    return {
        "campaign": campaign.name,
        "folder": str(campaign.folder),
        **_store_status(campaign),
        "driver": {"running": is_running(campaign.folder), "state": read_state(campaign.folder)},
        "submissions": [_submission_status(found) for found in list_submissions(campaign.folder)],
    }


def _store_status(campaign: Campaign) -> dict[str, Any]:
    at = campaign.store_at
    none: dict[str, Any] = {"entries": 0, "structures": 0, "done": 0, "left": 0, "expected_s": 0.0}
    if isinstance(at, Path) and not at.exists():
        return {**none, "rows": {}}
    try:
        store = Store.read_only(at)
    except EmptyStoreError:  # a run has just begun
        return {**none, "rows": {}}
    try:
        ask = Ask.of(campaign.options())
        plan = int(store.note("plan") or 0)
        counts = store.count_entries(plan)
        left, expected_s = store.count_pending(plan, ask.whole)
        rows: dict[str, int] = {}
        for status, reason, count in store.counts(plan, ask.scopes):
            name = f"{status}: {reason}" if reason else status
            rows[name] = rows.get(name, 0) + count
        return {
            "entries": counts["entries"],
            "structures": counts["structures"],
            "done": counts["structures"] - left,
            "left": left,
            "expected_s": expected_s,
            "rows": rows,
        }
    finally:
        store.close()


def _submission_status(submission: Submission) -> dict[str, Any]:
    content = submission.read()
    states = shard_states(submission)
    queue, problem = _queue(content)
    ids = job_ids(content)
    return {
        "name": submission.name,
        "scheduler": content["scheduler"],
        "job_id": ids[0] if ids else None,
        "shards": content["shards"],
        "structures": sum(int(load["structures"]) for load in content["loads"]),
        "done": sum(int(state.get("done", 0)) for state in states),
        "merged": bool(content["merged"]),
        "queue": queue,
        "queue_problem": problem,
    }


def _queue(content: dict[str, Any]) -> tuple[dict[str, int], str]:
    """States of a submission's jobs, and why they are not known if so."""
    if content["merged"]:
        return {}, ""
    try:
        return {state.value: count for state, count in count_states(content).items()}, ""
    except InputError as error:
        return {}, str(error)
