"""Files that are pieces of one run, and files that are not."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories import ReadOptions, Trajectory, read_trajectory
from dualion.structures.trajectories.pieces.alike import difference
from dualion.structures.trajectories.pieces.join import join_pieces, thin
from dualion.structures.trajectories.pieces.runs import PIECE_MODES, Run, read_runs
from dualion.structures.trajectories.pieces.seam import judge_seam, step_scale

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "md"
STEP_PS = 0.1
EDGE = 12.0
OPTIONS = ReadOptions(frame_step_ps=STEP_PS, temperature_k=500.0)


def walk(seed: int, frames: int = 300, *, hop: float = 0.3, host: int = 0) -> NDArray[np.float64]:
    """Fractional positions of eight walking ions and sixteen caged ones."""
    rng = np.random.default_rng(seed)
    start = np.random.default_rng(host).random((24, 3))
    moved = rng.normal(scale=0.12, size=(frames, 24, 3))
    moved[:, :8] += np.cumsum(rng.normal(scale=hop, size=(frames, 8, 3)), axis=0)
    return start + moved / EDGE


def write(path: Path, frames: NDArray[np.float64], steps: range | None = None) -> Path:
    """An npz (no step numbers), or an extended XYZ where steps are given; folded both."""
    folded = frames % 1.0
    if steps is None:
        np.savez(
            path.with_suffix(".npz"),
            positions=folded @ (EDGE * np.eye(3)),
            cells=EDGE * np.eye(3),
            species=np.array(["Li"] * 8 + ["Cl"] * 16),
        )
        return path.with_suffix(".npz")
    text = ""
    for step, frame in zip(steps, folded * EDGE, strict=True):
        text += f'24\nLattice="{EDGE} 0 0 0 {EDGE} 0 0 0 {EDGE}" step={step}\n'
        for symbol, row in zip(["Li"] * 8 + ["Cl"] * 16, frame, strict=True):
            text += f"{symbol} " + " ".join(f"{x:.6f}" for x in row) + "\n"
    path.with_suffix(".extxyz").write_text(text)
    return path.with_suffix(".extxyz")


def pieces_of(folder: Path, frames: NDArray[np.float64], count: int) -> list[Path]:
    parts = np.array_split(frames, count)
    return [write(folder / f"part{number}", part) for number, part in enumerate(parts)]


def only(runs: list[Run]) -> Trajectory:
    (run,) = runs
    return run.trajectory


def moved(fractional: NDArray[np.float64]) -> NDArray[np.float64]:
    return fractional - fractional[0]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_pieces_in_any_order_are_the_whole_run(tmp_path: Path, order: tuple[int, ...]) -> None:
    whole = walk(1)
    paths = pieces_of(tmp_path, whole, 3)
    (run,) = read_runs([paths[i] for i in order], OPTIONS)
    assert run.sources == tuple(paths)
    assert "consecutive pieces of one run" in run.note
    assert "pieces_joined" in run.trajectory.flags
    np.testing.assert_allclose(moved(run.trajectory.fractional), moved(whole), atol=1e-9)


@pytest.mark.parametrize("kept", [(0, 1, 3), (0, 2, 3), (3, 1, 0)])
def test_a_missing_piece_is_refused(tmp_path: Path, kept: tuple[int, ...]) -> None:
    paths = pieces_of(tmp_path, walk(2, 400), 4)
    with pytest.raises(InputError, match="missing"):
        list(read_runs([paths[i] for i in kept], OPTIONS))


def test_a_missing_end_is_no_missing_piece(tmp_path: Path) -> None:
    paths = pieces_of(tmp_path, walk(2, 400), 4)
    assert only(list(read_runs(paths[:0:-1], OPTIONS))).n_frames == 300


def test_ions_that_went_on_betray_a_missing_middle(tmp_path: Path) -> None:
    """No seam is left: the ions of the last part are nearer to the end of the first."""
    rng = np.random.default_rng(15)
    frames = np.cumsum(rng.normal(scale=0.004, size=(300, 24, 3)), axis=0)
    paths = pieces_of(tmp_path, rng.random((24, 3)) + frames, 3)
    with pytest.raises(InputError, match=r"part2\.npz is a later part of the run in part0\.npz"):
        list(read_runs([paths[2], paths[0]], OPTIONS))


def test_runs_from_one_start_are_replicas(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"r{seed}", walk(seed, 100, hop=0.1)) for seed in range(20, 30)]
    assert len(list(read_runs(paths, OPTIONS))) == 10


def test_runs_that_have_nothing_in_common_stay_apart(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"r{seed}", walk(seed)) for seed in range(5)]
    runs = list(read_runs(paths, OPTIONS))
    assert [run.sources for run in runs] == [(path,) for path in paths]
    assert "runs of their own" in runs[0].note
    assert not any(run.note for run in runs[1:])


def test_replicas_that_hardly_left_their_common_start_are_no_pieces(tmp_path: Path) -> None:
    """Their ends are within a step of the start of the others by chance."""
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        paths = [write(folder / f"r{n}", walk(50 + 3 * seed + n, 100, hop=0.03)) for n in range(3)]
        assert len(list(read_runs(paths, OPTIONS))) == 3


def test_two_runs_in_two_pieces_each_are_two_runs(tmp_path: Path) -> None:
    one = pieces_of(tmp_path, walk(3, host=3), 2)
    other = [
        write(tmp_path / f"other{n}", part)
        for n, part in enumerate(np.array_split(walk(4, host=4), 2))
    ]
    runs = list(read_runs([other[1], one[1], one[0], other[0]], OPTIONS))
    assert {run.sources for run in runs} == {tuple(one), tuple(other)}


def test_each_way_can_be_forced(tmp_path: Path) -> None:
    paths = pieces_of(tmp_path, walk(5), 3)
    apart = list(read_runs(paths, OPTIONS, pieces="replicas"))
    assert [run.trajectory.n_frames for run in apart] == [100, 100, 100]
    strangers = [write(tmp_path / f"s{seed}", walk(seed, 50)) for seed in (6, 7)]
    (forced,) = read_runs(strangers, OPTIONS, pieces="continue")
    assert forced.trajectory.n_frames == 100
    assert "not where the run would have taken them" in forced.note
    with pytest.raises(InputError, match="choose"):
        list(read_runs(paths, OPTIONS, pieces="both"))  # type: ignore[arg-type]


def test_two_heirs_of_one_piece_are_refused_by_name(tmp_path: Path) -> None:
    """A restart that was abandoned lies beside the one that took its place."""
    whole, other = walk(8, 200), walk(9, 100)
    heir = other - other[0] + whole[100]
    paths = [
        *pieces_of(tmp_path, whole, 2),
        write(tmp_path / "abandoned", heir),
    ]
    with pytest.raises(InputError, match=r"both begin where part0\.npz ends"):
        list(read_runs(paths, OPTIONS))


def test_frames_that_a_restart_repeats_are_replaced(tmp_path: Path) -> None:
    whole = walk(10, 200)
    paths = [write(tmp_path / "a", whole[:120]), write(tmp_path / "b", whole[100:])]
    (run,) = read_runs(paths[::-1], OPTIONS)
    assert "20 frame(s)" in run.note
    np.testing.assert_allclose(moved(run.trajectory.fractional), moved(whole), atol=1e-9)


def test_step_numbers_show_a_gap_that_vibrating_ions_hide(tmp_path: Path) -> None:
    still = walk(11, 200, hop=0.0)
    first = write(tmp_path / "a", still[:100], range(0, 1000, 10))
    gone_on = write(tmp_path / "b", still[100:], range(1000, 2000, 10))
    later = write(tmp_path / "c", still[100:], range(3000, 4000, 10))
    (run,) = read_runs([gone_on, first], OPTIONS)
    assert run.sources == (first, gone_on)
    with pytest.raises(InputError, match="its clock goes on, with a gap"):
        list(read_runs([later, first], OPTIONS))


def test_without_a_clock_vibrating_ions_have_no_order_and_are_replicas(tmp_path: Path) -> None:
    paths = pieces_of(tmp_path, walk(12, 200, hop=0.0), 2)
    assert len(list(read_runs(paths, OPTIONS))) == 2


def test_a_file_and_its_copy_are_refused(tmp_path: Path) -> None:
    whole = walk(16)
    paths = [write(tmp_path / "a", whole), write(tmp_path / "b", whole + 3.0)]
    for pieces in PIECE_MODES:
        with pytest.raises(InputError, match="hold the same frames"):
            list(read_runs(paths, OPTIONS, pieces=pieces))
    warm = ReadOptions(frame_step_ps=STEP_PS, temperature_k=700.0)
    with pytest.raises(InputError, match="hold the same frames"):  # nor at two temperatures
        list(read_runs(paths, [OPTIONS, warm]))
    with pytest.raises(InputError, match=r"a\.npz was given twice"):
        list(read_runs([paths[0], paths[0]], OPTIONS, pieces="replicas"))


def test_a_file_that_holds_another_one_is_refused(tmp_path: Path) -> None:
    """The text file has five decimals, and the array all."""
    whole = walk(18)
    paths = [write(tmp_path / "a", whole[:170]), write(tmp_path / "b", whole, range(300))]
    for order in (paths, paths[::-1]):
        with pytest.raises(InputError, match="hold the same frames"):
            list(read_runs(order, OPTIONS, pieces="replicas"))


def test_replicas_of_one_start_are_no_copies(tmp_path: Path) -> None:
    starts = [walk(seed, 50) for seed in (31, 32)]
    starts[1][0] = starts[0][0]
    paths = [write(tmp_path / f"r{n}", frames) for n, frames in enumerate(starts)]
    assert len(list(read_runs(paths, OPTIONS, pieces="replicas"))) == 2


def test_files_with_other_step_counts_do_not_share_a_time_step(tmp_path: Path) -> None:
    whole = walk(19, 400)
    first = write(tmp_path / "a", whole[:200], range(200))
    thinned = write(tmp_path / "b", whole[200::2], range(200, 400, 2))
    with pytest.raises(InputError, match="2 MD steps apart, not 1"):
        list(read_runs([first, thinned], OPTIONS))
    with pytest.raises(InputError, match=r"cannot continue .* 2 MD steps apart, not 1"):
        list(read_runs([first, thinned], OPTIONS, pieces="continue"))
    assert len(list(read_runs([first, thinned], OPTIONS, pieces="replicas"))) == 2
    kept = thin(read_trajectory(first, OPTIONS), 0.0, 2)
    assert kept.steps_a_frame == 2.0


def test_a_continuation_at_another_temperature_is_a_run_of_its_own(tmp_path: Path) -> None:
    paths = pieces_of(tmp_path, walk(20), 2)
    warm = ReadOptions(frame_step_ps=STEP_PS, temperature_k=540.0)
    trajectories = [
        read_trajectory(path, own) for path, own in zip(paths, (OPTIONS, warm), strict=True)
    ]
    assert difference(*trajectories) == "it was run at 540 K, not at 500 K"
    with pytest.raises(InputError, match="it was run at 540 K"):
        join_pieces(trajectories)


def test_a_damaged_piece_is_told_of_and_leaves_the_others(tmp_path: Path) -> None:
    paths = pieces_of(tmp_path, walk(17), 3)
    paths[2].write_bytes(b"PK\x03\x04 nothing")
    failed: list[Path] = []
    runs = list(read_runs(paths, OPTIONS, on_failure=lambda path, _: failed.append(path)))
    assert failed == [paths[2]]
    assert only(runs).n_frames == 200


def test_time_is_skipped_once_a_run_and_frames_are_thinned_across_seams(tmp_path: Path) -> None:
    whole = walk(13, 300)
    paths = pieces_of(tmp_path, whole, 3)
    options = ReadOptions(frame_step_ps=STEP_PS, temperature_k=500.0, skip_ps=3.0, every=7)
    found = only(list(read_runs(paths, options)))
    assert found.frame_step_ps == pytest.approx(0.7)
    np.testing.assert_allclose(moved(found.fractional), moved(whole[30::7]), atol=1e-9)
    with pytest.raises(InputError, match="0 or more"):
        thin(found, -1.0, 1)


def test_only_what_may_be_of_one_run_is_joined(tmp_path: Path) -> None:
    whole = walk(14, 200)
    first, second = (read_trajectory(path, OPTIONS) for path in pieces_of(tmp_path, whole, 2))
    warm = read_trajectory(
        tmp_path / "part1.npz", ReadOptions(frame_step_ps=STEP_PS, temperature_k=600.0)
    )
    assert join_pieces([first, second]).duration_ps == pytest.approx(19.9)
    with pytest.raises(InputError, match="cannot continue"):
        join_pieces([first, warm])
    scales = (step_scale(first), step_scale(second))
    assert judge_seam(first, second, scales).fits
    assert not judge_seam(second, first, scales[::-1]).fits


@pytest.mark.shared_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the public trajectories are not there")
def test_the_public_argyrodites_are_pieces_of_one_run() -> None:
    def paths(name: str, *numbers: int) -> list[Path]:
        return [DATA / f"{name}_run{number}_actual_XDATCAR.gz" for number in numbers]

    (run,) = read_runs(paths("Li6PS5Cl_0p", 3, 1, 2), OPTIONS)
    assert list(run.sources) == paths("Li6PS5Cl_0p", 1, 2, 3)
    assert run.trajectory.duration_ps == pytest.approx(41.9)
    (iodide,) = read_runs(paths("Li6PS5I_0p", 2, 1), OPTIONS)
    assert list(iodide.sources) == paths("Li6PS5I_0p", 1, 2)
    with pytest.raises(InputError, match="missing"):
        list(read_runs(paths("Li6PS5Cl_0p", 3, 1), OPTIONS))
