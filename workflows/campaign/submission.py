"""A campaign in a batch system's queue: a job array of shards and a job that merges them.

The campaign's folder is all that the jobs share.
"""

from __future__ import annotations

import shlex
import sys
from typing import Any

from dualion.results.store import Store
from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.plan import Ask, read_sources
from dualion.workflows.campaign.shards import cut
from dualion.workflows.execution.batch_queue import QueueSilentError
from dualion.workflows.execution.job_script import (
    environment_lines,
    make_request,
    render_script,
)
from dualion.workflows.execution.schedulers import ArrayScheduler, find_array_scheduler
from dualion.workflows.execution.submission import (
    ENDED,
    JobStep,
    Submission,
    job_ids,
    list_queued,
    list_submissions,
    new_submission,
    submit_chain,
    write_chain,
)

SHARDS_MOST = 1000
"""Most shards of one submission; batch systems bound the size of arrays."""


def submit_campaign(
    campaign: Campaign, store: Store, *, scheduler: str, shards: int, dry_run: bool = False
) -> tuple[Submission, dict[str, Any]] | None:
    """Cut what is left into shards and put them into the queue.

    Args:
        campaign: whose structures are computed.
        store: of the campaign.
        scheduler: name of the batch system.
        shards: jobs of the array, at most.
        dry_run: write shards and scripts, submit nothing.

    Returns:
        The submission and what is noted of it; None where nothing is left to do.

    Raises:
        QueueRefusedError: the queue does not take the jobs.
        QueueSilentError: it cannot be known whether the queue has the campaign already.
        InputError: the queue has the campaign already, or there is no such batch system.
    """
    system = find_array_scheduler(scheduler)
    _refuse_second(campaign)
    options = campaign.options()
    plan = read_sources(campaign, store, options)
    ask = Ask.of(options)
    left, _ = store.count_pending(plan, ask.whole)
    if not left:
        return None
    submission = new_submission(campaign.folder)
    count = min(shards, left, SHARDS_MOST)
    content: dict[str, Any] = {
        "scheduler": scheduler,
        "shards": count,
        "ask": ask.whole,
        "campaign": campaign.model_dump(mode="json", exclude={"store"}),  # it may hold a password
        "file": campaign.file,
        "merged": False,
        "loads": cut(campaign, store, plan, submission, shards=count),
        "jobs": [],
    }
    submission.write(content)
    steps = _make_steps(campaign, system, submission, count)
    if dry_run:
        write_chain(submission, steps)
    else:
        submit_chain(submission, content, steps, block="cluster")
    return submission, content


def _refuse_second(campaign: Campaign) -> None:
    """Refuse to queue what is queued already, or may be."""
    for submission in list_submissions(campaign.folder):
        content = submission.read()
        if content.get("merged"):
            continue
        named = f"submission {submission.name} (job {', '.join(job_ids(content)) or 'unknown'})"
        try:
            queued = list_queued(content)
        except QueueSilentError as error:
            raise QueueSilentError(
                f"{error} Nothing was submitted, as {named} of this campaign may still be in it. "
                "Try again later; if its jobs are gone for sure, say so with: dualion cancel "
                "--forget"
            ) from error
        if queued:
            raise InputError(
                f"The queue has {named} of this campaign. Wait for it, or end it with: "
                "dualion cancel"
            )
        if not content.get(ENDED):
            submission.write(content | {ENDED: True})


def _make_steps(
    campaign: Campaign, system: ArrayScheduler, submission: Submission, shards: int
) -> list[JobStep]:
    """The array, of which job n computes shard n, and the job that merges once it has ended."""
    array = f'shard {shlex.quote(str(submission.folder))} "{system.element_number()}"'
    array += f" --workers {campaign.cluster.cores_per_job}"
    merge = f"merge {shlex.quote(str(campaign.folder.resolve() / campaign.file))}"

    def render_array(after: str) -> str:
        request = make_request(
            campaign.cluster,
            name=campaign.name,
            log="shard-{index}.log",
            elements=shards,
            after=after,
        )
        return render_script(system, request, submission.folder, _lines(campaign, array))

    def render_merge(after: str) -> str:
        request = make_request(
            campaign.cluster, name=f"{campaign.name}-merge", log="merge.log", after=after
        )
        return render_script(system, request, submission.folder, _lines(campaign, merge))

    return [
        JobStep(file="array.sh", render=render_array),
        JobStep(file="merge.sh", render=render_merge),
    ]


def _lines(campaign: Campaign, work: str) -> list[str]:
    python = shlex.quote(sys.executable)
    command = f"exec {python} -m dualion.workflows.campaign.shard_job {work}"
    return [*environment_lines(campaign.cluster, threads=1), command]
