"""A Grid Engine of one host for the tests, started by hand: sge_qmaster, sge_execd, no init."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAMS = Path("/usr/lib/gridengine")
SHARED = Path("/usr/share/gridengine")
NEEDED = ("sge_qmaster", "sge_execd", "qsub", "qstat", "qdel", "qconf")
PATIENCE_S = 120.0

HOST = """\
hostname localhost
load_scaling NONE
complex_values NONE
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
"""

PARALLEL = """\
pe_name smp
slots 999
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule $pe_slots
control_slaves FALSE
job_is_first_task TRUE
urgency_slots min
accounting_summary FALSE
qsort_args NONE
"""

QUEUE = {
    "qname": "test.q",
    "hostlist": "localhost",
    "slots": "4",
    "load_thresholds": "NONE",
    "pe_list": "smp",
    "shell": "/bin/sh",
}
SCHEDULE = {"schedule_interval": "0:0:1", "flush_submit_sec": "1", "flush_finish_sec": "1"}


@contextlib.contextmanager
def grid_engine(folder: Path) -> Iterator[None]:
    """Grid Engine with one queue, ``test.q``; its commands find it through ``SGE_ROOT``."""
    _skip_unless_possible()
    ports = {name: str(_free_port()) for name in ("SGE_QMASTER_PORT", "SGE_EXECD_PORT")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SGE_ROOT": str(folder), "SGE_CELL": "default", **ports}.items():
            patch.setenv(name, value)
        _lay_out(folder)
        try:
            _start(folder)
            yield
        finally:
            for file in ("execd/localhost/execd.pid", "execd/execd.pid", "qmaster/qmaster.pid"):
                _end(folder / file)


def _skip_unless_possible() -> None:
    os.environ["PATH"] = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(
            f"Grid Engine is not installed ({', '.join(missing)} missing): apt gridengine-master, "
            "gridengine-exec, gridengine-client"
        )
    if os.geteuid() != 0:
        pytest.skip("Grid Engine's daemons need root to start")


def _lay_out(folder: Path) -> None:
    """A cell with its configuration and an empty database."""
    for name in ("default/common", "spooldb", "qmaster/job_scripts", "execd"):
        (folder / name).mkdir(parents=True)
    for name in ("bin", "lib", "utilbin"):
        (folder / name).symlink_to(Path("/var/lib/gridengine") / name)
    (folder / "util").symlink_to(SHARED / "util")
    common = folder / "default/common"
    _adapted(SHARED / "default-bootstrap", common / "bootstrap", folder, {"admin_user": "root"})
    (common / "act_qmaster").write_text("localhost\n")
    (common / "host_aliases").write_text(f"localhost {socket.gethostname()}\n")
    asroot = {"min_uid": "0", "min_gid": "0", "mailer": "/bin/true", "load_report_time": "0:0:2"}
    _adapted(SHARED / "default-configuration", folder / "configuration", folder, asroot)
    _run(PROGRAMS / "spoolinit", "berkeleydb", "libspoolb", folder / "spooldb", "init")
    defaults = PROGRAMS / "spooldefaults"
    _run(defaults, "configuration", folder / "configuration")
    _run(defaults, "complexes", SHARED / "util/resources/centry")
    _run(defaults, "usersets", SHARED / "util/resources/usersets")
    _run(defaults, "managers", "root")


def _start(folder: Path) -> None:
    """The daemons, a host, a queue and a parallel environment."""
    _run("sge_qmaster")
    end = time.monotonic() + PATIENCE_S
    while "localhost" not in _said("qconf", "-ss"):
        if time.monotonic() > end:
            pytest.skip("Grid Engine was started but does not answer")
        time.sleep(0.3)
        _said("qconf", "-as", "localhost")
    (folder / "host").write_text(HOST)
    (folder / "parallel").write_text(PARALLEL)
    _run("qconf", "-Ae", folder / "host")
    _run("sge_execd")
    _run("qconf", "-Ap", folder / "parallel")
    for shown, given, changes in (("-sq", "-Aq", QUEUE), ("-ssconf", "-Msconf", SCHEDULE)):
        file = folder / given.strip("-")
        file.write_text(_changed(_said("qconf", shown), changes))
        _run("qconf", given, file)


def _adapted(source: Path, target: Path, folder: Path, changes: dict[str, str]) -> None:
    text = source.read_text().replace("/var/spool/gridengine", str(folder))
    target.write_text(_changed(text, changes))


def _changed(text: str, changes: dict[str, str]) -> str:
    for name, value in changes.items():
        text = re.sub(rf"(?m)^{name}\s.*$", f"{name} {value}", text)
    return text


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, timeout=60, capture_output=True)


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def _end(file: Path) -> None:
    """End a daemon by its own number and wait for it."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 20.0
        while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
