"""CP2K for real: segments, a kill between them, a stop, against a run that nothing broke."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from external_runs import engine_call_of, joined_frames, make_run

from dualion.workflows.md.engines.cp2k import Cp2kEngine
from dualion.workflows.md.run.run_folder import RunFolder

pytestmark = [
    pytest.mark.cp2k,
    pytest.mark.skipif(
        shutil.which("cp2k.psmp") is None,
        reason="CP2K is not installed; on Debian and Ubuntu: apt install cp2k cp2k-data",
    ),
]

SMOKE = {
    "basis": "SZV-MOLOPT-SR-GTH",
    "cutoff_ry": 160.0,
    "rel_cutoff_ry": 30.0,
    "eps_scf": 1e-8,
    "eps_default": 1e-10,
    "restart_steps": 3,
    "input": "&FORCE_EVAL\n&DFT\n&SCF\n&OT\nPRECONDITIONER FULL_ALL\n&END OT\n&END SCF\n&END DFT\n"
    "&END FORCE_EVAL",
}
"""A basis with which the atoms move plausibly and a step takes seconds; electrons converged so
tightly that the guess from which they begin leaves no trace."""

SEGMENT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from external_runs import engine_call_of
from dualion.workflows.md.engines.cp2k import Cp2kEngine
from dualion.workflows.md.run.run_folder import RunFolder
Cp2kEngine().advance(engine_call_of(RunFolder(Path({run!r})), checkpoint_s={checkpoint_s}))
"""


def _start_segment(folder: RunFolder, checkpoint_s: float = 1.0) -> subprocess.Popen[bytes]:
    """A segment in a process of its own, so that it can be killed as a batch system does."""
    code = SEGMENT.format(
        tests=str(Path(__file__).parent), run=str(folder.path), checkpoint_s=checkpoint_s
    )
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def _wait(condition: object, limit_s: float = 1200.0) -> None:
    until = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "CP2K did not get that far"
        time.sleep(0.1)


def _restart_written(folder: RunFolder, step: int) -> bool:
    first = folder.path / "work" / "call-0001" / "md-1.restart"
    try:
        text = first.read_text()
    except OSError:
        return False
    return any(
        line.split()[0] == "STEP_START_VAL" and int(line.split()[1]) >= step
        for line in text.splitlines()
        if len(line.split()) == 2
    )


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Twenty steps in one segment."""
    folder = make_run(tmp_path_factory.mktemp("cp2k") / "unbroken", engine="cp2k", settings=SMOKE)
    assert Cp2kEngine().advance(engine_call_of(folder))
    return folder


def test_an_unbroken_run_keeps_every_frame(unbroken: RunFolder) -> None:
    steps, positions, energies = joined_frames(unbroken)
    assert steps == [0, 5, 10, 15, 20]
    assert np.isfinite(positions).all() and np.ptp(energies) < 1.0
    assert 0.01 < np.abs(positions[-1] - positions[0]).max() < 1.0
    assert unbroken.progress().frames == 5


def test_a_run_killed_between_equals_an_unbroken_one(unbroken: RunFolder, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "killed", engine="cp2k", settings=SMOKE)
    process = _start_segment(folder)
    try:
        _wait(lambda: _restart_written(folder, 9) or process.poll() is not None)
        assert process.poll() is None, "the segment ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)  # the segment; CP2K is left without a parent
        process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    orphan = _cp2k_in(folder)
    assert Cp2kEngine().advance(engine_call_of(folder))
    assert orphan is None or not _alive(orphan)
    steps, positions, energies = joined_frames(folder)
    true_steps, true_positions, true_energies = joined_frames(unbroken)
    assert steps == true_steps  # no gap, no double frame
    assert len(list((folder.path / "work").glob("call-*"))) == 2
    noise = _noise(unbroken, folder)
    print(f"largest difference of a position after the kill: {noise:.2e} Å")
    # Positions are kept to 1e-5 Å: two roundings of numbers that differ by the noise.
    assert np.abs(positions - true_positions).max() <= 1.01e-5
    assert np.abs(energies - true_energies).max() <= 2e-6
    assert noise < 1e-6


def test_a_stop_leaves_a_restart_and_the_run_goes_on(unbroken: RunFolder, tmp_path: Path) -> None:
    long = {"production_ps": 0.12, "budget_ps": 0.12}  # CP2K looks for EXIT every 20 s
    folder = make_run(tmp_path / "stopped", engine="cp2k", settings=SMOKE, **long)
    call = engine_call_of(folder, checkpoint_s=1.0)

    def stop_later() -> None:
        _wait(lambda: _restart_written(folder, 3))
        call.stop.set()

    thread = threading.Thread(target=stop_later)
    thread.start()
    assert not Cp2kEngine().advance(call)
    thread.join()
    reached_ps = folder.progress().done_ps
    assert 0 < reached_ps < 0.12
    steps = joined_frames(folder)[0]
    assert steps and steps == list(range(0, steps[-1] + 1, 5))
    again = replace(engine_call_of(folder), target_ps=reached_ps + 0.01)
    assert Cp2kEngine().advance(again)
    further, positions, energies = joined_frames(folder)
    assert further == list(range(0, further[-1] + 1, 5)) and further[-1] > steps[-1]
    common = min(len(further), 5)
    _, true_positions, true_energies = joined_frames(unbroken)
    assert np.abs(positions[:common] - true_positions[:common]).max() <= 1.01e-5
    assert np.abs(energies[:common] - true_energies[:common]).max() <= 2e-6


def _cp2k_in(folder: RunFolder) -> psutil.Process | None:
    """The CP2K that still runs in a folder."""
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "cp2k.psmp" and folder.path in Path(process.cwd()).parents:
                return process
        except psutil.Error:
            continue
    return None


def _alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _noise(unbroken: RunFolder, folder: RunFolder) -> float:
    """Largest difference of CP2K's own positions, printed to 1e-10 Å, in the last segments, Å."""
    true, other = (_last_positions(f) for f in (unbroken, folder))
    common = sorted(set(true) & set(other))
    assert common
    return max(float(np.abs(true[step] - other[step]).max()) for step in common)


def _last_positions(folder: RunFolder) -> dict[int, np.ndarray]:
    from dualion.structures.trajectories.cp2k.output import read_cp2k_xyz

    segment = sorted((folder.path / "work").glob("call-*"))[-1]
    stream = read_cp2k_xyz(segment / "md-pos-1.xyz", np.eye(3))
    return {frame.step: frame.positions for frame in stream.frames}
