"""One MD run from its folder: segments, kills, guards, extension, ends."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import md_samples
import numpy as np
import pytest

from dualion.structures.errors import InputError
from dualion.structures.trajectories import read_trajectory
from dualion.workflows.md.engines import Resources
from dualion.workflows.md.run import segment
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.run.segment import count_death, record_death, run_segment

ONE_CORE = Resources(cores=1)
WITH_ANALYSIS = ("test_a_run_is_extended_until_its_budget_is_spent",)


@pytest.fixture(autouse=True)
def light_analysis(request, monkeypatch):
    """The figures of a finished run are drawn in the tests that look at them alone."""
    if request.node.name not in WITH_ANALYSIS:
        monkeypatch.setattr(segment, "analyse_run", lambda folder, spec: None)


def text_of(folder: RunFolder) -> bytes:
    return gzip.decompress(folder.trajectory.read_bytes())


def times_of(folder: RunFolder) -> list[float]:
    return [
        float(line.split("time_ps=")[1].split()[0])
        for line in text_of(folder).decode().splitlines()
        if "time_ps=" in line
    ]


class StopAfter(threading.Event):
    """A stop that is asked for at the n-th look."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


@pytest.mark.parametrize("thermostat", ["nose-hoover", "bussi", "langevin"])
def test_a_run_in_segments_is_an_unbroken_run_byte_for_byte(tmp_path, thermostat):
    whole = md_samples.run_folder(tmp_path / "whole", thermostat=thermostat, budget_ps=0.2)
    segments = md_samples.run_folder(tmp_path / "segments", thermostat=thermostat, budget_ps=0.2)
    assert run_segment(whole.path, ONE_CORE).state == "done"
    count, state = 0, ""
    while state != "done":
        count += 1
        state = run_segment(segments.path, ONE_CORE, stop=StopAfter(7)).state
    assert count > 2
    assert text_of(segments) == text_of(whole)


def test_frames_are_consecutive_and_the_reader_takes_them(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run", budget_ps=0.2)
    progress = run_segment(folder.path, ONE_CORE)
    assert np.allclose(np.diff(times_of(folder)), 0.01)
    trajectory = read_trajectory(folder.trajectory)
    assert trajectory.n_frames == progress.frames == 26
    assert trajectory.frame_step_ps == pytest.approx(0.01)
    assert progress.done_ps == pytest.approx(0.25)


def test_a_killed_segment_goes_on_from_its_checkpoint(tmp_path):
    """SIGKILL in mid-run, then resume: the same bytes as without the kill."""
    options = {"budget_ps": 0.4, "production_ps": 0.4}
    whole = md_samples.run_folder(tmp_path / "whole", **options)
    run_segment(whole.path, ONE_CORE)
    killed = md_samples.run_folder(tmp_path / "killed", **options)
    code = (
        "import sys; from pathlib import Path; "
        "from dualion.workflows.md.run.segment import run_segment; "
        "from dualion.workflows.md.engines import Resources; "
        "run_segment(Path(sys.argv[1]), Resources(checkpoint_s=0.0))"
    )
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(killed.path)],
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    deadline = time.monotonic() + 60.0
    while killed.progress().frames < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert killed.progress().state == "running"
    assert killed.progress().frames >= 5
    with killed.trajectory.open("ab") as handle:  # what a segment wrote after its last checkpoint
        handle.write(gzip.compress(b"half a fra"))
    assert run_segment(killed.path, ONE_CORE).state == "done"
    assert text_of(killed) == text_of(whole)


