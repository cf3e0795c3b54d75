"""A campaign cut into shards, each a small store of its own, and put together again by key.

A submission is a folder ``submissions/001`` in the campaign's folder: what was asked
(``submission.json``), the job scripts, and one folder a shard with its store, log and state. A
shard is written by its own job alone; the campaign's store takes over what a shard has once no
job holds it, as often as that is asked for.
"""

from __future__ import annotations

import heapq
import json
import threading
from dataclasses import dataclass
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

PLAN = 1
"""Number of the only plan of a shard's store."""

COPY_AT_ONCE = 500
"""Structures that are copied into a shard together."""

SUBMISSIONS = "submissions"


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission's folder."""

    folder: Path

    @property
    def name(self) -> str:
        """Its number, as text."""
        return self.folder.name

    @property
    def file(self) -> Path:
        """What was asked and what the queue answered."""
        return self.folder / "submission.json"

    def shard(self, index: int) -> Path:
        """Folder of a shard; the first is 1."""
        return self.folder / f"shard-{index:04d}"

    def read(self) -> dict[str, Any]:
        """The submission's file.

        Raises:
            InputError: it is missing or damaged.
        """
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.file} cannot be read ({error}).") from error
        if not isinstance(content, dict):
            raise InputError(f"{self.file} holds no submission.")
        return content

    def write(self, content: dict[str, Any]) -> None:
        """Write the submission's file, atomically."""
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        part.replace(self.file)


def submissions(folder: Path) -> list[Submission]:
    """All submissions of a campaign, in order."""
    found = sorted((folder / SUBMISSIONS).glob("[0-9][0-9][0-9]*"))
    return [Submission(path) for path in found if (path / "submission.json").is_file()]


def new_submission(folder: Path) -> Submission:
    """A folder with the next free number."""
    base = folder / SUBMISSIONS
    base.mkdir(exist_ok=True)
    number = 1 + max((int(p.name) for p in base.iterdir() if p.name.isdigit()), default=0)
    submission = Submission(base / f"{number:03d}")
    submission.folder.mkdir()
    return submission


def cut(
    campaign: Campaign, store: Store, plan: int, submission: Submission, *, shards: int
) -> list[dict[str, float]]:
    """Deal what is left to shards, balanced by estimated cost, and write their stores.

    Costly structures are dealt first, each to the shard that has least to do.

    Returns:
        For each shard its number of structures and its estimated time on one core, s.
    """
    stores = [_new_store(submission.shard(index)) for index in range(1, shards + 1)]
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

    Returns:
        Structures done by this call, and those that are left.

    Raises:
        InputError: there is no such shard, or another job runs it.
    """
    folder = submission.shard(index)
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
    """The campaign as it was when it was submitted, to be run in a shard's folder."""
    asked = submission.read()["campaign"]
    memory = asked["cluster"]["memory_per_worker"]
    cluster = ClusterBlock.model_validate({"workers": workers, "memory_per_worker": memory})
    campaign = Campaign(**{**asked, "store": None})
    return campaign.model_copy(update={"folder": folder, "cluster": cluster})


def merge_all(campaign: Campaign, store: Store) -> int:
    """Take over what the shards have, by key; how many structures.

    A shard that a job holds is left for later.
    """
    merged = 0
    for submission in submissions(campaign.folder):
        content = submission.read()
        if content.get("merged"):
            continue
        complete = True
        for index in range(1, int(content["shards"]) + 1):
            complete &= _merge_shard(store, submission.shard(index), content)
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
    return [read_state(submission.shard(index)) for index in range(1, count + 1)]
