"""A campaign cut into shards, each a small store of its own, and put together again by key.

A submission is a folder ``submissions/001`` in the campaign's folder: what was asked
(``submission.json``), the job scripts, and one folder a shard with its store, log and state. A
shard is written by its own job alone; the campaign's store takes over what a shard has once no
job holds it, as often as that is asked for.
"""

from __future__ import annotations

import heapq
import threading
from pathlib import Path
from typing import Any

from dualion.results.store import Store, copy_structures, merge
from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.driver import Driver
from dualion.workflows.campaign.log import CampaignLog, read_state
from dualion.workflows.campaign.plan import Ask, jobs_left
from dualion.workflows.campaign.tasks import screen_job
from dualion.workflows.execution.cluster_config import ClusterBlock
from dualion.workflows.execution.locks import LOCK_NAME, folder_lock, is_running
from dualion.workflows.execution.submission import Submission, list_submissions

PLAN = 1
"""Number of the only plan of a shard's store."""

COPY_AT_ONCE = 500
"""Structures that are copied into a shard together."""


def shard_folder(submission: Submission, index: int) -> Path:
    """Folder of a shard of a submission.

    Args:
        submission: that the campaign was cut for.
        index: of the shard, from 1.
    """
    return submission.folder / f"shard-{index:04d}"


def cut(
    campaign: Campaign, store: Store, plan: int, submission: Submission, *, shards: int
) -> list[dict[str, float]]:
    """Deal what is left to shards, balanced by estimated cost, and write their stores.

    Costly structures are dealt first, each to the shard that has least to do.

    Args:
        campaign: whose options say what is left.
        store: of the campaign.
        plan: number of its plan.
        submission: whose folder the shards go to.
        shards: how many.

    Returns:
        For each shard its number of structures and its estimated time on one core, s.
    """
    stores = [_new_store(shard_folder(submission, index)) for index in range(1, shards + 1)]
    load = [(0.0, index) for index in range(shards)]
    totals = [{"structures": 0.0, "expected_s": 0.0} for _ in stores]
    hands: list[list[int]] = [[] for _ in stores]

    def deal(index: int) -> None:
        start = int(totals[index]["structures"]) - len(hands[index])
        copy_structures(store, hands[index], stores[index], plan=PLAN, start=start)
        hands[index] = []

    for job in jobs_left(store, plan, campaign.options()):
        expected_s, index = heapq.heappop(load)
        heapq.heappush(load, (expected_s + job.cost_s, index))
        totals[index]["structures"] += 1
        totals[index]["expected_s"] += job.cost_s
        hands[index].append(job.index)
        if len(hands[index]) >= COPY_AT_ONCE:
            deal(index)
    for index, shard in enumerate(stores):
        if hands[index]:
            deal(index)
        shard.close()
    return totals


def _new_store(folder: Path) -> Store:
    folder.mkdir()
    store, _ = Store.open(folder / "shard.db", shared_disk=True)
    store.set_notes({"plan": str(PLAN)})
    return store


def run_shard(
    submission: Submission, index: int, *, workers: int, stop: threading.Event | None = None
) -> tuple[int, int]:
    """Compute what a shard still lacks, on this machine.

    Args:
        submission: that the shard belongs to.
        index: of the shard, from 1.
        workers: processes that compute.
        stop: once it is set, what is in flight is finished and the call ends.

    Returns:
        Structures done by this call, and those that are left.

    Raises:
        InputError: there is no such shard, or another job runs it.
    """
    folder = shard_folder(submission, index)
    if not (folder / "shard.db").is_file():
        raise InputError(f"There is no shard {index} in {submission.folder}.")
    campaign = frozen_campaign(submission, folder, workers)
    with folder_lock(folder):
        store, _ = Store.open(folder / "shard.db", shared_disk=True)
        try:
            log = CampaignLog(folder)
            options = campaign.options()
            driver = Driver(campaign, store, PLAN, options, log, None)
            done = driver.run(screen_job, stop or threading.Event(), lambda _: None)
            left, _ = store.count_pending(PLAN, Ask.of(options).whole)
            log.write("end", computed=done, left=left)
        finally:
            store.close()
    return done, left


def frozen_campaign(submission: Submission, folder: Path, workers: int) -> Campaign:
    """The campaign as it was when it was submitted, to be run in a shard's folder.

    Args:
        submission: that the shard belongs to.
        folder: of the shard.
        workers: processes that compute.

    Raises:
        InputError: the submission's file is missing or damaged.
    """
    asked = submission.read()["campaign"]
    memory = asked["cluster"]["memory_per_worker"]
    cluster = ClusterBlock.model_validate({"workers": workers, "memory_per_worker": memory})
    campaign = Campaign(**{**asked, "store": None})
    return campaign.model_copy(update={"folder": folder, "cluster": cluster})


def merge_all(campaign: Campaign, store: Store) -> int:
    """Take over what the shards have, by key.

    A shard that a job holds is left for later.

    Args:
        campaign: whose submissions are looked at.
        store: that takes over.

    Returns:
        How many shards were looked at.
    """
    merged = 0
    for submission in list_submissions(campaign.folder):
        content = submission.read()
        if content.get("merged"):
            continue
        complete = True
        for index in range(1, int(content["shards"]) + 1):
            complete &= _merge_shard(store, shard_folder(submission, index), content)
            merged += 1
        submission.write(content | {"merged": complete})
    return merged


def _merge_shard(store: Store, folder: Path, content: dict[str, Any]) -> bool:
    """Merge one shard; whether nothing of it will come any more."""
    if is_running(folder, LOCK_NAME) or not (folder / "shard.db").is_file():
        return False
    shard, _ = Store.open(folder / "shard.db", shared_disk=True)
    try:
        merge(store, shard)
        left, _ = shard.count_pending(PLAN, str(content["ask"]))
    finally:
        shard.close()
    return left == 0


def shard_states(submission: Submission) -> list[dict[str, Any]]:
    """How each shard stands, by its state file."""
    count = int(submission.read()["shards"])
    return [read_state(shard_folder(submission, index)) for index in range(1, count + 1)]
