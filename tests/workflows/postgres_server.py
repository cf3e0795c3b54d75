"""A PostgreSQL server for the tests: initdb and pg_ctl in a folder, as an unprivileged user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The URL of a fresh server on a free loopback port."""
    programs = _programs()
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="dualion-pg-"))
    if user:
        shutil.chown(folder, user)
    data, log = folder / "data", folder / "log"
    _run(user, [programs / "initdb", "-D", data, "-U", "dualion", "-A", "trust", "--no-sync"])
    port = _free_port()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    start = [programs / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "-t", "60", "start"]
    try:
        _run(user, start)
        yield f"postgresql://dualion@127.0.0.1:{port}/postgres"
    finally:
        with contextlib.suppress(subprocess.SubprocessError):
            _run(user, [programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Folder of initdb and pg_ctl; Debian keeps them off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    usable = [folder for folder in folders if (folder / "pg_ctl").exists()]
    if not usable:
        pytest.skip("PostgreSQL is not installed (no initdb): apt postgresql")
    return usable[-1]


def _user() -> str | None:
    """Whom to run the server as: it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip("PostgreSQL refuses root and there is no unprivileged user")


def _run(user: str | None, command: list[object]) -> None:
    words = [str(word) for word in command]
    as_user = ["runuser", "-u", user, "--"] if user else []
    done = subprocess.run(
        [*as_user, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, cwd="/"
    )
    if done.returncode != 0 and "start" in words:
        pytest.skip(f"PostgreSQL cannot be started: {done.stderr.decode()[-200:]}")
    done.check_returncode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
