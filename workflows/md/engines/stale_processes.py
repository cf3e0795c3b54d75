"""Programs that outlived the process that started them: they are ended before a run goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from pathlib import Path

from dualion.workflows.execution.files import write_text

NOTE = "process.json"


def note_process(folder: Path, pid: int) -> None:
    """Write down which process runs in a folder."""
    note = {"host": socket.gethostname(), "pid": pid}
    write_text(folder / NOTE, json.dumps(note) + "\n")


def end_orphan(folder: Path) -> bool:
    """End the program that still runs in a folder on this machine, if there is one.

    Only a process whose working folder is this folder is touched, with the process group that it
    leads.

    Returns:
        Whether there was one.
    """
    import psutil

    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        host, pid = str(note["host"]), int(note["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if host != socket.gethostname() or pid <= 1:
        return False
    try:
        process = psutil.Process(pid)
        if Path(process.cwd()) != folder.resolve() or os.getpgid(pid) != pid:
            return False
    except (psutil.Error, OSError):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(psutil.Error):
        process.wait(timeout=10.0)
    return True
