"""Damaged, shuffled, jumping, NPT and unwrapped input is refused by name or understood."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories import ReadOptions, UnreadableTrajectoryError, read_trajectory

SYMBOLS = ("Li", "Li", "S", "S")
STEP = ReadOptions(frame_step_ps=0.02)


def extxyz(
    path: Path,
    frames: NDArray[np.float64],
    cells: NDArray[np.float64],
    symbols: tuple[str, ...] = SYMBOLS,
) -> Path:
    text = ""
    for frame, cell in zip(frames, cells, strict=True):
        lattice = " ".join(f"{x:.8f}" for x in cell.ravel())
        text += f'{len(symbols)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3\n'
        for symbol, row in zip(symbols, frame @ cell, strict=True):
            text += f"{symbol} " + " ".join(f"{x:.8f}" for x in row) + "\n"
    path.write_text(text)
    return path


def walk(n_frames: int = 30, seed: int = 3) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    start = np.array([[0.1, 0.1, 0.1], [0.6, 0.6, 0.1], [0.6, 0.1, 0.6], [0.1, 0.6, 0.6]])
    return start + np.cumsum(rng.normal(scale=0.01, size=(n_frames, 4, 3)), axis=0)


def fixed(n_frames: int) -> NDArray[np.float64]:
    return np.repeat(10.0 * np.eye(3)[None], n_frames, axis=0)


def test_a_jump_over_half_a_cell_is_refused_with_its_frame(tmp_path: Path) -> None:
    frames = walk()
    frames[17:, 2, 1] += 0.5
    path = extxyz(tmp_path / "jump.extxyz", frames % 1.0, fixed(30))
    with pytest.raises(UnreadableTrajectoryError, match=r"Frame 18: atom 3") as caught:
        read_trajectory(path, STEP)
    assert caught.value.reason == "jump_over_half_cell"


def test_a_fold_of_a_longer_jump_is_too_fast_to_be_true(tmp_path: Path) -> None:
    frames = walk()
    frames[17:, 2, 1] += 0.62
    path = extxyz(tmp_path / "jump.extxyz", frames % 1.0, fixed(30))
    with pytest.raises(UnreadableTrajectoryError, match=r"Frame 18: atom 3") as caught:
        read_trajectory(path, STEP)
    assert caught.value.reason == "impossible_step"


def test_two_atoms_of_one_element_that_change_places_are_refused(tmp_path: Path) -> None:
    frames = walk() % 1.0
    frames[9] = frames[9][[1, 0, 2, 3]]
    path = extxyz(tmp_path / "shuffled.extxyz", frames, fixed(30))
    with pytest.raises(UnreadableTrajectoryError, match="Frame 10"):
        read_trajectory(path, STEP)


def test_another_order_of_elements_is_refused(tmp_path: Path) -> None:
    first = extxyz(tmp_path / "a.extxyz", walk(2), fixed(2)).read_text()
    other = extxyz(tmp_path / "b.extxyz", walk(2), fixed(2), ("S", "Li", "S", "Li")).read_text()
    path = tmp_path / "both.extxyz"
    path.write_text(first + other)
    with pytest.raises(UnreadableTrajectoryError, match="frame 3") as caught:
        read_trajectory(path, STEP)
    assert caught.value.reason == "shuffled"


def test_nan_names_frame_and_atom(tmp_path: Path) -> None:
    frames = walk()
    frames[4, 1, 2] = np.nan
    path = extxyz(tmp_path / "nan.extxyz", frames, fixed(30))
    with pytest.raises(UnreadableTrajectoryError, match=r"Frame 5: .* atom 2"):
        read_trajectory(path, STEP)


def test_one_frame_is_no_motion(tmp_path: Path) -> None:
    path = extxyz(tmp_path / "one.extxyz", walk(1), fixed(1))
    with pytest.raises(UnreadableTrajectoryError, match="at least two") as caught:
        read_trajectory(path, STEP)
    assert caught.value.reason == "one_frame"


def test_a_file_cut_in_a_frame_keeps_the_frames_before(tmp_path: Path) -> None:
    path = extxyz(tmp_path / "cut.extxyz", walk(), fixed(30))
    text = path.read_text()
    path.write_text(text[: text.rindex("Lattice") + 120])
    trajectory = read_trajectory(path, STEP)
    assert trajectory.n_frames == 29
    assert "truncated_file" in trajectory.flags


def test_unwrapped_input_is_recognised_and_left_alone(tmp_path: Path) -> None:
    frames = walk(80)
    frames[:, 0, 0] += np.linspace(0.0, 2.5, 80)
    path = extxyz(tmp_path / "free.extxyz", frames, fixed(80))
    trajectory = read_trajectory(path, STEP)
    assert "already_unwrapped" in trajectory.flags
    np.testing.assert_allclose(trajectory.fractional, frames, atol=1e-7)


def test_a_barostat_moves_no_atom(tmp_path: Path) -> None:
    cells = fixed(30) * (1.0 + 0.05 * np.sin(np.arange(30)))[:, None, None]
    still = np.repeat(walk(1), 30, axis=0)
    still[:, 0] += 3.0  # far from the origin, where scaling the cell would drag an atom along
    path = extxyz(tmp_path / "npt.extxyz", still, cells)
    trajectory = read_trajectory(path, STEP)
    assert "cell_varies" in trajectory.flags
    assert np.ptp(trajectory.positions(), axis=0).max() < 1e-6


def test_missing_frames_are_refused(tmp_path: Path) -> None:
    path = extxyz(tmp_path / "gap.extxyz", walk(6), fixed(6))
    lines = path.read_text().splitlines()
    for number, at in enumerate(range(1, len(lines), 6)):
        lines[at] += f" time={20.0 * (number + (number > 3))}"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UnreadableTrajectoryError, match="from kept frame 4 to 5"):
        read_trajectory(path)


def test_questions_to_the_user_name_the_option(tmp_path: Path) -> None:
    path = extxyz(tmp_path / "run.extxyz", walk(3), fixed(3))
    with pytest.raises(InputError, match="--frame-step-fs"):
        read_trajectory(path)
    with pytest.raises(InputError, match="There is no trajectory file"):
        read_trajectory(tmp_path / "missing.extxyz")
    strange = tmp_path / "run.data"
    strange.write_text("x")
    with pytest.raises(InputError, match="--format"):
        read_trajectory(strange)


def test_xml_with_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vasprun.xml"
    path.write_text('<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "b">]><modeling>&a;</modeling>')
    with pytest.raises(UnreadableTrajectoryError, match="entities"):
        read_trajectory(path)


def test_skipping_and_thinning(tmp_path: Path) -> None:
    path = extxyz(tmp_path / "run.extxyz", walk() % 1.0, fixed(30))
    whole = read_trajectory(path, STEP)
    part = read_trajectory(path, ReadOptions(frame_step_ps=0.02, skip_ps=0.2, every=4))
    assert part.frame_step_ps == pytest.approx(0.08)
    np.testing.assert_allclose(part.fractional, whole.fractional[10::4])


def test_atoms_that_change_places_are_found_where_speed_tells_nothing(tmp_path: Path) -> None:
    """At 0.1 ps a thermal atom may cross this cell; only the places betray the shuffling."""
    slow = ReadOptions(frame_step_ps=0.1)
    frames = walk()
    frames[12:] = frames[12:][:, [1, 0, 2, 3]]
    frames[12:, 0] = frames[12:, 1] + [0.25, 0.2, 0.0]  # 3.2 Å apart: nobody is fast
    frames[:12, 1] = frames[:12, 0] + [0.25, 0.2, 0.0]
    path = extxyz(tmp_path / "shuffled.extxyz", frames % 1.0, fixed(30))
    with pytest.raises(UnreadableTrajectoryError, match=r"Frame 13: atoms 1, 2") as caught:
        read_trajectory(path, slow)
    assert caught.value.reason == "impossible_step"


def test_a_row_of_jumps_into_a_vacancy_is_no_shuffling(tmp_path: Path) -> None:
    frames = np.repeat(walk(1), 30, axis=0)
    frames[:, 1] = frames[:, 0] + [0.3, 0.0, 0.0]
    frames[12:, :2] += [0.3, 0.0, 0.0]
    path = extxyz(tmp_path / "row.extxyz", frames % 1.0, fixed(30))
    assert read_trajectory(path, ReadOptions(frame_step_ps=0.1)).n_frames == 30
