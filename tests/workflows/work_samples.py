"""Work functions for the executor's tests: some do harm. Workers import this module by name."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

from dualion.workflows.campaign.tasks import Job, Outcome, note_stage, pair_key, task_key


def tame(job: Job) -> Outcome:
    """An outcome that tells which process made it."""
    row = {"source_id": job.entry.source_id, "status": "ok", "reason": None, "seconds": os.getpid()}
    return Outcome(index=job.index, stage="done", rows=[row])


def as_told(job: Job) -> Outcome:
    """Do to this process what the entry's text says; ``once:FILE:WHAT`` does it one time."""
    text = job.entry.text
    if text.startswith("once:"):
        _, marker, text = text.split(":", 2)
        if Path(marker).exists():
            return tame(job)
        Path(marker).touch()
    HARM.get(text.strip(), lambda: None)()
    return tame(job)


def logged(job: Job) -> Outcome:
    """Note the job in the file that the text names, and take a twentieth of a second."""
    with Path(job.entry.text).open("a") as log:
        log.write(f"{job.index}\n")
    time.sleep(0.05)
    return tame(job)


def _crash_in_preparation() -> None:
    note_stage("prepare")
    ctypes.string_at(0)


def _take_memory() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(64 * 1024 * 1024))


def _compiled_hang() -> None:
    """A loop that never gives Python's interpreter a chance."""
    ctypes.PyDLL(None).usleep(60_000_000)


HARM = {
    "segfault": lambda: ctypes.string_at(0),
    "segfault_in_prepare": _crash_in_preparation,
    "exit": lambda: os._exit(3),
    "abort": os.abort,
    "memory_error": lambda: (_ for _ in ()).throw(MemoryError),
    "take_memory": _take_memory,
    "hang": lambda: time.sleep(60),
    "compiled_hang": _compiled_hang,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "slow": lambda: time.sleep(0.2),
}


def _as_rows(outcome: Outcome, job: Job) -> Outcome:
    """The outcome with a complete row, for the store."""
    cation = ";".join(job.options.cations)
    row = {
        "source": job.entry.source,
        "source_id": job.entry.source_id,
        "status": "ok",
        "reason": None,
        "cation": f"{cation}+",
        "anion": "I-",
        "key": pair_key(task_key(job.entry, job.options), cation, "I"),
        **{f"e{n}d_{ion}_ev": 0.5 * n for n in (1, 2, 3) for ion in ("cation", "anion")},
    }
    return Outcome(
        index=outcome.index, stage="done", rows=[row], cations=job.options.cations, anions=("I",)
    )


def row_tame(job: Job) -> Outcome:
    """A row with made-up barriers."""
    return _as_rows(tame(job), job)


def row_slow(job: Job) -> Outcome:
    """The same, after a while."""
    time.sleep(0.02)
    return _as_rows(tame(job), job)


def row_as_told(job: Job) -> Outcome:
    """The same, after the harm that the text asks for."""
    return _as_rows(as_told(job), job)
