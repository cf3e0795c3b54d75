"""How a campaign stands, read without disturbing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualion.results.store import EmptyStoreError, Store
from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.log import read_state
from dualion.workflows.campaign.plan import Ask
from dualion.workflows.campaign.shards import Submission, shard_states, submissions
from dualion.workflows.campaign.submission import queue_states
from dualion.workflows.execution.locks import is_running


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
        "submissions": [_submission_status(found) for found in submissions(campaign.folder)],
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
    return {
        "name": submission.name,
        "scheduler": content["scheduler"],
        "job_id": content["job_id"],
        "shards": content["shards"],
        "structures": sum(int(load["structures"]) for load in content["loads"]),
        "done": sum(int(state.get("done", 0)) for state in states),
        "merged": bool(content["merged"]),
        "queue": _queue(content),
    }


def _queue(content: dict[str, Any]) -> dict[str, int]:
    """States of a submission's jobs; none where it is over or the queue is not to be had here."""
    if content["merged"] or not content["job_id"]:
        return {}
    try:
        return queue_states(content)
    except InputError:
        return {}
