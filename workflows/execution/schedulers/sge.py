"""Grid Engine; commands and states as in the manual pages qsub(1), qstat(1), sge_status(5)."""

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

ANSWER = re.compile(r"Your job(?:-array)? (\d+)[. ]")
JOB = re.compile(r"<job_list\b.*?</job_list>", re.DOTALL)
PARALLEL = "smp"
"""Parallel environment for the cores of one host, by the name that most sites give it."""


class GridEngine(ArrayScheduler):
    """Sun, Son of, Univa and Altair Grid Engine."""

    name: ClassVar[str] = "sge"
    dask_class: ClassVar[str] = "SGECluster"
    mark: ClassVar[str] = "#$"
    index_variable: ClassVar[str] = "SGE_TASK_ID"
    job_variable: ClassVar[str] = "JOB_ID"
    log_index: ClassVar[str] = "$TASK_ID"
    forgotten: ClassVar[tuple[str, ...]] = ("does not exist", "do not exist")
    perhaps_accepted: ClassVar[tuple[str, ...]] = ("timeout", "timed out", "got read error")
    states: ClassVar[Mapping[str, JobState]] = {
        **dict.fromkeys(("qw", "Rq"), JobState.QUEUED),
        **dict.fromkeys(("hqw", "hRwq"), JobState.HELD),
        **dict.fromkeys(("r", "hr", "t", "Rr", "Rt"), JobState.RUNNING),
        **dict.fromkeys(("s", "ts", "S", "tS", "T", "tT"), JobState.SUSPENDED),
        **dict.fromkeys(("Rs", "Rts", "RS", "RtS", "RT", "RtT"), JobState.SUSPENDED),
        **dict.fromkeys(("Eqw", "Ehqw", "EhRqw"), JobState.HELD),  # it stays until it is cleared
        **dict.fromkeys(("dr", "dt", "dRr", "dRt"), JobState.RUNNING),
        **dict.fromkeys(("ds", "dS", "dT", "dRs", "dRS", "dRT"), JobState.SUSPENDED),
        "z": JobState.DONE,
    }

    def header(self, request: JobRequest) -> list[str]:
        """Lines that qsub reads: one log, a shell where sites have csh, the current folder."""
        memory_mb = request.memory_mb // request.cores  # the limit counts for each core
        options = [
            f"-N {job_name(request.name)}",
            f"-q {request.queue}" if request.queue else "",
            f"-P {request.account}" if request.account else "",
            f"-pe {PARALLEL} {request.cores}" if request.cores > 1 else "",
            f"-l h_vmem={memory_mb}M" if memory_mb else "",
            f"-l gpu={request.gpus}" if request.gpus else "",
            f"-l h_rt={clock_time(request.walltime_s)}",
            "-S /bin/bash",
            "-cwd" if request.log else "",
            "-j y",
            f"-o {self.log_name(request)}",
            f"-t 1-{request.elements}" if request.elements > 1 else "",
        ]
        lines = [f"{self.mark} {option}" for option in options if option]
        lines += [self.dependency(request.after)] if request.after else []
        return [*lines, *self.own_lines(request)]

    def dependency(self, job_id: str) -> str:
        """Line that lets a job wait for another, or for all of an array, to end in any way."""
        return f"{self.mark} -hold_jid {job_id}"

    def submit_command(self, script: str) -> list[str]:
        """Words of the command that hands over a script of the current folder."""
        return ["qsub", script]

    def parse_job_id(self, stdout: str) -> str | None:
        """Id of the job in the sentence of the answer."""
        found = ANSWER.findall(stdout)
        return str(found[-1]) if found else None

    def query_command(self, job_ids: Sequence[str]) -> list[str]:
        """Words of the command that lists jobs; Grid Engine lists all of them alone."""
        return ["qstat", "-xml", "-u", "*"]

    def parse_jobs(self, output: CommandOutput, job_ids: Sequence[str]) -> list[QueuedJob] | None:
        """Jobs of the answer to a query.

        Args:
            output: of the command.
            job_ids: that were asked for; other jobs are left out.

        Returns:
            None where the queue did not answer.
        """
        if output.status != 0 or "</job_info>" not in output.stdout:
            return None
        jobs = []
        for block in JOB.findall(output.stdout):
            number = _field(block, "JB_job_number")
            if number in job_ids:
                tasks = _field(block, "tasks")
                jobs.append(
                    QueuedJob(
                        job_id=number,
                        state=self.state(_field(block, "state")),
                        elements=parse_numbers(tasks) if tasks else None,
                    )
                )
        return jobs

    def cancel_command(self, job_id: str) -> list[str]:
        """Words of the command that ends a job, an array, or one element of an array."""
        return ["qdel", job_id]

    def element_id(self, job_id: str, number: int) -> str:
        """What the queue calls one element of an array.

        Args:
            job_id: of the array.
            number: of the element, from 1.
        """
        return f"{job_id}.{number}"

    def element_number(self) -> str:
        """Shell text with the number of an array's element; it is "undefined" outside of one."""
        return f"${{{self.index_variable}/undefined/1}}"

    def dask_settings(self, request: JobRequest) -> dict[str, Any]:
        """Arguments of dask-jobqueue's ``SGECluster``, which asks for one core and no shell."""
        settings = super().dask_settings(request)
        settings["job_extra_directives"].append("-S /bin/bash")
        if request.cores > 1:
            settings["job_extra_directives"].append(f"-pe {PARALLEL} {request.cores}")
        return settings | ({"project": request.account} if request.account else {})


def _field(block: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", block)
    return found.group(1).strip() if found else ""
