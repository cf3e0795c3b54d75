"""Job scripts of MD segments, templates, and what a job does with its runs."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from queue_folders import folder_of, queued, reconcile_runs
from queue_stand_in import PROGRAMS, install_queue

import dualion.workflows.md.submission as batch
from dualion.structures.errors import InputError
from dualion.workflows.execution.batch_queue import JobIdUnknownError, QueueSilentError
from dualion.workflows.execution.job_script import environment_lines
from dualion.workflows.md.cancel import cancel_runs
from dualion.workflows.md.run.job import main as job
from dualion.workflows.md.states import RunState
from dualion.workflows.md.submission import segment_limit_s, submit_runs

SETTINGS = """
md:
  cores: 4
  gpus: 1
  walltime: "02:00:00"
  launcher: [mpirun, -np, "4"]
cluster:
  queue: fast
  project: mine
  prologue: [module load python]
"""


@pytest.mark.parametrize(
    ("scheduler", "head", "after", "number"),
    [
        (
            "slurm",
            ["--partition=fast", "--cpus-per-task=4", "--gres=gpu:1", "--time=02:00:00"],
            "#SBATCH --dependency=afterany:ID",
            "${SLURM_ARRAY_TASK_ID:-1}",
        ),
        (
            "pbs",
            ["-q fast", "-l select=1:ncpus=4:ngpus=1", "-l walltime=02:00:00"],
            "#PBS -W depend=afterany:ID",
            "${PBS_ARRAY_INDEX:-1}",
        ),
        (
            "sge",
            ["-q fast", "-pe smp 4", "-l gpu=1", "-l h_rt=02:00:00"],
            "#$ -hold_jid ID",
            "${SGE_TASK_ID/undefined/1}",
        ),
    ],
)
def test_scripts_ask_for_what_a_segment_needs(
    tmp_path: Path, scheduler: str, head: list[str], after: str, number: str
) -> None:
    folder = folder_of(tmp_path / "f", SETTINGS)
    queued(folder, protocol={"replicas": 3})
    found = submit_runs(folder, scheduler=scheduler, segments=2, dry_run=True)
    assert found is not None
    assert (found.runs, found.elements, found.segments, found.jobs) == (3, 3, 2, ())
    first, second = (
        (found.submission.folder / f"segment-0{n}.sh").read_text().splitlines() for n in (1, 2)
    )
    for part in head:
        assert any(line.endswith(part) for line in first), first
    assert any(line.endswith("1-3") for line in first)
    assert "module load python" in first
    assert after in second and after not in first
    words = shlex.split(first[-1])
    assert words[0] == "exec" and words[2:4] == ["-m", "dualion.workflows.md.run.job"]
    assert words[words.index("--element") + 1] == number
    assert words[words.index("--limit-s") + 1] == "6900"  # 7200 s less a margin of 300 s
    assert words[words.index("--launcher") + 1] == "mpirun -np 4"
    lines = (found.submission.folder / "runs.txt").read_text().splitlines()
    assert [(folder.md / line / "run.json").is_file() for line in lines] == [True] * 3
    assert {one.state for one in reconcile_runs(folder)} == {
        RunState.PREPARED
    }  # nothing was submitted


def test_a_template_of_ones_own_is_filled_and_checked(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f", "md:\n  template: job.sh\n")
    queued(folder)
    template = folder.path / "job.sh"
    with pytest.raises(InputError, match="cannot be read"):
        submit_runs(folder, scheduler="slurm", dry_run=True)
    template.write_text("{{header}}\nmodule load vasp # $HOME {{ cores }}\n{{command}}\n")
    found = submit_runs(folder, scheduler="slurm", dry_run=True)
    assert found is not None
    text = (found.submission.folder / "segment-01.sh").read_text()
    assert text.startswith("#!") and "module load vasp # $HOME 1\n" in text
    assert "dualion.workflows.md.run.job" in text and "{{" not in text
    template.write_text("{{header}}\n{{comand}}\n")
    with pytest.raises(InputError, match="did you mean 'command'"):
        submit_runs(folder, scheduler="slurm", dry_run=True)
    template.write_text("{{header}}\n")
    with pytest.raises(InputError, match=r"lacks \{\{command\}\}"):
        submit_runs(folder, scheduler="slurm", dry_run=True)


def test_many_runs_share_the_elements_of_an_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "ELEMENTS_MOST", 2)
    folder = folder_of(tmp_path / "f")
    queued(folder, protocol={"replicas": 3})
    found = submit_runs(folder, scheduler="slurm", dry_run=True)
    assert found is not None and (found.runs, found.elements) == (3, 2)
    sizes = [len(line.split("\t")) for line in _lines(found.submission.folder)]
    assert sizes == [2, 1]


def _lines(folder: Path) -> list[str]:
    return (folder / "runs.txt").read_text().splitlines()


def test_a_queue_that_refuses_or_is_missing_gives_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "f")
    queued(folder)
    monkeypatch.setenv("PATH", str(tmp_path))  # no sbatch there
    with pytest.raises(InputError, match="refused"):
        submit_runs(folder, scheduler="slurm")
    assert {one.state for one in reconcile_runs(folder)} == {RunState.PREPARED}


def test_limits_leave_time_for_the_last_checkpoint() -> None:
    assert segment_limit_s("00:01:00") == 45
    assert segment_limit_s("12:00:00") == 42900
    assert segment_limit_s("1-00:00:00") == 86100


@pytest.mark.slow
def test_a_job_takes_its_runs_as_far_as_its_time_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path / "f")
    queued(
        folder,
        "queue_samples:Slow",
        protocol={"production_ps": 50.0, "budget_ps": 50.0, "replicas": 2},
    )
    first, second = (folder.run_folder(one.run.place) for one in reconcile_runs(folder))
    words = ["--checkpoint-s", "0.1", "--limit-s", "7", str(first.path), str(second.path)]
    assert job(words) == 0
    assert first.progress().state == RunState.PAUSED and first.progress().done_ps > 0.0
    assert second.progress().state == RunState.PREPARED
    assert "no time is left" in capsys.readouterr().out
    done = first.progress().done_ps
    assert job([*words[:3], "6", str(first.path)]) == 0
    assert first.progress().done_ps > done and first.progress().segments == 2


def test_a_job_without_runs_or_lines_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job([]) == 2
    assert job(["--list", str(tmp_path / "runs.txt"), "--element", "3"]) == 2
    assert "has no line 3" in capsys.readouterr().err
    assert job([str(tmp_path / "nothing")]) == 2
    assert "holds no MD run" in capsys.readouterr().err


@pytest.mark.parametrize("scheduler", PROGRAMS)
def test_a_silent_queue_takes_no_run_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str
) -> None:
    queue = install_queue(tmp_path / "queue", scheduler, monkeypatch)
    queue.tell("banner", "---\nWelcome\n---\n")
    folder = folder_of(tmp_path / "f")
    queued(folder)
    found = submit_runs(folder, scheduler=scheduler, segments=2)
    assert found is not None and len(found.jobs) == queue.accepted == 2
    queue.fall_silent()
    for state in (RunState.PREPARED, RunState.PAUSED):  # before its first segment, and after it
        (one,) = reconcile_runs(folder)
        files = folder.run_folder(one.run.place)
        progress = files.progress()
        progress.state = state.value
        files.write_progress(progress)
        with pytest.raises(QueueSilentError, match="1 runs may still be in it"):
            submit_runs(folder, scheduler=scheduler)
        (one,) = reconcile_runs(folder)
        assert (one.state, one.reason) == (RunState.SUBMITTED, "queue_silent")
        assert "does not answer" in one.message
    assert queue.accepted == 2
    queue.recover()
    queue.tell("over")
    (one,) = reconcile_runs(folder)
    assert (one.state, one.reason) == (RunState.PAUSED, "")
    assert submit_runs(folder, scheduler=scheduler, segments=1) is not None
    assert queue.accepted == 3


def test_a_run_whose_job_has_no_id_is_not_submitted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = install_queue(tmp_path / "queue", "slurm", monkeypatch)
    folder = folder_of(tmp_path / "f")
    queued(folder)
    queue.tell("lost", "Thank you.\n")
    with pytest.raises(JobIdUnknownError, match="gave no job id"):
        submit_runs(folder, scheduler="slurm")
    (queue.folder / "lost").unlink()
    with pytest.raises(QueueSilentError, match="may still be in it"):
        submit_runs(folder, scheduler="slurm")
    assert queue.accepted == 1
    assert cancel_runs(folder, forget=True) == (1, [])
    assert queued(folder).reopened == 1
    assert submit_runs(folder, scheduler="slurm", segments=1) is not None
    assert queue.accepted == 2


def test_a_cancellation_that_the_queue_did_not_hear_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = install_queue(tmp_path / "queue", "slurm", monkeypatch)
    folder = folder_of(tmp_path / "f")
    queued(folder)
    submit_runs(folder, scheduler="slurm", segments=2)
    queue.fall_silent()
    with pytest.raises(QueueSilentError, match="runs are cancelled, but job 1001 may stay"):
        cancel_runs(folder)
    assert {one.state for one in reconcile_runs(folder)} == {RunState.CANCELLED}
    queue.recover()
    assert cancel_runs(folder) == (0, ["1001", "1002"])
    assert queue.cancelled == ["1001", "1002"]


def test_scripts_of_md_set_up_the_node_as_those_of_a_campaign(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f", "md:\n  cores: 4\n")
    queued(folder)
    found = submit_runs(folder, scheduler="slurm", dry_run=True)
    assert found is not None
    lines = (found.submission.folder / "segment-01.sh").read_text().splitlines()
    shared = environment_lines(folder.cluster, threads=4)
    begin = lines.index(shared[0])
    assert lines[begin : begin + len(shared)] == shared
    assert lines[begin - 1] == "DUALION_BEGUN=$(date +%s)"  # filling a cache takes time, too


def test_a_template_may_take_the_set_up_of_the_node(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f", "md:\n  template: job.sh\n")
    queued(folder)
    (folder.path / "job.sh").write_text("{{header}}\n{{prologue}}\n{{dependency}}\n{{command}}\n")
    found = submit_runs(folder, scheduler="sge", segments=2, dry_run=True)
    assert found is not None
    text = (found.submission.folder / "segment-02.sh").read_text()
    assert "\nexport NUMBA_CACHE_DIR\n" in text and text.count("#$ -hold_jid ID\n") == 2
