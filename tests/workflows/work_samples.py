"""Work functions for the executor's tests: some do harm. Workers import this module by name."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

from workflows.tasks import Job, Outcome


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
    HARM.get(text, lambda: None)()
    return tame(job)


def _take_memory() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(64 * 1024 * 1024))


def _compiled_hang() -> None:
    """A loop that never gives Python's interpreter a chance."""
    ctypes.PyDLL(None).usleep(60_000_000)


HARM = {
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(3),
    "abort": os.abort,
    "memory_error": lambda: (_ for _ in ()).throw(MemoryError),
    "take_memory": _take_memory,
    "hang": lambda: time.sleep(60),
    "compiled_hang": _compiled_hang,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "slow": lambda: time.sleep(0.2),
}
