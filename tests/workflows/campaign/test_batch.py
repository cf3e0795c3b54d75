"""Job scripts for every batch system, and shards."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path

import pytest

from dualion.results.store import Store
from dualion.structures.errors import InputError
from dualion.structures.files import reference_paths
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.plan import Ask, read_sources
from dualion.workflows.campaign.run import open_campaign, run_campaign
from dualion.workflows.campaign.shard_job import main as batch_job
from dualion.workflows.campaign.shards import cut, merge_all, run_shard
from dualion.workflows.campaign.submission import submit_campaign
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.execution.cluster import _times, job_settings
from dualion.workflows.execution.schedulers import SCHEDULERS, find_array_scheduler
from dualion.workflows.execution.submission import new_submission

BLOCK = """
  queue: fast
  project: mine
  walltime: "02:30:00"
  cores_per_job: 4
  memory_per_worker: 2GB
  prologue: [module load python]
  directives: ["{directive}"]
"""


def campaign(folder: Path, cluster: str = "kind: local", number: int = 8) -> Campaign:
    folder.mkdir(parents=True, exist_ok=True)
    paths = ", ".join(f"'{path}'" for path in reference_paths()[:number])
    (folder / "campaign.yaml").write_text(
        f"name: my campaign\nsources:\n  - files: [{paths}]\nions: {{cations: [Li, Na]}}\n"
        f"cluster:\n  {cluster}\n"
    )
    return load_campaign(folder / "campaign.yaml")


def scripts(folder: Path, scheduler: str, directive: str) -> tuple[str, str]:
    """The scripts of a submission of three shards, which is not submitted."""
    kind = "local" if scheduler == "none" else scheduler
    asked = campaign(folder, f"kind: {kind}" + BLOCK.format(directive=directive))
    with open_campaign(asked) as (store, _):
        found = submit_campaign(asked, store, scheduler=scheduler, shards=3, dry_run=True)
    assert found is not None
    submission, content = found
    assert content["shards"] == 3
    return tuple((submission.folder / name).read_text() for name in ("array.sh", "merge.sh"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("scheduler", "head", "index", "after"),
    [
        (
            "slurm",
            [
                "#SBATCH --partition=fast",
                "#SBATCH --account=mine",
                "#SBATCH --job-name=my-campaign",
                "#SBATCH --cpus-per-task=4",
                "#SBATCH --mem=8000",
                "#SBATCH --time=02:30:00",
                "#SBATCH --array=1-3",
            ],
            "${SLURM_ARRAY_TASK_ID:-1}",
            "#SBATCH --dependency=afterany:ID",
        ),
        (
            "pbs",
            [
                "#PBS -q fast",
                "#PBS -A mine",
                "#PBS -N my-campaign",
                "#PBS -l select=1:ncpus=4:mem=8000mb",
                "#PBS -l walltime=02:30:00",
                "#PBS -J 1-3",
            ],
            "${PBS_ARRAY_INDEX:-1}",
            "#PBS -W depend=afterany:ID",
        ),
        (
            "sge",
            [
                "#$ -q fast",
                "#$ -P mine",
                "#$ -N my-campaign",
                "#$ -pe smp 4",
                "#$ -l h_vmem=2000M",
                "#$ -l h_rt=02:30:00",
                "#$ -t 1-3",
            ],
            "${SGE_TASK_ID/undefined/1}",
            "#$ -hold_jid ID",
        ),
    ],
)
def test_scripts_say_what_the_batch_system_needs(
    tmp_path: Path, scheduler: str, head: list[str], index: str, after: str
) -> None:
    array, merge = scripts(tmp_path, scheduler, "#OWN --line")
    lines = array.splitlines()
    assert lines[0].startswith("#!")
    for line in [*head, "#OWN --line", "module load python", "export NUMBA_NUM_THREADS=1"]:
        assert line in lines, array
    last = lines[-1]
    assert last.startswith("exec ")
    assert index in last
    assert "--workers 4" in last
    assert shlex.split(last)[2:5] == ["-m", "dualion.workflows.campaign.shard_job", "shard"]
    assert after in merge.splitlines()
    assert "array" not in merge
    assert shlex.split(merge.splitlines()[-1])[4] == "merge"
    assert max(i for i, line in enumerate(lines) if line in head) < lines.index(
        "module load python"
    )


def test_an_unknown_batch_system_is_refused_with_the_closest() -> None:
    with pytest.raises(InputError, match="did you mean 'slurm'"):
        find_array_scheduler("slrum")


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_dask_jobqueue_takes_the_settings_of_every_batch_system(tmp_path: Path, kind: str) -> None:
    jobqueue = pytest.importorskip("dask_jobqueue", reason="the extra cluster is not installed")
    asked = campaign(tmp_path, f"kind: {kind}" + BLOCK.format(directive="#X"))
    settings = job_settings(asked)
    settings.pop("scheduler_options")
    job = getattr(jobqueue, SCHEDULERS[kind].dask_class).job_cls(
        scheduler="tcp://127.0.0.1:1", name="w", **settings
    )
    script = job.job_script()
    assert "--lifetime 8460s" in script  # 9000 s less a margin of 300 s and the stagger of 240 s
    assert "--lifetime-stagger" in script
    assert "--nthreads 1" in script
    assert "--nworkers 4" in script


def test_a_directive_serves_both_ways_with_and_without_its_mark(tmp_path: Path) -> None:
    array, _ = scripts(tmp_path / "a", "sge", "-v HOME")
    assert "#$ -v HOME" in array.splitlines()
    assert "#$ -j y" in array.splitlines()
    asked = campaign(tmp_path / "b", "kind: slurm" + BLOCK.format(directive="#SBATCH --exclusive"))
    assert job_settings(asked)["job_extra_directives"] == ["--exclusive"]
    asked = campaign(tmp_path / "c", "kind: sge" + BLOCK.format(directive="-v HOME"))
    assert job_settings(asked)["job_extra_directives"] == ["-v HOME", "-S /bin/bash", "-pe smp 4"]


def test_memory_is_that_of_all_workers_of_a_job() -> None:
    assert [_times("2GB", 4), _times("1.5GiB", 2), _times("800 MB", 1)] == ["8GB", "3GiB", "800MB"]


def submission_of(asked: Campaign, store: Store, shards: int) -> tuple[object, list[float]]:
    options = asked.options()
    plan = read_sources(asked, store, options)
    submission = new_submission(asked.folder)
    loads = cut(asked, store, plan, submission, shards=shards)
    submission.write(
        {
            "scheduler": "slurm",
            "shards": shards,
            "ask": Ask.of(options).whole,
            "campaign": asked.model_dump(mode="json"),
            "merged": False,
            "loads": loads,
            "jobs": [],
        }
    )
    return submission, [load["expected_s"] for load in loads]


@pytest.mark.slow
def test_shards_resume_and_are_merged_into_the_tables_of_a_plain_run(tmp_path: Path) -> None:
    plain = campaign(tmp_path / "plain")
    run_campaign(plain)
    asked = campaign(tmp_path / "cut")
    with open_campaign(asked) as (store, _):
        submission, _ = submission_of(asked, store, 2)
        assert merge_all(asked, store) == 2  # nothing yet
        plan = int(store.note("plan") or 0)
        assert store.count_pending(plan, Ask.of(asked.options()).whole)[0] == 8
    stop = threading.Event()
    stop.set()
    assert run_shard(submission, 1, workers=1, stop=stop)[0] == 0  # type: ignore[arg-type]
    for index in (1, 2):
        assert batch_job(["shard", str(submission.folder), str(index)]) == 0  # type: ignore[attr-defined]
    assert batch_job(["merge", str(asked.folder / "campaign.yaml")]) == 0
    for table in ("screened.csv", "candidates.csv"):
        ours, theirs = ((c.folder / table).read_text().splitlines() for c in (asked, plain))
        assert len(ours) == len(theirs)
        assert [line.split(",")[1] for line in ours] == [line.split(",")[1] for line in theirs]
    assert submission.read()["merged"] is True  # type: ignore[attr-defined]


def test_shards_have_equal_loads(tmp_path: Path) -> None:
    asked = campaign(tmp_path, number=40)
    with open_campaign(asked) as (store, _):
        _, loads = submission_of(asked, store, 4)
    assert max(loads) - min(loads) <= 0.1 * max(loads)


def test_a_shard_that_is_not_there_gives_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert batch_job(["shard", str(tmp_path), "7"]) == 2
    assert "There is no shard 7" in capsys.readouterr().err
