"""One driver at a time: a lock on the campaign's folder that dies with its holder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from dualion.structures.errors import InputError

LOCK_NAME = ".dualion.lock"


@contextlib.contextmanager
def folder_lock(folder: Path, name: str = LOCK_NAME) -> Iterator[None]:
    """Hold the folder's lock.

    The system lets go of it when the process ends, also by SIGKILL. On shared disks it holds
    between nodes as far as the file system passes locks on.

    Raises:
        InputError: another process holds it, or the folder cannot be written to.
    """
    path = folder / name
    try:
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"Cannot write into {folder}: {error.strerror}. A campaign writes its store and tables "
            "there; change the rights or copy it elsewhere."
        ) from error
    with handle:
        if not _taken(handle.fileno()):
            handle.seek(0)
            raise InputError(
                f"The campaign in {folder} is already being run {_by(handle.read())}. Wait for it, "
                "stop it with Ctrl-C, or look with: dualion status"
            )
        handle.truncate(0)
        json.dump({"pid": os.getpid(), "host": socket.gethostname()}, handle)
        handle.flush()
        yield


def is_running(folder: Path, name: str = LOCK_NAME) -> bool:
    """Whether a driver holds the folder's lock."""
    try:
        with (folder / name).open("r", encoding="utf-8") as handle:  # it may not be ours to write
            return not _taken(handle.fileno(), shared=True)
    except OSError:
        return False


def _taken(descriptor: int, *, shared: bool = False) -> bool:
    """Whether the lock could be had, beside other readers if shared; closing gives it back."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return True
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _by(text: str) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        holder = json.loads(text)
        return f"by process {holder['pid']} on {holder['host']}"
    return "by another process"
