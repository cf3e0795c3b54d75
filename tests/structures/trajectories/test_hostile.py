"""Files that hold a program in place of a trajectory: refused in one sentence, never run."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trajectory_samples import CELL, STEP_FS, SYMBOLS, dcd, walk

from dualion.structures.errors import DualionError, InputError
from dualion.structures.trajectories import ReadOptions, read_trajectory

OPTIONS = ReadOptions(frame_step_ps=STEP_FS * 1e-3)


class Program:
    """Unpickling it makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.target, "w")


def _member(program: Program, name: str) -> bytes:
    """An npz of a sound trajectory one of whose arrays holds the program."""
    arrays = {"positions": walk(4), "cells": CELL, "species": np.array(SYMBOLS)}
    content = io.BytesIO()
    np.savez(content, **arrays | {name: np.array([program], dtype=object)})
    return content.getvalue()


FILES: dict[str, Callable[[Program], bytes]] = {
    "positions.npz": lambda program: _member(program, "positions"),
    "species.npz": lambda program: _member(program, "species"),
    "further.npz": lambda program: _member(program, "note"),
    "plain.npz": pickle.dumps,
    "plain.traj": pickle.dumps,
    "old_ase.traj": lambda program: b"PickleTrajectory" + pickle.dumps(program),
    "plain.json": pickle.dumps,
    "plain.dcd": pickle.dumps,
    "plain.xyz": lambda program: pickle.dumps(program, protocol=0),
}


@pytest.mark.parametrize("name", FILES)
def test_a_program_in_a_trajectory_does_not_run(name: str, tmp_path: Path) -> None:
    program = Program(tmp_path / "ran")
    pickle.loads(pickle.dumps(program)).close()
    (tmp_path / "ran").unlink()  # it would have run
    (tmp_path / name).write_bytes(FILES[name](program))
    try:
        found = read_trajectory(tmp_path / name, OPTIONS)
    except DualionError as error:
        assert "\n" not in str(error)
    else:  # a member that nothing asks for is not looked at
        assert name == "further.npz"
        assert found.n_frames == 4
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["start.traj", "start.xyz", "start.pckl", "start"])
def test_nor_one_in_a_topology(name: str, tmp_path: Path) -> None:
    program = Program(tmp_path / "ran")
    (tmp_path / name).write_bytes(b"PickleTrajectory" + pickle.dumps(program))
    title = "REMARK CORD DCD file created by CP2K version 2023.1"
    (tmp_path / "run.dcd").write_bytes(dcd(walk(4), title, timestep=STEP_FS))
    with pytest.raises(InputError, match="topology"):
        read_trajectory(tmp_path / "run.dcd", replace(OPTIONS, topology=tmp_path / name))
    assert not (tmp_path / "ran").exists()
