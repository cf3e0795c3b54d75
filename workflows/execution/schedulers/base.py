"""What a batch system is to this program: text in, text out; nothing here runs a command.

``Scheduler`` is what Dask's workers need, ``ArrayScheduler`` adds what job arrays need. A batch
system is one subclass in one file, and one entry of the registry.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

NAME_LENGTH = 15
"""Longest name of a job that every batch system takes; PBS bounds it so."""


class JobState(StrEnum):
    """State of a job, whatever the batch system calls it."""

    QUEUED = "QUEUED"
    HELD = "QUEUED_HELD"  # waits for another job, a person or a repair
    RUNNING = "RUNNING"  # also while it starts and ends
    SUSPENDED = "SUSPENDED"
    DONE = "DONE"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"  # a job that is there, in a state that is not in the map

    @property
    def in_queue(self) -> bool:
        """Whether such a job may still compute."""
        return self not in (JobState.DONE, JobState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What the header of a job script asks for.

    Attributes:
        name: of the job, as people wrote it.
        cores: of the job.
        gpus: of the job.
        memory_mb: memory of the whole job, MB; 0 for the site's default.
        walltime_s: s.
        queue: queue or partition; empty for the site's default.
        account: account or project; empty for the site's default.
        directives: further lines, with or without the mark of the batch system.
        log: name of the log file in the folder of the script, ``{index}`` for the number of the
            element; empty where the script itself opens its log.
        elements: number of jobs of the array; 1 for a plain job.
        after: id of the job that has to end first, in whatever way; empty for none.
    """

    name: str
    cores: int = 1
    gpus: int = 0
    memory_mb: int = 0
    walltime_s: int
    queue: str = ""
    account: str = ""
    directives: tuple[str, ...] = ()
    log: str = ""
    elements: int = 1
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedJob:
    """A job, or elements of an array, as the queue lists them.

    Attributes:
        job_id: as it was given to the query.
        state: where it stands.
        elements: numbers of the elements that are meant; None where the queue does not say, which
            stands for all of them.
    """

    job_id: str
    state: JobState
    elements: frozenset[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutput:
    """What a command said.

    Attributes:
        status: exit status; None where it was ended because it took too long.
        stdout, stderr: text.
    """

    status: int | None
    stdout: str = ""
    stderr: str = ""

    @property
    def summary(self) -> str:
        """The last line that was said, which is after any banner; for messages."""
        said = (self.stderr.strip() or self.stdout.strip()).splitlines()
        if said:
            return said[-1].strip()
        return "no answer in time" if self.status is None else f"exit status {self.status}"


class Scheduler(ABC):
    """A batch system whose jobs Dask's workers may run in.

    Attributes:
        name: in ``campaign.yaml``.
        dask_class: class of dask-jobqueue.
        mark: how a line of the header begins.
        submits_arrays: whether it is an ``ArrayScheduler``.
    """

    name: ClassVar[str]
    dask_class: ClassVar[str]
    mark: ClassVar[str]
    submits_arrays: ClassVar[bool] = False

    def dask_settings(self, request: JobRequest) -> dict[str, Any]:
        """Arguments of the Dask class that are the batch system's own.

        Args:
            request: one job of workers.
        """
        return {
            "walltime": clock_time(request.walltime_s),
            "queue": request.queue or None,
            "job_extra_directives": self.bare_directives(request),
        }

    def bare_directives(self, request: JobRequest) -> list[str]:
        """Further lines of the header without the mark, which dask-jobqueue puts before them."""
        mark = re.compile(rf"{re.escape(self.mark)}\s*") if self.mark else re.compile("")
        return [mark.sub("", line, count=1) for line in split_lines(request.directives)]

    def own_lines(self, request: JobRequest) -> list[str]:
        """Further lines of the header, each with a mark."""
        lines = split_lines(request.directives)
        return [line if line.startswith("#") else f"{self.mark} {line}" for line in lines]


class ArrayScheduler(Scheduler):
    """A batch system whose queue takes job arrays.

    Attributes:
        index_variable: shell variable with the number of an array's element.
        job_variable: shell variable with the id of the job.
        log_index: stands for the number of an array's element in the name of a log file.
        states: native state → neutral state, of all states that its manual names.
        forgotten: how it says, in lower case, that it knows a job no more.
        perhaps_accepted: how it says, in lower case, that it cannot tell whether it took a job.
    """

    submits_arrays: ClassVar[bool] = True
    index_variable: ClassVar[str]
    job_variable: ClassVar[str]
    log_index: ClassVar[str]
    states: ClassVar[Mapping[str, JobState]]
    forgotten: ClassVar[tuple[str, ...]]
    perhaps_accepted: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def header(self, request: JobRequest) -> list[str]:
        """Lines that the batch system reads, each with its mark."""

    @abstractmethod
    def dependency(self, job_id: str) -> str:
        """Line of the header that lets a job wait until another, or all of an array, has ended."""

    @abstractmethod
    def submit_command(self, script: str) -> list[str]:
        """Words of the command that hands over a script of the current folder."""

    @abstractmethod
    def parse_job_id(self, stdout: str) -> str | None:
        """Id of the job in the answer to a submission, wherever it stands.

        Args:
            stdout: what the command said; sites print banners before the answer.

        Returns:
            None where the answer has none.
        """

    @abstractmethod
    def query_command(self, job_ids: Sequence[str]) -> list[str]:
        """Words of the command that lists jobs."""

    @abstractmethod
    def parse_jobs(self, output: CommandOutput, job_ids: Sequence[str]) -> list[QueuedJob] | None:
        """Jobs of the answer to a query.

        Args:
            output: of the command.
            job_ids: that were asked for; other jobs are left out.

        Returns:
            Jobs that the queue knows, none where it has forgotten them; None where it did not
            answer, which is not the same.
        """

    @abstractmethod
    def cancel_command(self, job_id: str) -> list[str]:
        """Words of the command that ends a job, an array, or one element of an array."""

    @abstractmethod
    def element_id(self, job_id: str, number: int) -> str:
        """What the queue calls one element of an array.

        Args:
            job_id: of the array.
            number: of the element, from 1.
        """

    def element_number(self) -> str:
        """Shell text with the number of an array's element; 1 outside of an array."""
        return f"${{{self.index_variable}:-1}}"

    def log_name(self, request: JobRequest) -> str:
        """Name of the log file that the batch system opens; nothing where the script opens it."""
        index = self.log_index if request.elements > 1 else "1"
        return request.log.replace("{index}", index) or "/dev/null"

    def state(self, native: str) -> JobState:
        """The neutral state; a state that the map does not know belongs to a job that is there."""
        return self.states.get(native, JobState.UNKNOWN)

    def has_forgotten(self, output: CommandOutput) -> bool:
        """Whether all complaints of a command are that it knows a job no more."""
        said = output.stderr if output.stderr.strip() else output.stdout
        lines = [line.lower() for line in said.splitlines() if line.strip()]
        return bool(lines) and all(any(mark in line for mark in self.forgotten) for line in lines)

    def is_perhaps_accepted(self, output: CommandOutput) -> bool:
        """Whether a submission that failed may have left a job in the queue."""
        said = f"{output.stdout}\n{output.stderr}".lower()
        return output.status is None or any(mark in said for mark in self.perhaps_accepted)


def job_name(name: str) -> str:
    """A name that every batch system takes."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name)
    kept = kept[:NAME_LENGTH]
    return kept if kept[:1].isalpha() else f"d{kept}"[:NAME_LENGTH]


def clock_time(seconds: int) -> str:
    """HH:MM:SS, with more than 24 hours where need be."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def split_lines(directives: Sequence[str]) -> list[str]:
    """Lines of a header, one each: a line break within an entry must not end the header."""
    lines = [line.strip() for entry in directives for line in entry.splitlines()]
    return [line for line in lines if line]


def parse_numbers(text: str) -> frozenset[int] | None:
    """Numbers of elements in a list such as ``1,4-6``; None where it is cut short or none."""
    numbers: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?(?::\d+)?", part.strip())
        if not found:
            return None
        first, last = int(found.group(1)), int(found.group(2) or found.group(1))
        if last - first > 10_000_000:
            return None
        numbers.update(range(first, last + 1))
    return frozenset(numbers)