def test_a_run_is_extended_until_its_budget_is_spent(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run")
    progress = run_segment(folder.path, ONE_CORE)
    assert (progress.state, progress.reason) == ("done", "budget_spent")
    assert progress.done_ps == pytest.approx(0.45)
    assert (folder.analysis / "transport.json").is_file()
    assert set(progress.n_eff) == {"Cu"}
    first, last = (read_trajectory(folder.trajectory).positions()[i] for i in (5, -1))
    moved = last - first
    expected = ((moved - moved.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert progress.msd_angstrom2["Cu"] == pytest.approx(expected, rel=1e-3)


def test_a_run_ends_early_where_nothing_moves(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run", still_after_ps=0.2)
    progress = run_segment(folder.path, ONE_CORE)
    assert (progress.state, progress.reason) == ("done", "nothing_moves")
    assert progress.done_ps == pytest.approx(0.25)
    assert "defects" in progress.message


def test_a_run_ends_once_it_has_seen_enough_jumps(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run", target_n_eff=1e-9)
    progress = run_segment(folder.path, ONE_CORE)
    assert (progress.state, progress.reason) == ("done", "target_n_eff")
    assert progress.done_ps == pytest.approx(0.25)


@pytest.mark.slow
def test_the_thermostat_holds_the_temperature_of_3n_minus_3_momenta(tmp_path):
    folder = md_samples.run_folder(
        tmp_path / "run", production_ps=4.0, budget_ps=4.0, frame_fs=10.0, damping_fs=30.0
    )
    run_segment(folder.path, ONE_CORE)
    kelvin = read_trajectory(folder.trajectory).temperatures_k[50:]
    blocks = kelvin[: len(kelvin) // 10 * 10].reshape(10, -1).mean(axis=1)
    error = blocks.std(ddof=1) / np.sqrt(10.0)
    assert kelvin.mean() == pytest.approx(600.0, abs=max(4.0 * error, 6.0))
    # √(2/3(N−1)) for the canonical distribution of 93 momenta
    assert kelvin.std() / kelvin.mean() == pytest.approx(np.sqrt(2.0 / 93.0), rel=0.25)


def test_nan_stops_the_run_tries_half_the_step_once_then_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(md_samples.NotANumber, "calls", 0)
    folder = md_samples.run_folder(tmp_path / "run", engine="md_samples:NotANumber")
    progress = run_segment(folder.path, Resources(checkpoint_s=0.0))
    assert (progress.state, progress.reason, progress.attempt) == ("failed", "not_finite", 2)
    assert progress.timestep_fs == pytest.approx(2.5)
    assert "Half the time step did not help" in progress.message
    kept = folder.path / "attempt-1" / "trajectory.extxyz.gz"
    assert gzip.decompress(kept.read_bytes()).count(b"Lattice=") > 5


def test_a_calculator_that_raises_fails_the_run_and_keeps_its_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(md_samples.Raising, "calls", 0)
    folder = md_samples.run_folder(tmp_path / "run", engine="md_samples:Raising")
    progress = run_segment(folder.path, Resources(checkpoint_s=0.0))
    assert (progress.state, progress.reason) == ("failed", "engine_stopped")
    assert "no more memory on the device" in progress.message
    assert progress.frames > 5
    assert text_of(folder).count(b"Lattice=") == progress.frames


def test_atoms_too_close_are_stopped_by_the_guard(tmp_path):
    import ase.build

    close = ase.build.bulk("Cu", cubic=True).repeat(2)
    close.positions[1] = close.positions[0] + (0.9, 0.0, 0.0)
    folder = md_samples.run_folder(tmp_path / "run", atoms=close)
    progress = run_segment(folder.path, ONE_CORE)
    assert (progress.state, progress.reason) == ("failed", "atoms_too_close")
    assert "0.90 Å apart" in progress.message


def test_the_guard_still_counts_from_the_first_frame_after_a_pause(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run")
    run_segment(folder.path, ONE_CORE, stop=StopAfter(3))
    with np.load(folder.checkpoint) as content:
        first = float(content["first_energy_ev"])
    head = text_of(folder).decode().splitlines()[1]
    assert first == pytest.approx(float(head.split(" energy=")[1].split()[0]), abs=1e-5)


def test_a_full_disk_pauses_the_run_and_loses_nothing(tmp_path, monkeypatch):
    import errno

    from dualion.workflows.md.run import checkpointed_trajectory as joined

    folder = md_samples.run_folder(tmp_path / "run", budget_ps=0.2)
    real, calls = joined.append_frames, []

    def full(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(joined, "append_frames", full)
    progress = run_segment(folder.path, Resources(checkpoint_s=0.0))
    assert (progress.state, progress.reason) == ("paused", "disk")
    assert "free space" in progress.message
    assert progress.frames == 4  # the first commit holds two frames
    assert run_segment(folder.path, ONE_CORE).state == "done"
    assert np.allclose(np.diff(times_of(folder)), 0.01)
    assert len(times_of(folder)) == 26


def test_a_damaged_checkpoint_is_said(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run")
    run_segment(folder.path, ONE_CORE, stop=StopAfter(3))
    folder.checkpoint.write_bytes(b"PK")
    progress = run_segment(folder.path, ONE_CORE)
    assert (progress.state, progress.reason) == ("failed", "damaged_checkpoint")


def test_a_shortened_trajectory_is_said(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run")
    run_segment(folder.path, ONE_CORE, stop=StopAfter(3))
    folder.trajectory.write_bytes(folder.trajectory.read_bytes()[:-20])
    progress = run_segment(folder.path, ONE_CORE)
    assert (progress.state, progress.reason) == ("failed", "damaged_checkpoint")
    assert "trajectory.extxyz.gz holds" in progress.message


def test_a_run_is_computed_by_one_process_at_a_time(tmp_path):
    from dualion.workflows.execution.locks import folder_lock

    folder = md_samples.run_folder(tmp_path / "run")
    with folder_lock(folder.path, ".lock"), pytest.raises(InputError, match="already"):
        run_segment(folder.path, ONE_CORE)


@pytest.mark.parametrize("engine", ["no.such.module:Class", "ase.calculators.emt:Nothing"])
def test_a_missing_engine_fails_with_a_sentence(tmp_path, engine):
    folder = md_samples.run_folder(tmp_path / "run", engine=engine)
    progress = run_segment(folder.path, ONE_CORE)
    assert progress.state == "failed"
    assert progress.message.endswith(".") or "install" in progress.message


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="holds no MD run"):
        run_segment(tmp_path / "nothing", ONE_CORE)


def died(done_ps: float, start_ps: float | None, deaths: int) -> tuple[bool, int]:
    """Whether the run is given up after a segment, and the deaths in a row."""
    progress = Progress(done_ps=done_ps, segment_start_ps=start_ps, deaths=deaths)
    failed = count_death(progress)
    assert progress.segment_start_ps is None  # counted once
    assert not count_death(progress)
    return failed, progress.deaths


def test_three_deaths_in_a_row_without_a_checkpoint_end_a_run():
    assert died(0.1, None, 2) == (False, 2)  # the last segment ended by itself
    assert died(0.1, 0.1, 0) == (False, 1)
    assert died(0.1, 0.1, 1) == (False, 2)
    assert died(0.1, 0.1, 2) == (True, 3)
    assert died(0.2, 0.1, 2) == (False, 0)  # a checkpoint: the run advances


def test_a_death_is_kept_in_the_run_folder_whoever_records_it(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run")
    path = folder.path
    for deaths in (1, 2):  # died before its first instruction
        progress = record_death(path)
        assert (progress.state, progress.deaths) == ("prepared", deaths)
    paused = run_segment(path, ONE_CORE, stop=StopAfter(2))
    assert (paused.state, paused.deaths, paused.segment_start_ps) == ("paused", 0, None)
    for deaths in (1, 2):
        progress = folder.progress()
        progress.state, progress.segment_start_ps = "running", progress.done_ps
        folder.write_progress(progress)
        assert record_death(path).deaths == deaths
    progress = folder.progress()
    progress.segment_start_ps = progress.done_ps  # the third, seen by nobody until the next begins
    folder.write_progress(progress)
    progress = run_segment(path, ONE_CORE)
    assert (progress.state, progress.reason) == ("failed", "process_killed")
    assert "raise walltime or memory" in progress.message
    assert "fewer --workers" in progress.message
    assert record_death(path).state == "failed"


def test_an_attempt_with_half_the_step_has_deaths_of_its_own(tmp_path, monkeypatch):
    """The first attempt reached 0.1 ps; a checkpoint of the second at 0.02 ps is an advance."""
    folder = md_samples.run_folder(tmp_path / "run", engine="md_samples:NotANumber")
    seen = []
    monkeypatch.setattr(md_samples.NotANumber, "calls", 0)
    real = RunFolder.write_progress

    def note(self, progress):
        seen.append((progress.attempt, progress.done_ps, progress.segment_start_ps))
        real(self, progress)

    monkeypatch.setattr(RunFolder, "write_progress", note)
    run_segment(folder.path, Resources(checkpoint_s=0.0))
    second = [(done, start) for attempt, done, start in seen if attempt == 2 and start is not None]
    assert second and all(start == 0.0 for _, start in second)


def test_progress_of_an_earlier_version_is_read(tmp_path):
    folder = md_samples.run_folder(tmp_path / "run")
    path = folder.path / "progress.json"
    content = json.loads(path.read_text())
    for new, old in (
        ("segments", "pieces"),
        ("segment_start_ps", "began_ps"),
        ("deaths", "killed"),
    ):
        del content[new]
        content[old] = {"pieces": 4, "began_ps": 0.0, "killed": 1}[old]
    path.write_text(json.dumps(content))
    progress = folder.progress()
    assert (progress.segments, progress.segment_start_ps, progress.deaths) == (4, 0.0, 1)
    done = run_segment(folder.path, ONE_CORE)
    assert (done.state, done.segments) == ("done", 5)
    assert not {"pieces", "began_ps", "killed"} & set(json.loads(path.read_text()))
