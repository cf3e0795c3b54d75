"""Jobs in chunks: large enough that handing them out costs little, small enough to end together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dualion.workflows.campaign.tasks import Job, Outcome

CHUNK_JOBS = 16
"""Most jobs of one chunk where nobody knows how much will come."""

LARGE_CHUNK_JOBS = 64
"""Most jobs of one chunk where that is known."""

CHUNK_SECONDS = 2.0
"""A chunk is full once its jobs are expected to take this long, s."""

SHARES = 4
"""A chunk is also full with this part of a worker's share of what is left, so that all workers
end at about the same time."""

LEAST_SECONDS = 0.2
"""A chunk is not made smaller than this for that reason, s."""

Chunk = list[Job]


@dataclass(slots=True, kw_only=True)
class Cut:
    """One chunk and what came beside it.

    Attributes:
        chunk: jobs to run; may be empty.
        passed: outcomes that were among the jobs.
    """

    chunk: Chunk
    passed: list[Outcome]


class Chunks:
    """Cuts a stream of jobs into chunks, read no further than the next chunk needs."""

    def __init__(self, jobs: Iterable[Job | Outcome], *, expected_s: float | None = None) -> None:
        """Args:
        jobs: what to run; an outcome among them is passed through.
        expected_s: what all jobs are expected to take together, s; None where it is unknown.
        """
        self._jobs = iter(jobs)
        self._left_s = expected_s

    def next(self, workers: int) -> Cut | None:
        """The next chunk for a number of workers; None at the end."""
        cut = Cut(chunk=[], passed=[])
        most, limit_s = self._bounds(workers)
        spent_s = 0.0
        for job in self._jobs:
            if isinstance(job, Outcome):
                cut.passed.append(job)
            else:
                cut.chunk.append(job)
                spent_s += job.cost_s
            if len(cut.chunk) >= most or len(cut.passed) >= most or spent_s >= limit_s:
                break
        if self._left_s is not None:
            self._left_s -= spent_s
        return cut if cut.chunk or cut.passed else None

    def _bounds(self, workers: int) -> tuple[int, float]:
        """Most jobs of a chunk, and the expected time that fills it, s."""
        if self._left_s is None:
            return CHUNK_JOBS, CHUNK_SECONDS
        share_s = self._left_s / (SHARES * max(1, workers))
        return LARGE_CHUNK_JOBS, min(CHUNK_SECONDS, max(LEAST_SECONDS, share_s))
