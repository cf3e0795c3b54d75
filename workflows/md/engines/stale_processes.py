"""End programs that outlived the segment that started them, before their run continues."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from pathlib import Path

import psutil

from dualion.workflows.execution.files import write_text

PROCESS_FILE = "process.json"


def record_process(folder: Path, pid: int) -> None:
    """Record which process runs in a folder.

    Args:
        folder: of the program call.
        pid: process id of the program.

    Raises:
        OSError: the disk refuses.
    """
    record = {"host": socket.gethostname(), "pid": pid}
    write_text(folder / PROCESS_FILE, json.dumps(record) + "\n")


def kill_stale_process(folder: Path) -> bool:
    """Kill the program that still runs in a folder on this machine, if there is one.

    Only a process whose working folder is this folder is killed, with the process group that it
    leads.

    Returns:
        Whether there was one.
    """
    try:
        record = json.loads((folder / PROCESS_FILE).read_text(encoding="utf-8"))
        host, pid = str(record["host"]), int(record["pid"])
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
