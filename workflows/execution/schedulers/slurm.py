"""Slurm; commands and states as in the manual pages sbatch(1), squeue(1) and scancel(1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from dualion.workflows.execution.schedulers.base import (
    ArrayScheduler,
    CommandOutput,
    JobRequest,
    JobState,
    QueuedJob,
    clock_time,
    job_name,
    parse_numbers,
)

SENTENCE = re.compile(r"Submitted batch job (\d+)(?: on cluster (\S+))?")
PARSABLE = re.compile(r"^[ \t]*(\d+)(?:;([\w.-]+))?[ \t]*$", re.MULTILINE)
ROW = re.compile(r"^\s*(\d+)(_\S+)?[\s|<>]+([A-Z_]+)\b", re.MULTILINE)


class Slurm(ArrayScheduler):
    """Slurm. An id is a number, followed by ``;cluster`` where the answer names a cluster."""

    name: ClassVar[str] = "slurm"
    dask_class: ClassVar[str] = "SLURMCluster"
    mark: ClassVar[str] = "#SBATCH"
    index_variable: ClassVar[str] = "SLURM_ARRAY_TASK_ID"
    job_variable: ClassVar[str] = "SLURM_JOB_ID"
    log_index: ClassVar[str] = "%a"
    forgotten: ClassVar[tuple[str, ...]] = (
        "invalid job id specified",
        "job/step already completing or completed",
    )
    perhaps_accepted: ClassVar[tuple[str, ...]] = (
        "socket timed out",
        "zero bytes were transmitted",
        "connection reset",
    )
    states: ClassVar[Mapping[str, JobState]] = {
        "BOOT_FAIL": JobState.FAILED,
        "CANCELLED": JobState.FAILED,
        "COMPLETED": JobState.DONE,
        "CONFIGURING": JobState.RUNNING,
        "COMPLETING": JobState.RUNNING,
        "DEADLINE": JobState.FAILED,
        "FAILED": JobState.FAILED,
        "NODE_FAIL": JobState.FAILED,
        "OUT_OF_MEMORY": JobState.FAILED,
        "PENDING": JobState.QUEUED,
        "PREEMPTED": JobState.FAILED,
        "RUNNING": JobState.RUNNING,
        "RESV_DEL_HOLD": JobState.HELD,
        "REQUEUE_FED": JobState.QUEUED,
        "REQUEUE_HOLD": JobState.HELD,
        "REQUEUED": JobState.QUEUED,
        "RESIZING": JobState.RUNNING,
        "REVOKED": JobState.UNKNOWN,  # another cluster of the federation has it
        "SIGNALING": JobState.RUNNING,
        "SPECIAL_EXIT": JobState.HELD,
        "STAGE_OUT": JobState.RUNNING,
        "STOPPED": JobState.SUSPENDED,
        "SUSPENDED": JobState.SUSPENDED,
        "TIMEOUT": JobState.FAILED,
    }

    def header(self, request: JobRequest) -> list[str]:
        """Lines that sbatch reads."""
        asked = {
            "partition": request.queue,
            "account": request.account,
            "job-name": job_name(request.name),
            "ntasks": 1,
            "cpus-per-task": request.cores,
            "mem": request.memory_mb,
            "gres": f"gpu:{request.gpus}" if request.gpus else "",
            "time": clock_time(request.walltime_s),
            "output": self.log_name(request),
            "array": f"1-{request.elements}" if request.elements > 1 else "",
        }
        lines = [f"{self.mark} --{option}={value}" for option, value in asked.items() if value]
        lines += [self.dependency(request.after)] if request.after else []
        return [*lines, *self.own_lines(request)]

    def dependency(self, job_id: str) -> str:
        """Line that lets a job wait for another, or for all of an array, to end in any way."""
        return f"{self.mark} --dependency=afterany:{_number(job_id)}"

    def submit_command(self, script: str) -> list[str]:
        """Words of the command that hands over a script of the current folder."""
        return ["sbatch", "--parsable", script]

    def parse_job_id(self, stdout: str) -> str | None:
        """Id of the job: a line of its own, or in the sentence of a wrapper without --parsable."""
        found = [*SENTENCE.finditer(stdout)] or [*PARSABLE.finditer(stdout)]
        if not found:
            return None
        number, cluster = found[-1].groups()
        return f"{number};{cluster}" if cluster else str(number)

    def query_command(self, job_ids: Sequence[str]) -> list[str]:
        """Words of the command that lists jobs."""
        numbers = ",".join(_number(job_id) for job_id in job_ids)
        clusters = sorted({_cluster(job_id) for job_id in job_ids} - {""})
        where = [f"--clusters={','.join(clusters)}"] if clusters else []
        return ["squeue", "--noheader", *where, f"--jobs={numbers}", "--format=%i %T"]

    def parse_jobs(self, output: CommandOutput, job_ids: Sequence[str]) -> list[QueuedJob] | None:
        """Jobs of the answer to a query.

        Args:
            output: of the command.
            job_ids: that were asked for; other jobs are left out.

        Returns:
            None where the queue did not answer.
        """
        failed = output.status != 0 or "error" in output.stderr.lower()
        if failed and not self.has_forgotten(output):
            return None
        by_number = {_number(job_id): job_id for job_id in job_ids}
        return [
            QueuedJob(
                job_id=by_number[number],
                state=self.state(state),
                elements=parse_elements(elements or ""),
            )
            for number, elements, state in ROW.findall(output.stdout)
            if number in by_number
        ]

    def cancel_command(self, job_id: str) -> list[str]:
        """Words of the command that ends a job, an array, or one element of an array."""
        where = [f"--clusters={_cluster(job_id)}"] if _cluster(job_id) else []
        return ["scancel", *where, _number(job_id)]

    def element_id(self, job_id: str, number: int) -> str:
        """What the queue calls one element of an array.

        Args:
            job_id: of the array.
            number: of the element, from 1.
        """
        cluster = _cluster(job_id)
        return f"{_number(job_id)}_{number}" + (f";{cluster}" if cluster else "")

    def dask_settings(self, request: JobRequest) -> dict[str, Any]:
        """Arguments of dask-jobqueue's ``SLURMCluster``."""
        account = {"account": request.account} if request.account else {}
        return super().dask_settings(request) | account


def parse_elements(text: str) -> frozenset[int] | None:
    """Numbers in the tail of an id: ``_3``, ``_[1,4-6%2]``; None where none is named."""
    found = re.fullmatch(r"_(?:(\d+)|\[([\d,:-]+)(?:%\d+)?\])", text)
    return parse_numbers(found.group(1) or found.group(2)) if found else None


def _number(job_id: str) -> str:
    return job_id.partition(";")[0]


def _cluster(job_id: str) -> str:
    return job_id.partition(";")[2]
