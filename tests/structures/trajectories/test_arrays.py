"""Arrays, npz, displacements, pymatgen and MDAnalysis: in, and one frozen type out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from numpy.typing import NDArray
from pymatgen.core import Lattice
from pymatgen.core.trajectory import Trajectory as PymatgenTrajectory
from trajectory_samples import (
    CELL,
    EDGE,
    STEP_FS,
    SYMBOLS,
    displacements,
    folded,
    walk,
    write_npz,
)

from dualion.structures.errors import InputError
from dualion.structures.trajectories import (
    ReadOptions,
    UnreadableTrajectoryError,
    as_trajectory,
    read_trajectory,
    trajectory_from_arrays,
    trajectory_from_mdanalysis,
    trajectory_from_pymatgen,
)

STEP_PS = STEP_FS * 1e-3
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "md"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")


@pytest.fixture(scope="module")
def truth() -> NDArray[np.float64]:
    return walk(40)


def moved(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(positions - positions[0])


def test_arrays_are_unwrapped_and_checked(truth: NDArray[np.float64]) -> None:
    found = trajectory_from_arrays(
        folded(truth), CELL, SYMBOLS, frame_step_ps=STEP_PS, fractional=True, temperature_k=700.0
    )
    np.testing.assert_allclose(moved(found.positions()), moved(truth), atol=1e-12)
    assert found.temperature_k == 700.0 and "unwrapped_here" in found.flags
    lists = trajectory_from_arrays(
        (folded(truth) * EDGE).tolist(),
        [CELL] * len(truth),
        list(SYMBOLS),
        frame_step_ps=STEP_PS,
        energies_ev=np.full(len(truth), -3.0),
        temperatures_k=np.full(len(truth), 650.0),
    )
    np.testing.assert_allclose(lists.fractional, found.fractional, atol=1e-12)
    assert lists.temperature_k == pytest.approx(650.0) and (lists.energies_ev == -3.0).all()
    with pytest.raises(AttributeError):
        lists.frame_step_ps = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symbols": SYMBOLS[:7]}, "7 symbols"),
        ({"cells": np.eye(2)}, "cells of shape"),
        ({"positions": np.zeros((5, 8))}, "positions of shape"),
        ({"positions": [["a"]]}, "no arrays of numbers"),
        ({"energies_ev": [1.0, 2.0]}, "series of shape"),
        ({"cells": np.zeros((3, 3))}, "no valid cell"),
        ({"symbols": ("Qq",) * 8}, "no chemical element"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    truth: NDArray[np.float64], change: dict[str, object], message: str
) -> None:
    values = {"positions": truth, "cells": CELL, "symbols": SYMBOLS} | change
    with pytest.raises(UnreadableTrajectoryError, match=message):
        trajectory_from_arrays(**values, frame_step_ps=STEP_PS)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan"), float("inf")])
def test_arrays_need_a_time_between_frames(truth: NDArray[np.float64], step: float) -> None:
    with pytest.raises(InputError, match="over 0"):
        trajectory_from_arrays(truth, CELL, SYMBOLS, frame_step_ps=step)


def test_npz(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    write_npz(tmp_path / "run.npz", truth)
    with pytest.raises(InputError, match="--frame-step-fs"):
        read_trajectory(tmp_path / "run.npz")
    found = read_trajectory(tmp_path / "run.npz", ReadOptions(frame_step_ps=STEP_PS))
    np.testing.assert_allclose(moved(found.positions()), moved(truth), atol=2e-6)
    np.savez(tmp_path / "bad.npz", positions=truth)
    with pytest.raises(UnreadableTrajectoryError, match="no cells and no species"):
        read_trajectory(tmp_path / "bad.npz")
    np.savez(tmp_path / "bad.npz", positions=truth, cells=CELL, species=np.array([object()] * 8))
    with pytest.raises(UnreadableTrajectoryError, match="pickle"):
        read_trajectory(tmp_path / "bad.npz")


def test_displacements(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    path = tmp_path / "run.json.gz"
    path.write_bytes(gzip.compress(displacements(truth).encode()))
    found = read_trajectory(path)
    np.testing.assert_allclose(moved(found.positions()), moved(truth), atol=1e-9)
    assert found.frame_step_ps == pytest.approx(STEP_PS) and found.temperature_k == 700.0
    content = json.loads(displacements(truth))
    content["structure"]["sites"].pop()
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(UnreadableTrajectoryError, match="7 sites"):
        read_trajectory(tmp_path / "bad.json")


@pytest.mark.parametrize("as_displacements", [False, True])
def test_pymatgen(truth: NDArray[np.float64], as_displacements: bool) -> None:
    theirs = PymatgenTrajectory(
        species=list(SYMBOLS),
        coords=folded(truth),
        lattice=Lattice(CELL).matrix,
        time_step=1.0,
        frame_properties=[{"e_wo_entrp": -30.0 - i} for i in range(len(truth))],
    )
    if as_displacements:
        theirs.to_displacements()
    found = trajectory_from_pymatgen(theirs, frame_step_ps=STEP_PS)
    np.testing.assert_allclose(moved(found.positions()), moved(truth), atol=1e-10)
    assert found.symbols == SYMBOLS and found.frame_step_ps == STEP_PS
    assert found.energies_ev[3] == -33.0


def _atoms(truth: NDArray[np.float64]) -> list[Atoms]:
    return [Atoms(SYMBOLS, scaled_positions=frame, cell=CELL, pbc=True) for frame in folded(truth)]


def test_a_list_of_ase_atoms(truth: NDArray[np.float64]) -> None:
    found = as_trajectory(_atoms(truth), frame_step_ps=STEP_PS, temperature_k=500.0)
    np.testing.assert_allclose(moved(found.positions()), moved(truth), atol=1e-9)
    assert found.symbols == SYMBOLS and found.temperature_k == 500.0
    mixed = _atoms(truth)
    mixed[2].symbols[0] = "Na"
    with pytest.raises(UnreadableTrajectoryError, match="other atoms"):
        as_trajectory(mixed, frame_step_ps=STEP_PS)


def test_each_form_of_a_trajectory_is_known(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    frames = _atoms(truth)
    by_ase = as_trajectory(frames, frame_step_ps=STEP_PS)
    assert as_trajectory(by_ase) is by_ase
    write(tmp_path / "run.traj", frames)
    theirs = PymatgenTrajectory(
        species=list(SYMBOLS), coords=folded(truth), lattice=Lattice(CELL), time_step=1.0
    )
    for form in (tmp_path / "run.traj", str(tmp_path / "run.traj"), theirs, _universe(truth)):
        found = as_trajectory(form, frame_step_ps=STEP_PS)
        np.testing.assert_allclose(found.fractional, by_ase.fractional, atol=1e-5)


@pytest.mark.parametrize("wrong", [7, None, [], {}, [1, 2]])
def test_what_is_no_trajectory_is_refused(wrong: object) -> None:
    with pytest.raises(InputError, match="is no trajectory"):
        as_trajectory(wrong, frame_step_ps=STEP_PS)


def test_the_time_between_frames_is_asked_for(truth: NDArray[np.float64]) -> None:
    with pytest.raises(InputError, match="frame_step_ps"):
        as_trajectory(_atoms(truth))


def _universe(truth: NDArray[np.float64]) -> SimpleNamespace:
    """What of MDAnalysis' interface is used: frames that move the atoms' positions on."""
    atoms = SimpleNamespace(elements=np.array(SYMBOLS), positions=None)

    class Frames:
        def __iter__(self) -> object:
            for frame in folded(truth) * EDGE:
                atoms.positions = frame.astype(np.float32)
                yield SimpleNamespace(
                    dimensions=np.array([EDGE] * 3 + [90.0] * 3),
                    triclinic_dimensions=CELL.astype(np.float32),
                )

    class Atoms(SimpleNamespace):
        def __len__(self) -> int:
            return len(SYMBOLS)

        @property
        def positions(self) -> object:
            return atoms.positions

    group = Atoms(elements=atoms.elements, universe=SimpleNamespace(trajectory=Frames()))
    return SimpleNamespace(atoms=group)


def test_the_interface_of_mdanalysis(truth: NDArray[np.float64]) -> None:
    found = trajectory_from_mdanalysis(_universe(truth), frame_step_ps=STEP_PS)
    np.testing.assert_allclose(moved(found.positions()), moved(truth), atol=1e-5)
    assert found.symbols == SYMBOLS


def test_mdanalysis_itself(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    mda = pytest.importorskip("MDAnalysis", reason="MDAnalysis is not installed")
    universe = mda.Universe.empty(len(SYMBOLS), trajectory=True)
    universe.add_TopologyAttr("elements", list(SYMBOLS))
    sides = np.array([EDGE] * 3 + [90.0] * 3)
    boxes = np.repeat(sides[None], len(truth), axis=0)
    universe.load_new((folded(truth) * EDGE).astype(np.float32), dimensions=boxes)
    found = trajectory_from_mdanalysis(universe, frame_step_ps=STEP_PS, temperature_k=700.0)
    np.testing.assert_allclose(moved(found.positions()), moved(truth), atol=1e-5)
    ions = trajectory_from_mdanalysis(universe.atoms[:4], frame_step_ps=STEP_PS)
    assert ions.symbols == SYMBOLS[:4]
    np.testing.assert_allclose(ions.fractional, found.fractional[:, :4], atol=1e-12)


@needs_data
@pytest.mark.shared_data
def test_shared_npz_gives_the_published_msd() -> None:
    """The last point of kinisi's reference MSD, 1.3971975 Å², by displacements over all lags."""
    path = SHARED / "lips_200frames.npz"
    found = read_trajectory(path, ReadOptions(frame_step_ps=0.02))
    assert found.n_frames == 200 and found.n_atoms == 2688
    positions, lithium = found.positions(), found.indices("Li")
    others = np.setdiff1d(np.arange(found.n_atoms), lithium)
    relative = positions - positions[:, others].mean(axis=1, keepdims=True)
    with np.load(path) as content:
        expected = content["ref_msd"][-1]
    # The longest lag has one time origin: the last frame against the first.
    moved_far = ((relative[-1, lithium] - relative[0, lithium]) ** 2).sum(axis=-1).mean()
    assert moved_far == pytest.approx(expected, abs=2e-7)


@needs_data
@pytest.mark.shared_data
def test_shared_displacements_give_their_plain_line() -> None:
    """D of Li from the first frame by a plain line: 4.25976905e-7 cm²/s (data's README)."""
    found = read_trajectory(SHARED / "lgps_600K_displacements.json.gz")
    assert found.n_frames == 1000 and found.frame_step_ps == pytest.approx(0.02)
    assert found.temperature_k == 600.0
    positions = found.positions()
    held = np.setdiff1d(np.arange(found.n_atoms), found.indices("Li"))
    positions = positions - positions[:, held].mean(axis=1, keepdims=True)
    lithium = positions[:, found.indices("Li")]
    msd = ((lithium - lithium[0]) ** 2).sum(axis=-1).mean(axis=1)
    times = found.frame_step_ps * np.arange(len(msd))
    slope = np.polyfit(times, msd, 1)[0]
    assert slope / 6.0 * 1e-4 == pytest.approx(4.25976905e-7, rel=1e-6)
