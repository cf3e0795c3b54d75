"""Running many structures on Dask: bounded, isolated, interruptible.

Entries travel in chunks; no more than a window of chunks is with the scheduler. A worker that
dies takes its chunk with it: the chunk's entries are then run again one at a time, and one that
kills its worker alone as well is recorded as failed.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from structures.errors import StructureError
from structures.records import RawEntry, Rejection
from workflows.tasks import Outcome, crashed_outcome, rejection_outcome, screen_entries

if TYPE_CHECKING:
    from distributed import Client, Future

    from screening.pairs import ScreenOptions

CHUNK = 8
CHUNKS_PER_WORKER = 3
"""Chunks with the scheduler for each worker: one at work, two waiting."""

Entries = Iterable[RawEntry | Rejection]
Chunk = list[tuple[int, RawEntry]]


@contextlib.contextmanager
def local_client(workers: int, *, memory_limit: str | float = "auto") -> Iterator[Client]:
    """A Dask cluster on this machine: processes with one kernel thread each."""
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.worker.daemon": True,
        "distributed.comm.timeouts.connect": "60s",
    }
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit=memory_limit,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache.

    Run it once on a machine before several workers start: caches that several processes build
    at once can break (numba issue 4807).
    """
    import numpy as np

    from screening.pairs import ScreenOptions, screen_crystal
    from structures.crystal import IonicCrystal

    rock_salt = IonicCrystal(
        cell=np.diag([4.0, 4.0, 4.0]),
        frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]),
        numbers=np.array([3, 9]),
        charges=np.array([1.0, -1.0]),
        occupancies=np.ones(2),
    )
    screen_crystal(rock_salt, ScreenOptions())


def run_all(
    client: Client, entries: Entries, options: ScreenOptions, *, time_limit_s: float
) -> Iterator[Outcome]:
    """Screen all entries; yields outcomes as they come, one for each entry.

    Args:
        client: connection to the Dask scheduler.
        entries: entries and rejections; read lazily.
        options: what is asked of every structure.
        time_limit_s: longest time for one structure, s.
    """
    from distributed import as_completed

    window = CHUNKS_PER_WORKER * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    numbered = enumerate(entries)
    suspects: Chunk = []
    waiting: dict[Future, Chunk] = {}
    done = as_completed()

    def submit_more() -> Iterator[Outcome]:
        while len(waiting) < window:
            chunk, rejections = _next_chunk(numbered)
            yield from (rejection_outcome(i, r, options) for i, r in rejections)
            if not chunk:
                if not rejections:
                    return
                continue
            future = client.submit(
                screen_entries, chunk, options, time_limit_s=time_limit_s, pure=False
            )
            waiting[future] = chunk
            done.add(future)

    yield from submit_more()
    while waiting:
        future = next(done)
        chunk = waiting.pop(future)
        if future.status == "finished":
            yield from future.result()
        else:
            suspects.extend(chunk)
        future.release()
        yield from submit_more()
    for index, entry in suspects:
        yield _alone(client, index, entry, options, time_limit_s)


def _next_chunk(
    numbered: Iterator[tuple[int, RawEntry | Rejection]],
) -> tuple[Chunk, list[tuple[int, Rejection]]]:
    """The next few entries, those that can be computed apart from those that cannot."""
    chunk: Chunk = []
    rejections: list[tuple[int, Rejection]] = []
    for index, entry in itertools.islice(numbered, CHUNK):
        if isinstance(entry, Rejection):
            rejections.append((index, entry))
        else:
            chunk.append((index, entry))
    return chunk, rejections


def _alone(
    client: Client, index: int, entry: RawEntry, options: ScreenOptions, time_limit_s: float
) -> Outcome:
    """Run one entry with nothing beside it; if its worker dies again, it is the cause."""
    from distributed.scheduler import KilledWorker

    future = client.submit(
        screen_entries, [(index, entry)], options, time_limit_s=time_limit_s, pure=False
    )
    try:
        outcomes: list[Outcome] = future.result()
    except (KilledWorker, StructureError, OSError, RuntimeError) as error:
        message = (
            f"The process that computed it died or took longer than {time_limit_s:g} s, also when "
            f"run alone ({type(error).__name__}). Raise --time-limit, or give it more memory."
        )
        return crashed_outcome(index, entry, options, message)
    return outcomes[0]
