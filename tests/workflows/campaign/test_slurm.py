"""A campaign on a real Slurm, both ways, against the same campaign on this machine."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm_server

from dualion.structures.files import reference_paths
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.run import open_campaign, run_campaign
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.submission import submit_campaign
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.execution.batch_queue import QueueSilentError, cancel_job, list_jobs
from dualion.workflows.execution.schedulers.slurm import Slurm
from dualion.workflows.execution.submission import (
    cancel_submission,
    list_queued,
    list_submissions,
)

pytestmark = pytest.mark.slurm

STRUCTURES = 24
PATIENCE_S = 240.0


@pytest.fixture(scope="module", autouse=True)
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    pytest.importorskip("dask_jobqueue", reason="the extra cluster is not installed")
    with slurm_server.slurm(tmp_path_factory.mktemp("slurm")):
        yield


def campaign(folder: Path, cluster: str) -> Campaign:
    folder.mkdir()
    paths = "\n".join(f"      - {path}" for path in reference_paths()[:STRUCTURES])
    file = folder / "campaign.yaml"
    file.write_text(
        f"name: test\nsources:\n  - files:\n{paths}\nions:\n  cations: [Li, Na]\n{cluster}\n"
    )
    return load_campaign(file)


SLURM = """
cluster:
  kind: slurm
  queue: debug
  memory_per_worker: 1GB
  walltime: "00:10:00"
  max_jobs: 2
  interface: lo
  directives: ["--export=ALL"]
"""


def rows(folder: Path, name: str = "screened.csv") -> list[dict[str, str]]:
    """Rows of a table without the timing, in a fixed order."""
    with (folder / name).open(newline="") as handle:
        found = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(handle)]
    return sorted(found, key=lambda row: sorted(row.items()))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, slurm: None) -> Path:
    asked = campaign(tmp_path_factory.mktemp("here") / "c", "cluster:\n  workers: 2\n")
    assert run_campaign(asked).left == 0
    return asked.folder


def test_workers_in_slurm_jobs_give_the_same_tables(tmp_path: Path, local: Path) -> None:
    asked = campaign(tmp_path / "c", SLURM)
    result = run_campaign(asked)
    assert (result.left, result.computed) == (0, STRUCTURES)
    for table in ("screened.csv", "candidates.csv"):
        assert rows(asked.folder, table) == rows(local, table)


def test_a_job_array_gives_the_same_tables(tmp_path: Path, local: Path) -> None:
    asked = campaign(tmp_path / "a b#c?d%je", SLURM.replace('  directives: ["--export=ALL"]\n', ""))
    with open_campaign(asked) as (store, _):
        found = submit_campaign(asked, store, scheduler="slurm", shards=3)
    assert found is not None
    submission, content = found
    loads = [load["expected_s"] for load in content["loads"]]
    assert max(loads) - min(loads) <= max(0.2 * max(loads), 0.2)
    first = campaign_status(asked)
    assert first["left"] == STRUCTURES
    assert sum(first["submissions"][0]["queue"].values()) >= 1
    _wait_for_the_end(asked)
    logs = "\n".join(path.read_text() for path in submission.folder.glob("*.log"))
    assert submission.read()["merged"], logs
    status = campaign_status(asked)
    assert (status["left"], status["done"]) == (0, STRUCTURES), logs
    for table in ("screened.csv", "candidates.csv"):
        assert rows(asked.folder, table) == rows(local, table)


def test_the_map_of_states_has_all_that_squeue_knows() -> None:
    said = subprocess.run(["squeue", "--states=NONSENSE"], capture_output=True, text=True).stderr
    found = re.search(r"Valid job states include: (\S+)", said)
    assert found and set(found.group(1).split(",")) <= set(Slurm.states)


def test_a_queue_that_is_down_is_not_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    running = Path(os.environ["SLURM_CONF"]).read_text()
    elsewhere = tmp_path / "slurm.conf"  # a controller of which nobody answers
    elsewhere.write_text(re.sub("SlurmctldPort=.*", "SlurmctldPort=1", running))
    assert list_jobs(Slurm(), ["4711"]) == []
    monkeypatch.setenv("SLURM_CONF", str(elsewhere))
    with pytest.raises(QueueSilentError, match="does not answer"):
        list_jobs(Slurm(), ["4711"])
    with pytest.raises(QueueSilentError, match="does not answer"):
        cancel_job(Slurm(), "4711")


def test_a_cancelled_submission_keeps_what_was_done(tmp_path: Path, local: Path) -> None:
    asked = campaign(tmp_path / "c", SLURM.replace('  directives: ["--export=ALL"]\n', ""))
    with open_campaign(asked) as (store, _):
        found = submit_campaign(asked, store, scheduler="slurm", shards=2)
    assert found is not None
    _, content = found
    assert cancel_submission(content) == content["jobs"][::-1]
    _wait_for_the_end(asked)
    run_campaign(asked.model_copy(update={"cluster": asked.cluster.model_copy(update=LOCAL)}))
    assert rows(asked.folder) == rows(local)


LOCAL = {"kind": "local", "workers": 2, "memory_per_worker": "auto"}


def _wait_for_the_end(asked: Campaign) -> None:
    """Wait until no job of the campaign is in the queue."""
    end = time.monotonic() + PATIENCE_S
    (submission,) = list_submissions(asked.folder)
    while time.monotonic() < end:
        if not list_queued(submission.read()):
            return
        time.sleep(1.0)
    pytest.fail(f"still in the queue after {PATIENCE_S} s: {campaign_status(asked)}")
