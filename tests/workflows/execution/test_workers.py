"""Who can use the workers: this run, and nobody else on the machine."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.execution.cluster import _secured, job_settings
from dualion.workflows.execution.workers import local_client

INTRUDER = """
import os, sys, time, warnings
from distributed import Client, LocalCluster
from distributed.security import Security

warnings.simplefilter("ignore")


def runs_code(address, security=None, timeout=60):
    try:
        with Client(address, timeout=timeout, security=security, set_as_default=False) as client:
            return client.submit(os.getuid, pure=False).result(timeout=60) is not None
    except Exception as error:
        return type(error).__name__


if __name__ == "__main__":
    target, own = sys.argv[1], Security.temporary()
    with LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0") as other:
        assert runs_code(other.scheduler_address) is True  # imports what it needs
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        start = time.monotonic()
        print("open", runs_code(other.scheduler_address))
        # Who is not let in waits in vain: ten times as long as the open door took, and 4 s.
        wait = 4 + 10 * (time.monotonic() - start)
        print("plain", runs_code(target.replace("tls://", "tcp://"), timeout=wait))
        print("tls", runs_code(target, own, timeout=wait))
        print("bare", runs_code(target, timeout=wait))
"""


@pytest.mark.slow
def test_another_user_cannot_use_the_scheduler(tmp_path: Path) -> None:
    """Code of another uid runs on an open scheduler, the control, and on ours it does not."""
    (tmp_path / "intruder.py").write_text(INTRUDER)
    with local_client(1) as client:
        address = client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        done = subprocess.run(
            [sys.executable, str(tmp_path / "intruder.py"), address],
            capture_output=True,
            text=True,
            timeout=400,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        assert client.submit(os.getpid, pure=False).result(timeout=60)
    answers = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert answers.keys() == {"open", "plain", "tls", "bare"}, done.stderr
    assert answers.pop("open") == "True"
    assert "True" not in answers.values(), answers


def test_certificates_of_queued_workers_are_for_the_user_alone(tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue")
    for name in ("plain", "a b#%"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "campaign.yaml").write_text(
            "sources: [{bundled: true}]\ncluster: {kind: slurm, memory_per_worker: 2GB}\n"
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(tmp_path / "home"))
            campaign = load_campaign(folder)
            asked = _secured(campaign)
            shared = Path(asked["shared_temp_directory"])
            logs = Path(job_settings(campaign)["log_directory"])
        assert asked["protocol"] == "tls"
        assert stat.S_IMODE(shared.stat().st_mode) == 0o700
        assert not {" ", "#", "%"} & set(str(shared) + str(logs))
        assert (folder in shared.parents) == (name == "plain")
