"""PBS Professional and OpenPBS, as in their reference guide; Torque where it speaks alike."""

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
)

ANSWER = re.compile(r"^[ \t]*(\d+(?:\[\])?(?:\.[\w.-]+)?)[ \t]*$", re.MULTILINE)
JOB = re.compile(r"^Job Id: *(\d+)(?:\[(\d*)\])?\S*", re.MULTILINE)
STATE = re.compile(r"^\s+job_state = (\S+)", re.MULTILINE)


class PBS(ArrayScheduler):
    """PBS. An id is a number, ``[]`` for an array, and the name of the server."""

    name: ClassVar[str] = "pbs"
    dask_class: ClassVar[str] = "PBSCluster"
    mark: ClassVar[str] = "#PBS"
    index_variable: ClassVar[str] = "PBS_ARRAY_INDEX"
    job_variable: ClassVar[str] = "PBS_JOBID"
    log_index: ClassVar[str] = "^array_index^"
    forgotten: ClassVar[tuple[str, ...]] = (
        "unknown job id",
        "job has finished",
        "request invalid for state of job",
    )
    perhaps_accepted: ClassVar[tuple[str, ...]] = ("timed out", "timeout", "end of file")
    states: ClassVar[Mapping[str, JobState]] = {
        "B": JobState.RUNNING,  # an array of which an element has begun
        "C": JobState.DONE,  # Torque
        "E": JobState.RUNNING,
        "F": JobState.DONE,
        "H": JobState.HELD,
        "M": JobState.UNKNOWN,  # another server has it
        "Q": JobState.QUEUED,
        "R": JobState.RUNNING,
        "S": JobState.SUSPENDED,
        "T": JobState.QUEUED,
        "U": JobState.SUSPENDED,
        "W": JobState.QUEUED,
        "X": JobState.DONE,
    }

    def header(self, request: JobRequest) -> list[str]:
        """Lines that qsub reads; PBS itself names the logs of an array's elements."""
        memory = f":mem={request.memory_mb}mb" if request.memory_mb else ""
        gpus = f":ngpus={request.gpus}" if request.gpus else ""
        options = [
            f"-N {job_name(request.name)}",
            f"-q {request.queue}" if request.queue else "",
            f"-A {request.account}" if request.account else "",
            f"-l select=1:ncpus={request.cores}{gpus}{memory}",
            f"-l walltime={clock_time(request.walltime_s)}",
            "-j oe",
            f"-o {self.log_name(request)}" if request.elements == 1 or not request.log else "",
            f"-J 1-{request.elements}" if request.elements > 1 else "",
        ]
        lines = [f"{self.mark} {option}" for option in options if option]
        lines += [self.dependency(request.after)] if request.after else []
        return [*lines, *self.own_lines(request)]

    def dependency(self, job_id: str) -> str:
        """Line that lets a job wait for another, or for all of an array, to end in any way."""
        return f"{self.mark} -W depend=afterany:{job_id}"

    def submit_command(self, script: str) -> list[str]:
        """Words of the command that hands over a script of the current folder."""
        return ["qsub", script]

    def parse_job_id(self, stdout: str) -> str | None:
        """Id of the job: the last line that is nothing but an id."""
        found = ANSWER.findall(stdout)
        return str(found[-1]) if found else None

    def query_command(self, job_ids: Sequence[str]) -> list[str]:
        """Words of the command that lists jobs, element by element."""
        return ["qstat", "-f", "-t", *job_ids]

    def parse_jobs(self, output: CommandOutput, job_ids: Sequence[str]) -> list[QueuedJob] | None:
        """Jobs of the answer to a query.

        An array is listed itself and element by element; where elements are, they count.

        Args:
            output: of the command.
            job_ids: that were asked for; other jobs are left out.

        Returns:
            None where the queue did not answer.
        """
        if output.status != 0 and not self.has_forgotten(output):
            return None
        by_number = {_number(job_id): job_id for job_id in job_ids}
        blocks = re.split(r"(?=^Job Id:)", output.stdout, flags=re.MULTILINE)
        elements: list[QueuedJob] = []
        whole: list[QueuedJob] = []
        for block in blocks:
            job, state = JOB.match(block), STATE.search(block)
            if not job or job.group(1) not in by_number:
                continue
            number = job.group(2)
            found = QueuedJob(
                job_id=by_number[job.group(1)],
                state=self.state(state.group(1) if state else ""),
                elements=frozenset({int(number)}) if number else None,
            )
            (elements if number else whole).append(found)
        told = {job.job_id for job in elements}
        return elements + [job for job in whole if job.job_id not in told]

    def cancel_command(self, job_id: str) -> list[str]:
        """Words of the command that ends a job, an array, or one element of an array."""
        return ["qdel", job_id]

    def element_id(self, job_id: str, number: int) -> str:
        """What the queue calls one element of an array.

        Args:
            job_id: of the array.
            number: of the element, from 1.
        """
        head, dot, server = job_id.partition(".")
        return f"{head.removesuffix('[]')}[{number}]{dot}{server}"

    def dask_settings(self, request: JobRequest) -> dict[str, Any]:
        """Arguments of dask-jobqueue's ``PBSCluster``."""
        account = {"account": request.account} if request.account else {}
        return super().dask_settings(request) | account


def _number(job_id: str) -> str:
    return job_id.partition(".")[0].partition("[")[0]
