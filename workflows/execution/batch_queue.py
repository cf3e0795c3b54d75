"""The queue of this machine: the only place that runs a batch system's commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dualion.structures.errors import InputError
from dualion.workflows.execution.schedulers import ArrayScheduler, CommandOutput, QueuedJob

QUERY_S = 60.0
"""How long a query or a cancellation may take, s; a queue that takes longer does not answer."""

SUBMIT_S = 300.0
"""How long a submission may take, s: sites check quotas and budgets first."""

ENVIRONMENT = {"LC_ALL": "C", "SLURM_BITSTR_LEN": "0"}
"""English answers, and lists of array elements in full; not for submissions, as jobs inherit it."""


class QueueRefusedError(InputError):
    """The queue took no job."""


class QueueSilentError(InputError):
    """The queue does not answer, so nobody knows whether a job is in it."""


class JobIdUnknownError(InputError):
    """The queue may have taken a job, but its answer has no id."""


def run_command(
    words: Sequence[str],
    *,
    timeout_s: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> CommandOutput:
    """Run a command of the batch system.

    Args:
        words: of the command; no shell reads them.
        timeout_s: after which it is ended, s.
        folder: to run it in; None for the current one.
        environment: variables beside those of this process.
    """
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return CommandOutput(status=None)
    except OSError as error:
        return CommandOutput(status=127, stderr=f"{words[0]}: {error.strerror}")
    stdout, stderr = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    return CommandOutput(status=done.returncode, stdout=stdout, stderr=stderr)


def submit_script(scheduler: ArrayScheduler, script: Path, *, block: str = "cluster") -> str:
    """Hand a script to the queue, from its own folder.

    Args:
        scheduler: the batch system.
        script: the job script.
        block: of the YAML file that the message of a refusal names.

    Returns:
        The id of the job.

    Raises:
        QueueRefusedError: the queue did not take it, or there is none here.
        JobIdUnknownError: the queue took it, or may have, and the answer has no id.
    """
    words = scheduler.submit_command(script.name)
    output = run_command(words, timeout_s=SUBMIT_S, folder=script.parent)
    job_id = scheduler.parse_job_id(output.stdout)
    if output.status == 0 and job_id:
        return job_id
    if output.status == 0 or scheduler.is_perhaps_accepted(output):
        raise JobIdUnknownError(
            f"The queue may have taken {script}, but gave no job id: {output.summary}. Look for "
            "the job in the queue before you go on."
        )
    raise QueueRefusedError(
        f"The queue refused {script}: {output.summary}. Change the {block} block of the campaign."
    )


def list_jobs(scheduler: ArrayScheduler, job_ids: Sequence[str]) -> list[QueuedJob]:
    """Jobs of the queue, of those that are asked for; none that it has forgotten.

    Args:
        scheduler: the batch system.
        job_ids: as the queue gave them.

    Raises:
        QueueSilentError: the queue does not answer, or is not on this machine.
    """
    if not job_ids:
        return []
    output = run_command(
        scheduler.query_command(job_ids), timeout_s=QUERY_S, environment=ENVIRONMENT
    )
    jobs = scheduler.parse_jobs(output, job_ids)
    if jobs is None:
        raise QueueSilentError(f"The queue does not answer ({output.summary}).")
    return jobs


def cancel_job(scheduler: ArrayScheduler, job_id: str) -> None:
    """Tell the queue to end a job, an array, or one element of an array.

    Args:
        scheduler: the batch system.
        job_id: of the job or the element; one that the queue has forgotten is no error.

    Raises:
        QueueSilentError: the queue could not be told.
    """
    output = run_command(
        scheduler.cancel_command(job_id), timeout_s=QUERY_S, environment=ENVIRONMENT
    )
    if output.status != 0 and not scheduler.has_forgotten(output):
        raise QueueSilentError(f"The queue does not answer ({output.summary}).")
