"""A Slurm of one node for the tests, started by hand: munged, slurmctld, slurmd, no systemd."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0
ReturnToService=2
SlurmdParameters=config_overrides
StateSaveLocation={folder}/ctld
SlurmdSpoolDir={folder}/slurmd
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
InactiveLimit=0
KillWait=5
MinJobAge=300
NodeName={host} NodeAddr=127.0.0.1 CPUs={slots} RealMemory=16000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES:4
"""


@contextlib.contextmanager
def slurm(folder: Path, *, slots: int = 4) -> Iterator[None]:
    """Slurm with one partition, ``debug``; its commands find it through ``SLURM_CONF``.

    It runs up to ``slots`` jobs of one core at once, however many cores the machine has.
    """
    _skip_unless_possible()
    with _one_at_a_time():
        yield from _served(folder, slots)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Test processes take turns: munged is the machine's, whoever started it ends it."""
    with Path(tempfile.gettempdir(), "dualion-slurm-tests.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _served(folder: Path, slots: int) -> Iterator[None]:
    for name in ("ctld", "slurmd"):
        (folder / name).mkdir()
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            host=socket.gethostname().split(".")[0],
            folder=folder,
            slots=slots,
            ctld_port=_free_port(),
            slurmd_port=_free_port(),
        )
    )
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(configuration)
    munge_is_ours = _start_munge()
    try:
        for daemon in ("slurmctld", "slurmd"):
            subprocess.run([daemon, "-f", str(configuration)], check=True, timeout=30)
        if not _within(60, lambda: "idle" in _said("sinfo", "-h", "-o", "%T")):
            pytest.skip("Slurm was started but its node does not become idle")
        yield
    finally:
        pids = [folder / "slurmctld.pid", folder / "slurmd.pid"]
        for file in [*pids, *([Path("/run/munge/munged.pid")] if munge_is_ours else [])]:
            _end(file)
        os.environ.pop("SLURM_CONF")
        if before is not None:
            os.environ["SLURM_CONF"] = before


def _skip_unless_possible() -> None:
    missing = [name for name in NEEDED if shutil.which(name, path=_path()) is None]
    if missing:
        pytest.skip(f"Slurm is not installed ({', '.join(missing)} missing): apt slurm-wlm, munge")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons need root to start")
    os.environ["PATH"] = _path()


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _start_munge() -> bool:
    """Start munged if none answers; whether it was us."""
    if _munge_answers():
        return False
    run = Path("/run/munge")
    run.mkdir(exist_ok=True)
    shutil.chown(run, "munge")
    run.chmod(0o755)
    subprocess.run(["runuser", "-u", "munge", "--", "munged"], timeout=30)
    if not _within(10, _munge_answers):
        pytest.skip("munged does not answer")
    return True


def _munge_answers() -> bool:
    return subprocess.run(["munge", "-n"], capture_output=True).returncode == 0


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def _within(seconds: float, condition: object) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.3)
    return False


def _end(file: Path) -> None:
    """End a daemon by its own number and wait for it."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
        _within(20, lambda: not Path(f"/proc/{pid}").exists())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
