"""The ``cluster:`` block: where the workers run."""

from __future__ import annotations

import difflib
import re

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from dualion.workflows.execution.schedulers import SCHEDULERS

QUEUES = tuple(SCHEDULERS)
KINDS = ("local", *QUEUES, "address")
BYTES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BINARY_BYTES = {"k": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class ClusterBlock(BaseModel):
    """Workers on this machine, in a batch system's jobs, or of a running Dask scheduler."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(
        "local", description=f"where the workers run: {', '.join(KINDS[:-1])} or {KINDS[-1]}"
    )
    workers: int = Field(0, ge=0, le=4096, description="processes here; 0 for one a core")
    memory_per_worker: str = Field("auto", description="for example 2GB; auto: an equal share")
    address: str | None = Field(None, description="of a running scheduler: tcp://host:8786")
    queue: str | None = Field(None, description="queue or partition")
    project: str | None = Field(None, description="account or project that is charged")
    walltime: str = Field("01:00:00", description="time of one job, HH:MM:SS")
    cores_per_job: PositiveInt = Field(1, description="cores, and so workers, of one job")
    min_jobs: int = Field(0, ge=0, description="fewest jobs that are kept")
    max_jobs: PositiveInt = Field(10, description="most jobs at a time")
    interface: str | None = Field(None, description="network interface, for example ib0")
    prologue: list[str] = Field([], description="shell lines before the work: modules, …")
    directives: list[str] = Field([], description="further lines for the head of the job script")
    node_scratch: str = Field("/tmp", description="folder on the node's own disk")

    @field_validator("kind")
    @classmethod
    def _is_kind(cls, value: str) -> str:
        if value not in KINDS:
            close = difflib.get_close_matches(value, KINDS, n=1, cutoff=0.0)[0]
            raise ValueError(f"did you mean {close!r}? Known: {', '.join(KINDS)}")
        return value

    @field_validator("walltime")
    @classmethod
    def _is_time(cls, value: str) -> str:
        walltime_s(value)
        return value

    @field_validator("queue", "project", "interface", "address", "node_scratch")
    @classmethod
    def _is_one_word(cls, value: str | None) -> str | None:
        """A line break would end a line of a job script's header and begin another."""
        value = value.strip() if value else value
        if value and re.search(r"[\s\x00-\x1f\x7f'\"`;&|<>\\]", value):
            raise ValueError(
                "write one word without spaces or line breaks, quotes and the shell's signs"
            )
        return value

    @field_validator("directives")
    @classmethod
    def _are_lines(cls, value: list[str]) -> list[str]:
        if any(re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line) for line in value):
            raise ValueError("write each line of the head as an entry of its own")
        return value

    @field_validator("memory_per_worker")
    @classmethod
    def _is_memory(cls, value: str) -> str:
        if value != "auto" and not re.fullmatch(r"\d+(\.\d+)?\s*([kKMGT]i?)?B", value):
            raise ValueError("write a size with its unit, such as 2GB or 800MB, or auto")
        return value

    @model_validator(mode="after")
    def _fits(self) -> ClusterBlock:
        if (self.kind == "address") != (self.address is not None):
            raise ValueError("kind: address and address: tcp://host:port belong together")
        if self.kind in QUEUES and self.memory_per_worker == "auto":
            raise ValueError("give memory_per_worker for a batch system, such as 2GB")
        if self.min_jobs > self.max_jobs:
            raise ValueError("min_jobs is larger than max_jobs")
        return self

    def describe(self) -> str:
        """Where the work will run, in a few words."""
        if self.kind == "local":
            return f"this machine, {self.workers or 'as many as cores'} workers"
        if self.kind == "address":
            return f"the Dask scheduler {self.address}"
        return (
            f"{self.kind} through dask-jobqueue, {self.min_jobs} to {self.max_jobs} jobs of "
            f"{self.cores_per_job} workers and {self.walltime}"
        )


def memory_mb(size: str) -> int:
    """Megabytes of a size such as 2GB or 1.5GiB; 0 for ``auto``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)B", size)
    if not found:
        return 0
    number, prefix, binary = found.groups()
    factors = BINARY_BYTES if binary else BYTES
    return max(1, int(float(number) * factors[prefix.replace("K", "k")]) // 10**6)


def walltime_s(text: str) -> int:
    """Seconds of ``HH:MM:SS`` or ``D-HH:MM:SS``.

    Raises:
        ValueError: it is no such time.
    """
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):([0-5]\d):([0-5]\d)", text)
    if not found:
        raise ValueError("write a time as HH:MM:SS, in quotes")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total < 60:
        raise ValueError("the shortest walltime is one minute")
    return total


def lifetime_s(text: str) -> tuple[int, int]:
    """How long a worker lives, and the most by which that is staggered, both in s.

    Workers retire before the batch system ends their job: what they do then is finished, and the
    task in hand is not lost. The stagger keeps them from retiring all at once.
    """
    total = walltime_s(text)
    margin = min(300, max(20, total // 10))
    stagger = min(240, max(5, total // 20))
    return total - margin - stagger, stagger
