"""A campaign on a real Grid Engine, both ways, against the same campaign on this machine."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sge_server

from dualion.structures.files import reference_paths
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.run import open_campaign, run_campaign
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.submission import submit_campaign
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.execution.submission import (
    cancel_submission,
    list_queued,
    list_submissions,
)

pytestmark = pytest.mark.cluster

STRUCTURES = 12
PATIENCE_S = 480.0

SGE = """
cluster:
  kind: sge
  queue: test.q
  memory_per_worker: 2GB
  walltime: "00:30:00"
  max_jobs: 2
  interface: lo
  directives: ["-v PYTHONPATH={path}"]
"""


@pytest.fixture(scope="module", autouse=True)
def sge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    pytest.importorskip("dask_jobqueue", reason="the extra cluster is not installed")
    with sge_server.grid_engine(tmp_path_factory.mktemp("sge")):
        yield


def campaign(folder: Path, cluster: str) -> Campaign:
    folder.mkdir()
    paths = "\n".join(f"      - {path}" for path in reference_paths()[:STRUCTURES])
    file = folder / "campaign.yaml"
    path = os.pathsep.join(part for part in sys.path if part)
    file.write_text(
        f"name: test\nsources:\n  - files:\n{paths}\nions:\n  cations: [Li, Na]\n"
        f"{cluster.format(path=path)}\n"
    )
    return load_campaign(file)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(handle)]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, sge: None) -> Path:
    asked = campaign(tmp_path_factory.mktemp("here") / "c", "cluster:\n  workers: 2\n")
    assert run_campaign(asked).left == 0
    return asked.folder


def test_a_job_array_gives_the_same_tables(tmp_path: Path, local: Path) -> None:
    asked = campaign(tmp_path / "a b#c?d%je", SGE)
    with open_campaign(asked) as (store, _):
        found = submit_campaign(asked, store, scheduler="sge", shards=2)
    assert found is not None
    assert sum(campaign_status(asked)["submissions"][0]["queue"].values()) >= 1
    wait_for_the_end(asked)
    logs = "\n".join(path.read_text() for path in found[0].folder.glob("*.log"))
    status = campaign_status(asked)
    assert (status["left"], status["done"]) == (0, STRUCTURES), logs
    for table in ("screened.csv", "candidates.csv"):
        assert rows(asked.folder, table) == rows(local, table)


def test_a_submission_is_cancelled(tmp_path: Path) -> None:
    asked = campaign(tmp_path / "c", SGE)
    with open_campaign(asked) as (store, _):
        found = submit_campaign(asked, store, scheduler="sge", shards=2)
    assert found is not None
    _, content = found
    assert cancel_submission(content) == content["jobs"][::-1]
    wait_for_the_end(asked)
    assert campaign_status(asked)["submissions"][0]["queue"] == {}


def test_workers_in_jobs_give_the_same_tables(tmp_path: Path, local: Path) -> None:
    asked = campaign(tmp_path / "c", SGE)
    result = run_campaign(asked)
    assert (result.left, result.computed) == (0, STRUCTURES)
    for table in ("screened.csv", "candidates.csv"):
        assert rows(asked.folder, table) == rows(local, table)


def wait_for_the_end(asked: Campaign) -> None:
    """Wait until no job of the campaign is in the queue."""
    end = time.monotonic() + PATIENCE_S
    (submission,) = list_submissions(asked.folder)
    while time.monotonic() < end:
        if not list_queued(submission.read()):
            return
        time.sleep(1.0)
    pytest.fail(f"still in the queue after {PATIENCE_S} s: {campaign_status(asked)}")
