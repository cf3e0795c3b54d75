"""A campaign in a batch system's queue: a job array of shards and a job that merges them.

qtoolkit renders the scripts, submits them and reads the queue; the campaign's folder is all
that the jobs share.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from dualion.results.store import Store
from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.plan import Ask, read_sources
from dualion.workflows.campaign.shards import Submission, cut, new_submission, submissions
from dualion.workflows.execution.cluster import node_prologue
from dualion.workflows.execution.schedulers.batch_system import (
    SYSTEMS,
    cancel_job,
    element_number,
    job_header,
    jobs_of,
    queue_manager,
    submit_script,
)

SHARDS_MOST = 1000
"""Most shards of one submission; batch systems bound the size of arrays."""


def submit(
    campaign: Campaign, store: Store, *, scheduler: str, shards: int, dry_run: bool = False
) -> tuple[Submission, dict[str, Any]] | None:
    """Cut what is left into shards and put them into the queue.

    Returns:
        The submission and what is noted of it; None where nothing is left to do.

    Raises:
        InputError: the queue refuses, or has the campaign already.
    """
    manager = queue_manager(scheduler)
    _refuse_second(campaign, scheduler)
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
        "campaign": campaign.model_dump(mode="json"),
        "file": campaign.file,
        "merged": False,
        "loads": cut(campaign, store, plan, submission, shards=count),
        "job_id": None,
        "merge_job_id": None,
    }
    submission.write(content)
    array = write_script(submission, "array.sh", array_script(campaign, scheduler, submission))
    if dry_run:
        write_script(submission, "merge.sh", merge_script(campaign, scheduler, submission, "ID"))
        return submission, content
    content["job_id"] = submit_script(manager, array)
    submission.write(content)
    text = merge_script(campaign, scheduler, submission, str(content["job_id"]))
    content["merge_job_id"] = submit_script(manager, write_script(submission, "merge.sh", text))
    submission.write(content)
    return submission, content


def _refuse_second(campaign: Campaign, scheduler: str) -> None:
    """Refuse to queue what is queued already."""
    for submission in submissions(campaign.folder):
        content = submission.read()
        if content.get("job_id") and content["scheduler"] == scheduler and queue_states(content):
            raise InputError(
                f"Submission {submission.name} of this campaign is in the queue (job "
                f"{content['job_id']}). Wait for it, or end it with: dualion cancel"
            )


def write_script(submission: Submission, name: str, text: str) -> Path:
    """Write a job script into the submission's folder."""
    path = submission.folder / name
    path.write_text(text, encoding="utf-8")
    return path


def array_script(campaign: Campaign, scheduler: str, submission: Submission) -> str:
    """The script of the array: job number n computes shard n."""
    system = SYSTEMS[scheduler]
    shards = int(submission.read()["shards"])
    header = job_header(
        campaign.cluster, scheduler, name=campaign.name, logs=_logs(submission, system.output)
    )
    if shards > 1:
        header["array"] = f"1-{shards}"
    number = element_number(scheduler)
    workers = campaign.cluster.cores_per_job
    folder = shlex.quote(str(submission.folder))
    work = f'shard {folder} "{number}" --workers {workers}'
    return _script(campaign, scheduler, submission, header, work)


def merge_script(campaign: Campaign, scheduler: str, submission: Submission, job_id: str) -> str:
    """The script of the driver's job: when the array has ended, merge and write the tables."""
    header = job_header(
        campaign.cluster,
        scheduler,
        name=f"{campaign.name}-merge",
        logs=_logs(submission, "merge.log"),
    )
    verbatim = [SYSTEMS[scheduler].dependency.format(id=job_id), header.get("qverbatim", "")]
    header["qverbatim"] = "\n".join(line for line in verbatim if line)
    target = shlex.quote(str(campaign.folder / campaign.file))
    return _script(campaign, scheduler, submission, header, f"merge {target}")


def _logs(submission: Submission, output: str) -> str:
    """Where a job's output goes; PBS names files of an array by itself."""
    return str(submission.folder / output) if output else f"{submission.folder}/"


def _script(
    campaign: Campaign,
    scheduler: str,
    submission: Submission,
    header: dict[str, Any],
    work: str,
) -> str:
    command = f"exec {shlex.quote(sys.executable)} -m dualion.workflows.campaign.shard_job {work}"
    lines = [f"cd {shlex.quote(str(submission.folder))}", *node_prologue(campaign.cluster), command]
    script: str = queue_manager(scheduler).scheduler_io.get_submission_script(lines, header)
    return script + "\n"


def queue_states(content: dict[str, Any]) -> dict[str, int]:
    """How many of a submission's jobs are in which state; empty once none is in the queue."""
    ids = [content.get(key) for key in ("job_id", "merge_job_id")]
    states: dict[str, int] = {}
    for job_id in (str(number) for number in ids if number):
        for job in jobs_of(str(content["scheduler"]), job_id) or ():
            state = job.state.value if job.state else "UNKNOWN"
            if state not in ("DONE", "FAILED"):
                states[state] = states.get(state, 0) + 1
    return states


def cancel(submission: Submission) -> list[str]:
    """Take a submission's jobs out of the queue; the numbers of those that were told so."""
    content = submission.read()
    manager = queue_manager(str(content["scheduler"]))
    told = []
    for key in ("merge_job_id", "job_id"):
        if content.get(key):
            cancel_job(manager, str(content[key]))
            told.append(str(content[key]))
    return told
