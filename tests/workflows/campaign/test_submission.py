"""What becomes of a campaign's jobs when the queue refuses, says more than asked, or is silent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import typer
from queue_stand_in import PROGRAMS, StandIn, install_queue
from typer.testing import CliRunner

from dualion.structures.errors import InputError
from dualion.structures.files import reference_paths
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.run import open_campaign
from dualion.workflows.campaign.shards import shard_folder
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.submission import submit_campaign
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.cli import cancel as cancel_command
from dualion.workflows.cli.status import lines
from dualion.workflows.execution.batch_queue import (
    JobIdUnknownError,
    QueueRefusedError,
    QueueSilentError,
)
from dualion.workflows.execution.submission import job_ids, list_submissions

CASE = Path(__file__).resolve().parents[4] / "shared" / "cases" / "queue" / "bin"
BANNER = "---\n Welcome to the Example Supercomputer\n---\n--> Verifying valid submit host...OK\n"


def campaign_in(folder: Path, cluster: str = "") -> Campaign:
    folder.mkdir(parents=True)
    (folder / "campaign.yaml").write_text(
        f"name: c\nsources:\n  - files: ['{reference_paths()[0]}']\nions: {{cations: [Li]}}\n"
        + cluster
    )
    return load_campaign(folder / "campaign.yaml")


@pytest.fixture(params=PROGRAMS)
def queue(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> StandIn:
    return install_queue(tmp_path / "queue", request.param, monkeypatch)


@pytest.fixture
def asked(tmp_path: Path) -> Campaign:
    return campaign_in(tmp_path / "c")


def submit(asked: Campaign, queue: StandIn) -> None:
    with open_campaign(asked) as (store, _):
        assert submit_campaign(asked, store, scheduler=queue.scheduler, shards=1) is not None


def cancel(asked: Campaign, *options: str) -> str:
    app = typer.Typer()
    cancel_command.register(app)
    done = CliRunner().invoke(app, [str(asked.folder), *options], catch_exceptions=False)
    return done.output


def status_line(asked: Campaign) -> str:
    return lines(campaign_status(asked))[-1]


def test_a_banner_before_the_answer_hides_no_job(asked: Campaign, queue: StandIn) -> None:
    queue.tell("banner", BANNER)
    submit(asked, queue)
    (submission,) = list_submissions(asked.folder)
    ids = job_ids(submission.read())
    assert queue.accepted == len(ids) == 2
    assert ids[0].startswith("1001") and ids[1].startswith("1002")
    assert "QUEUED 2" in status_line(asked)
    after = [
        line for line in (submission.folder / "merge.sh").read_text().splitlines() if ids[0] in line
    ]
    assert len(after) == 1 and after[0].startswith("#")


def test_a_silent_queue_takes_nothing_twice_and_is_not_called_empty(
    asked: Campaign, queue: StandIn
) -> None:
    submit(asked, queue)
    queue.fall_silent()
    with pytest.raises(QueueSilentError, match=r"does not answer .* Nothing was submitted"):
        submit(asked, queue)
    assert queue.accepted == 2
    assert "the queue does not answer" in status_line(asked)
    assert "none left" not in status_line(asked)
    (found,) = campaign_status(asked)["submissions"]
    assert found["queue"] == {} and "does not answer" in found["queue_problem"]
    with pytest.raises(QueueSilentError, match="does not answer"):
        cancel(asked)
    queue.recover()
    with pytest.raises(InputError, match="The queue has submission 001"):
        submit(asked, queue)
    first, second = job_ids(list_submissions(asked.folder)[0].read())
    assert f"{second}, {first}" in cancel(asked)
    assert queue.cancelled == [second, first]


def test_once_the_queue_has_forgotten_the_jobs_they_may_be_submitted_again(
    asked: Campaign, queue: StandIn
) -> None:
    submit(asked, queue)
    queue.tell("over")
    assert "none left" in status_line(asked)
    submit(asked, queue)
    assert queue.accepted == 4
    (queue.folder / "over").unlink()
    queue.fall_silent()  # the first submission is known to be over, the second is not
    with pytest.raises(QueueSilentError, match="submission 002"):
        submit(asked, queue)


def test_a_queue_that_will_not_answer_again_can_be_forgotten(
    asked: Campaign, queue: StandIn
) -> None:
    submit(asked, queue)
    queue.fall_silent()
    assert "1 submissions" in cancel(asked, "--forget")
    submit(asked, queue)
    assert queue.accepted == 4 and not queue.cancelled


def test_a_job_without_an_id_is_not_orphaned(asked: Campaign, queue: StandIn) -> None:
    queue.tell("lost", "Your request was received.\n")
    with pytest.raises(JobIdUnknownError, match="gave no job id: Your request was received"):
        submit(asked, queue)
    (queue.folder / "lost").unlink()
    with pytest.raises(QueueSilentError, match=r"array\.sh is not known"):
        submit(asked, queue)
    assert "is not known" in status_line(asked)
    with pytest.raises(QueueSilentError, match="end it there"):
        cancel(asked)
    assert queue.accepted == 1
    cancel(asked, "--forget")
    submit(asked, queue)
    assert queue.accepted == 3


def test_a_refusal_is_one_sentence_and_leaves_nothing_behind(
    asked: Campaign, queue: StandIn
) -> None:
    queue.tell("refuse")
    with pytest.raises(QueueRefusedError, match=r"refused .*: error: no such queue\."):
        submit(asked, queue)
    (queue.folder / "refuse").unlink()
    submit(asked, queue)
    assert queue.accepted == 2


def test_a_password_of_the_store_is_in_no_file_of_the_submission(
    asked: Campaign, queue: StandIn
) -> None:
    secret = asked.model_copy(update={"store": "postgresql://user:geheim@host/db"})
    with open_campaign(asked) as (store, _):
        found = submit_campaign(secret, store, scheduler=queue.scheduler, shards=1)
    assert found is not None
    files = [path for path in found[0].folder.rglob("*") if path.is_file()]
    assert {"submission.json", "array.sh", "merge.sh", "shard.db"} <= {p.name for p in files}
    assert not [path for path in files if b"geheim" in path.read_bytes()]


@pytest.mark.parametrize("name", ["a b", "a#b?c%jd", "line\nbreak", "quo'te\"", "back\\slash"])
def test_a_campaign_may_lie_in_a_folder_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    queue = install_queue(tmp_path / "queue", "slurm", monkeypatch)
    asked = campaign_in(tmp_path / name)
    submit(asked, queue)
    (submission,) = list_submissions(asked.folder)
    assert (shard_folder(submission, 1) / "shard.db").is_file()
    assert "QUEUED 2" in status_line(asked)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["queue", name])


def test_a_line_break_in_the_queue_adds_no_line_to_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = install_queue(tmp_path / "queue", "slurm", monkeypatch)
    submit(campaign_in(tmp_path / "c", "cluster:\n  queue: |\n    fast\n"), queue)
    text = (tmp_path / "c/submissions/001/array.sh").read_text()
    assert "#SBATCH --partition=fast\n#SBATCH --" in text
    with pytest.raises(InputError, match=r"line \d+: cluster.queue is .*without spaces"):
        campaign_in(tmp_path / "d", "cluster:\n  queue: |\n    fast\n    rm -rf x\n")


def test_submissions_of_earlier_releases_are_read(asked: Campaign, queue: StandIn) -> None:
    submit(asked, queue)
    (submission,) = list_submissions(asked.folder)
    content = json.loads(submission.file.read_text())
    content["job_id"], content["merge_job_id"] = content.pop("jobs")
    del content["pending"]
    submission.write(content)
    assert "QUEUED 2" in status_line(asked)
    with pytest.raises(InputError, match="The queue has submission 001"):
        submit(asked, queue)


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs of a site that prints a banner, and whose squeue times out when it is told to."""
    if not (CASE / "sbatch").is_file():
        pytest.skip("../shared/cases/queue is not here")
    monkeypatch.setenv("PATH", f"{CASE}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKEQ", str(tmp_path))
    return tmp_path / "submitted"


def test_the_sites_banner_hides_no_job(
    case: Path, asked: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_BANNER", "1")
    with open_campaign(asked) as (store, _):
        found = submit_campaign(asked, store, scheduler="slurm", shards=1)
    assert found is not None and found[1]["jobs"] == ["1001", "1002"]
    assert [line.split()[-1] for line in case.read_text().splitlines()] == ["array.sh", "merge.sh"]


def test_the_sites_silence_submits_nothing_twice(
    case: Path, asked: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_campaign(asked) as (store, _):
        submit_campaign(asked, store, scheduler="slurm", shards=1)
        monkeypatch.setenv("FAKE_SQUEUE", "timeout")
        with pytest.raises(QueueSilentError, match="Socket timed out"):
            submit_campaign(asked, store, scheduler="slurm", shards=1)
    assert "the queue does not answer" in status_line(asked)
    assert len(case.read_text().splitlines()) == 2
