"""CHGNet runs on a real Slurm: walltimes, a cancelled job, one put back in the queue."""

from __future__ import annotations

import gzip
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm_server

from dualion.workflows.md.collect import collect_runs
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.enqueue import enqueue_runs
from dualion.workflows.md.plan.run_plan import plan_runs
from dualion.workflows.md.plan.selection import select_file
from dualion.workflows.md.queue_state import InQueue, queue_view
from dualion.workflows.md.reconcile import RunStatus, reconcile
from dualion.workflows.md.states import RunState
from dualion.workflows.md.submission import segment_limit_s, submit_runs

pytestmark = [pytest.mark.slurm, pytest.mark.mlip]

RUNS = 3  # one is cancelled, one put back, one left alone
SLOTS = 2  # two runs under way at once, which a small machine has the cores for
SEGMENTS = 6
PATIENCE_S = 1500.0

MEASURE = """
import time; start = time.time()
import ase.build; from dualion.workflows.potentials.load import make_calculator
atoms = ase.build.bulk("LiI", "rocksalt", a=6.0, cubic=True); atoms.calc = make_calculator("chgnet")
atoms.get_forces(); loaded = time.time()
def step():
    began = time.time(); atoms.rattle(0.01); atoms.get_forces(); return time.time() - began
print(loaded - start, min(step() for _ in range(20)))
"""


@pytest.fixture(scope="module", autouse=True)
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    for package, extra in (("torch", "mlip"), ("chgnet", "mlip")):
        pytest.importorskip(package, reason=f"the extra {extra} is not installed")
    with slurm_server.slurm(tmp_path_factory.mktemp("slurm"), slots=SLOTS):
        yield


@pytest.fixture(scope="module")
def speed() -> tuple[float, float]:
    """Seconds to load CHGNet, and of one step of the cell at its fastest."""
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    load_s, step_s = said.stdout.split()[-2:]
    return float(load_s), float(step_s)


def folder_of_runs(path: Path, speed: tuple[float, float]) -> MdFolder:
    """A folder with replicas of a small cell, each longer than one walltime."""
    load_s, step_s = speed
    walltime = f"00:{math.ceil((15.0 + 4.0 * load_s + 20.0) / 60.0):02d}:00"
    # Longer than a segment, also where the machine was busy while the speed was measured.
    steps = math.ceil(1.5 * segment_limit_s(walltime) / step_s)
    path.mkdir()
    (path / "md.yaml").write_text(
        f'md:\n  walltime: "{walltime}"\n  checkpoint_s: 5\n  device: cpu\n'
        "cluster:\n  queue: debug\n"
    )
    folder = MdFolder.open(path, new=True)
    block = folder.block.model_dump() | {
        "cells": ["perfect"],
        "smallest_width_angstrom": 5.9,
        "protocol": {
            "temperatures_k": [400.0],
            "replicas": RUNS,
            "timestep_fs": 1.0,
            "frame_fs": 10.0,
            "equilibration_ps": 0.02,
            "production_ps": steps / 1000.0,
            "budget_ps": steps / 1000.0,
        },
    }
    plan = plan_runs([select_file("LiI")], MdBlock.model_validate(block))
    assert len(plan.runs) == RUNS
    enqueue_runs(folder, plan)
    return folder


def reconcile_runs(folder: MdFolder) -> list[RunStatus]:
    with folder.writing() as runs:
        return reconcile(folder, runs)


def wait_for(folder: MdFolder, condition: object, what: str) -> list[RunStatus]:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        seen = reconcile_runs(folder)
        if condition(seen):  # type: ignore[operator]
            return seen
        time.sleep(2.0)
    pytest.fail(
        f"{what}: {[(o.state, o.progress.done_ps, o.message) for o in reconcile_runs(folder)]}"
    )


def steps_of(folder: MdFolder, seen: RunStatus) -> list[int]:
    with gzip.open(folder.run_folder(seen.run.place).trajectory, "rt") as handle:
        return [int(step) for step in re.findall(r" step=(\d+)", handle.read())]


def going(seen: RunStatus) -> bool:
    return seen.state is RunState.RUNNING and seen.progress.done_ps > 0.0


def test_runs_survive_walltimes_a_cancel_and_a_requeue(
    tmp_path: Path, speed: tuple[float, float]
) -> None:
    folder = folder_of_runs(tmp_path / "runs", speed)
    found = submit_runs(folder, scheduler="slurm", segments=SEGMENTS)
    assert found is not None and (found.elements, len(found.jobs)) == (RUNS, SEGMENTS)
    assert {one.state for one in reconcile_runs(folder)} <= {RunState.SUBMITTED, RunState.RUNNING}
    assert submit_runs(folder, scheduler="slurm") is None  # what is queued is not queued twice

    seen = wait_for(folder, lambda seen: sum(map(going, seen)) >= 2, "two runs under way")
    ill, back = [one.run for one in seen if going(one)][:2]
    subprocess.run(["scancel", ill.job], check=True)
    subprocess.run(["scontrol", "requeue", back.job], check=True)
    print(f"walltime {folder.block.walltime}, scancel {ill.job}, requeue {back.job}")

    for _ in range(3):  # should the chain not suffice, what is paused is submitted again
        wait_for(folder, lambda _: set(queue_view(folder).values()) <= {InQueue.NO}, "no job left")
        if all(one.state is RunState.DONE for one in reconcile_runs(folder)):
            break
        submit_runs(folder, scheduler="slurm", segments=SEGMENTS)
    seen = reconcile_runs(folder)
    logs = "\n".join(path.read_text() for path in sorted(folder.md.rglob("*.log")))
    assert [one.state for one in seen] == [RunState.DONE] * RUNS, logs
    for one in seen:
        protocol = folder.run_folder(one.run.place).spec().protocol
        last = protocol.steps_of(protocol.equilibration_ps + protocol.budget_ps)
        assert steps_of(folder, one) == list(range(0, last + 1, protocol.steps_per_frame))
        assert one.progress.segments >= 2, logs
        print(one.run.job, one.progress.segments, "segments", one.progress.frames, "frames")
    collected = collect_runs(folder)
    assert (collected.done, collected.taken, collected.problems) == (RUNS, RUNS, [])
