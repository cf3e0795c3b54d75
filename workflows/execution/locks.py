"""One process at a time: a lock on a folder that dies with its holder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from dualion.structures.errors import InputError

LOCK_NAME = ".dualion.lock"

ATTEMPTS = 4
RETRY_S = 0.05
"""Wait between attempts, s: who only asks whether a folder is locked holds it for a moment."""


@contextlib.contextmanager
def folder_lock(folder: Path, name: str = LOCK_NAME) -> Iterator[None]:
    """Hold the folder's lock.

    The system lets go of it when the process ends, also by SIGKILL. On shared disks it holds
    between nodes as far as the file system passes locks on.

    Args:
        folder: that one process at a time may change.
        name: of the file in it that is locked.

    Raises:
        InputError: another process holds it, or the folder cannot be written to.
    """
    path = folder / name
    try:
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"Cannot write into {folder}: {error.strerror}. Results are written there; change the "
            "rights or copy it elsewhere."
        ) from error
    with handle:
        if not _take_patiently(handle.fileno()):
            handle.seek(0)
            raise InputError(
                f"{folder} is already being run {_holder(handle.read())}. Wait until it ends, or "
                "stop it with Ctrl-C."
            )
        handle.truncate(0)
        json.dump({"pid": os.getpid(), "host": socket.gethostname()}, handle)
        handle.flush()
        yield


def is_running(folder: Path, name: str = LOCK_NAME) -> bool:
    """Whether a process holds the folder's lock; the folder need not be writable.

    Args:
        folder: that may be locked.
        name: of the file in it that is locked.
    """
    try:
        with (folder / name).open(encoding="utf-8") as handle:
            return not _take(handle.fileno(), shared=True)
    except OSError:
        return False


def _take_patiently(descriptor: int) -> bool:
    for _ in range(ATTEMPTS - 1):
        if _take(descriptor):
            return True
        time.sleep(RETRY_S)
    return _take(descriptor)


def _take(descriptor: int, *, shared: bool = False) -> bool:
    """Take the lock if it is free; closing the file gives it back."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return True
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _holder(text: str) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        holder = json.loads(text)
        return f"by process {holder['pid']} on {holder['host']}"
    return "by another process"
