"""Damaged files of every format: the frames before the damage, or one sentence, never more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trajectory_samples import STEP_FS, SYMBOLS, write_sound_files

from dualion.structures.errors import DualionError
from dualion.structures.trajectories import ReadOptions, Trajectory, read_trajectory

FRAMES = 12
NAMES = (
    "XDATCAR",
    "vasprun.xml",
    "run-pos-1.xyz",
    "run-pos-1.dcd",
    "run.extxyz",
    "run.traj",
    "run.lammpstrj",
    "run.npz",
    "run.json",
    "XDATCAR.gz",
    "run.traj.gz",
    "lammps.dcd",
    "run-1.ener",
    "run-1.cell",
)
TEXT_FAULTS = (
    b"nan",
    b"****",
    b"1e400",
    b"-",
    b"9" * 30,
    b"\n",
    b" ",
    b"\x00",
    b"\xff\xfe",
    b"ITEM: ",
    b"<v>",
    b"0",
    b"1.0-2.0",
    b"\r",
    b"inf",
    b'"',
    b"{",
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sound file of every format."""
    folder = tmp_path_factory.mktemp("sound")
    write_sound_files(folder, FRAMES)
    return folder


def mutant(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to three faults."""
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, max(len(data), 1)))
        length = int(rng.choice([1, 2, 4, 8, 40, 400]))
        kind = int(rng.integers(0, 7))
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + data[at + length :]
        elif kind == 2:
            data = data[:at] + rng.bytes(length) + data[at + length :]
        elif kind == 3:
            data = data[:at] + data[at : at + length] + data[at:]
        elif kind == 4:
            fault = TEXT_FAULTS[int(rng.integers(0, len(TEXT_FAULTS)))]
            data = data[:at] + fault + data[at + len(fault) :]
        elif kind == 5:
            fault = TEXT_FAULTS[int(rng.integers(0, len(TEXT_FAULTS)))]
            data = data[:at] + fault + data[at:]
        else:
            data = data[:at] + bytes([data[at] ^ (1 << int(rng.integers(0, 8)))]) + data[at + 1 :]
        if not data:
            return data
    return data


def opened(name: str) -> str:
    """The trajectory to which a file belongs."""
    return "run-pos-1.xyz" if name in ("run-1.ener", "run-1.cell") else name


def outcome(path: Path, topology_file: Path) -> Trajectory | str:
    """What reading gives: a trajectory, or the sentence."""
    options = ReadOptions(frame_step_ps=STEP_FS * 1e-3, topology=topology_file)
    try:
        return read_trajectory(path, options)
    except DualionError as error:
        return str(error)


def judge(found: Trajectory | str, label: str) -> None:
    """A sentence is one line; a trajectory is finite and no longer than could be."""
    if isinstance(found, str):
        assert found and "\n" not in found and "Traceback" not in found, label
        assert len(found) < 700, label
    else:
        assert 2 <= found.n_frames <= 3 * FRAMES, label
        assert found.n_atoms == len(SYMBOLS) or "json" in label or "npz" in label, label
        assert np.isfinite(found.fractional).all() and np.isfinite(found.cells).all(), label


def storm(sound: Path, folder: Path, mutants: int, seed: int) -> dict[str, int]:
    """Read mutants of all formats in turn; how many gave frames and how many a sentence."""
    counts = {"frames": 0, "sentence": 0}
    for path in sound.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    for number in range(mutants):
        name = NAMES[number % len(NAMES)]
        whole = (sound / name).read_bytes()
        rng = np.random.default_rng([seed, number])
        (folder / name).write_bytes(mutant(whole, rng))
        label = f"mutant {number} of {name}"
        try:
            found = outcome(folder / opened(name), folder / "start.extxyz")
        except Exception as error:
            raise AssertionError(f"{label}: {type(error).__name__} {error}") from error
        judge(found, label)
        counts["sentence" if isinstance(found, str) else "frames"] += 1
        (folder / name).write_bytes(whole)
    return counts


def test_mutants_of_every_format_give_frames_or_a_sentence(sound: Path, tmp_path: Path) -> None:
    counts = storm(sound, tmp_path, 140, seed=1)
    assert sum(counts.values()) == 140
    assert min(counts.values()) > 20  # the faults are neither all fatal nor all harmless


@pytest.mark.slow
def test_two_thousand_mutants(sound: Path, tmp_path: Path) -> None:
    counts = storm(sound, tmp_path, 2000, seed=2)
    assert sum(counts.values()) == 2000


@pytest.mark.parametrize(
    "name",
    [name for name in NAMES if name not in ("run.npz", "run.json", "run-1.ener", "run-1.cell")],
)
def test_a_cut_gives_the_frames_before_it(sound: Path, tmp_path: Path, name: str) -> None:
    """Wherever the end is missing: a flag and a beginning of the true frames, or a sentence."""
    for path in sound.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    whole = outcome(sound / name, sound / "start.extxyz")
    assert isinstance(whole, Trajectory) and whole.n_frames == FRAMES
    data = (sound / name).read_bytes()
    kept = []
    for share in np.linspace(0.03, 0.995, 40):
        (tmp_path / name).write_bytes(data[: int(share * len(data))])
        found = outcome(tmp_path / name, sound / "start.extxyz")
        judge(found, name)
        if isinstance(found, Trajectory):
            assert "truncated_file" in found.flags or _ends_a_frame(data, int(share * len(data)))
            assert found.n_frames < FRAMES or "truncated_file" in found.flags
            np.testing.assert_allclose(
                found.fractional, whole.fractional[: found.n_frames], atol=1e-12
            )
            kept.append(found.n_frames)
    if name.endswith(".gz"):
        return
    assert kept and kept == sorted(kept) and kept[-1] >= FRAMES - 2


def _ends_a_frame(data: bytes, at: int) -> bool:
    """Whether a cut falls between two lines, where text formats cannot tell it."""
    return data[at - 1 : at] == b"\n" or data[at : at + 1] == b"\n"
