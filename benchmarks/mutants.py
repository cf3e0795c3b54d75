"""Spoilt files: none may end in a traceback, and what goes in comes out, one row each.

Sound files are changed at random (bytes flipped, cut, doubled; numbers made absurd; lines moved;
line ends changed) and read. ``python benchmarks/mutants.py structures --count 2000 --seed 1``, or
``trajectories``. A kind of files is a set of sound ones and a function that reads one; see ``KINDS``.
"""

from __future__ import annotations

import argparse
import collections
import io
import json
import random
import re
import resource
import signal
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dualion.structures.errors import DualionError, StructureError
from dualion.structures.files import count_entries, read_structures, reference_paths
from dualion.structures.preparation import prepare
from dualion.structures.records import Rejection, cell_kind_of
from dualion.structures.trajectories import ReadOptions, read_trajectory

FRAMES = 12
FRAME_PS = 0.002
MOST_S = 10
MOST_BYTES = 8 << 30
ABSURD = (
    b"nan", b"inf", b"-1", b"0", b"1e999", b"****", b"99999999999999999999", b"", b"1e-300",
    b"0.333", b"x", b"\xff\xfe", b"'", b'"', b";", b"{", b"[]", b"null", b"?", b".", b"\xe9",
    b"\\ud800",
)  # fmt: skip
NUMBER = re.compile(rb"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Files of one kind.

    Attributes:
        seeds: makes the sound files, name to content; they lie in one folder.
        read: reads one file of the folder and gives a word for each outcome; raises whatever is a
            fault.
    """

    seeds: Callable[[], Mapping[str, bytes]]
    read: Callable[[Path], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A mutant that was not read as it must be.

    Attributes:
        name: name of the sound file.
        number: which mutant, so that the seed gives it again.
        what: the traceback, or what is wrong with the count.
    """

    name: str
    number: int
    what: str


def mutate(data: bytes, numbers: random.Random) -> bytes:
    """A file with one to four faults."""
    for _ in range(numbers.choice((1, 1, 1, 2, 4))):
        if data:
            data = numbers.choice(MUTATIONS)(data, numbers)
    return data


def _flip(data: bytes, numbers: random.Random) -> bytes:
    at = numbers.randrange(len(data))
    return data[:at] + bytes([numbers.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, numbers: random.Random) -> bytes:
    return data[: numbers.randrange(len(data))]


def _remove(data: bytes, numbers: random.Random) -> bytes:
    at, size = numbers.randrange(len(data)), numbers.randint(1, 40)
    return data[:at] + data[at + size :]


def _double(data: bytes, numbers: random.Random) -> bytes:
    at, size = numbers.randrange(len(data)), numbers.randint(1, 400)
    return data[: at + size] + data[at:]


def _insert(data: bytes, numbers: random.Random) -> bytes:
    at = numbers.randrange(len(data))
    noise = numbers.choice((*ABSURD, numbers.randbytes(numbers.randint(1, 12)), b"\0", b"\n"))
    return data[:at] + noise + data[at:]


def _absurd_number(data: bytes, numbers: random.Random) -> bytes:
    found = list(NUMBER.finditer(data))
    if not found:
        return _insert(data, numbers)
    match = numbers.choice(found)
    return data[: match.start()] + numbers.choice(ABSURD) + data[match.end() :]


def _swap_lines(data: bytes, numbers: random.Random) -> bytes:
    lines = data.split(b"\n")
    one, two = numbers.randrange(len(lines)), numbers.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


def _drop_line(data: bytes, numbers: random.Random) -> bytes:
    lines = data.split(b"\n")
    del lines[numbers.randrange(len(lines))]
    return b"\n".join(lines)


def _line_ends(data: bytes, numbers: random.Random) -> bytes:
    return data.replace(b"\n", numbers.choice((b"\r\n", b"\r", b"\r\r\n", b"\n\n", b" \n")))


MUTATIONS = (
    _flip, _cut, _remove, _double, _insert, _absurd_number, _absurd_number, _swap_lines,
    _drop_line, _line_ends,
)  # fmt: skip


def structure_seeds() -> dict[str, bytes]:
    """Small sound files of every format, plain and packed."""
    small = sorted(reference_paths(), key=lambda path: path.stat().st_size)[:6]
    cifs = {path.name: path.read_bytes() for path in small}
    records = [item for item in read_structures(small) if not isinstance(item, Rejection)]
    ordered = next(item.structure for item in records if item.structure.is_ordered)
    ordered.remove_oxidation_states()
    rows = [{"id": item.source_id, "structure": item.structure.as_dict()} for item in records]
    lines = "\n".join(json.dumps(row) for row in rows)
    frames = io.StringIO()
    ordered.to_ase_atoms().write(frames, format="extxyz")
    seeds = {
        **cifs,
        "many.cif": b"\n".join(cifs.values()),
        "POSCAR": ordered.to(fmt="poscar").encode(),
        "x.extxyz": frames.getvalue().encode() * 3,
        "x.json": json.dumps({row["id"]: row["structure"] for row in rows}).encode(),
        "x.jsonl": lines.encode(),
    }
    plain = {name: data for name, data in seeds.items() if name in ("POSCAR", small[0].name)}
    return {**seeds, "x.zip": _zipped(plain), "x.tar": _tarred(plain, "w"),
            "x.tar.gz": _tarred(plain, "w:gz")}  # fmt: skip


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _tarred(files: Mapping[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def read_structure_file(path: Path) -> list[str]:
    """Outcome of every structure of a file: ``ok``, or the reason of its row.

    Raises:
        AssertionError: rows are missing, or there are more than entries.
    """
    outcomes = []
    for item in read_structures([path]):
        item.source_id.encode()
        if isinstance(item, Rejection):
            item.message.encode()
            outcomes.append(item.reason)
            continue
        try:
            prepare(item.structure, cell_kind=cell_kind_of(item.metadata))
            outcomes.append("ok")
        except StructureError as error:
            outcomes.append(error.reason)
    counted = count_entries([path])
    assert outcomes, "the file has no row at all"
    assert counted == len(outcomes), f"{counted} entries and {len(outcomes)} rows"
    return outcomes


def trajectory_seeds() -> dict[str, bytes]:
    """The sound trajectories of the tests, of every format, with the tables beside them."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "structures"))
    from trajectory_samples import write_sound_files

    with tempfile.TemporaryDirectory() as folder:
        write_sound_files(Path(folder), FRAMES)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def read_trajectory_file(path: Path) -> list[str]:
    """Outcome of a trajectory: how it was read, or the reason why not.

    A damaged table or topology is met by reading the trajectory that it belongs to.

    Raises:
        AssertionError: frames that cannot be, or more than one line of complaint.
    """
    belongs = {"run-1.ener": "run-pos-1.dcd", "run-1.cell": "run-pos-1.xyz",
               "start.extxyz": "lammps.dcd"}  # fmt: skip
    opened = path.with_name(belongs.get(path.name, path.name))
    options = ReadOptions(frame_step_ps=FRAME_PS, topology=path.with_name("start.extxyz"))
    try:
        found = read_trajectory(opened, options)
    except DualionError as error:
        assert str(error) and "\n" not in str(error), f"not one line: {str(error)!r}"
        return [getattr(error, "reason", "question")]
    assert 2 <= found.n_frames <= 3 * FRAMES, f"{found.n_frames} frames of {FRAMES}"
    assert np.isfinite(found.fractional).all(), "positions that are not finite"
    assert np.isfinite(found.cells).all(), "cells that are not finite"
    return ["cut" if "truncated_file" in found.flags else "ok"]


KINDS = {
    "structures": Kind(seeds=structure_seeds, read=read_structure_file),
    "trajectories": Kind(seeds=trajectory_seeds, read=read_trajectory_file),
}
"""Kinds of files by the word of the command line."""


def run(kind: Kind, count: int, seed: int) -> tuple[collections.Counter[str], list[Fault]]:
    """Read mutants.

    Args:
        kind: what is spoilt.
        count: mutants in all, the same number of every sound file.
        seed: the same seed gives the same mutants.

    Returns:
        How often each outcome came, and the faults.
    """
    outcomes: collections.Counter[str] = collections.Counter()
    faults: list[Fault] = []
    seeds = list(kind.seeds().items())
    with tempfile.TemporaryDirectory() as folder:
        for name, data in seeds:
            (Path(folder) / name).write_bytes(data)
        for number in range(count):
            name, data = seeds[number % len(seeds)]
            path = Path(folder) / name
            path.write_bytes(mutate(data, random.Random(f"{seed} {number}")))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    # numpy warns where damage was computed with as if it were a number
                    warnings.simplefilter("error", RuntimeWarning)
                    outcomes.update(kind.read(path))
            except Exception:  # any of them is what is looked for
                faults.append(Fault(name=name, number=number, what=traceback.format_exc()))
            path.write_bytes(data)
    return outcomes, faults


def bounded(read: Callable[[Path], list[str]]) -> Callable[[Path], list[str]]:
    """A reader for which a small file that takes long or much memory is a fault too."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))

    def stop(*_: object) -> None:
        raise TimeoutError(f"longer than {MOST_S} s")

    signal.signal(signal.SIGALRM, stop)

    def read_in_time(path: Path) -> list[str]:
        signal.alarm(MOST_S)
        try:
            return read(path)
        finally:
            signal.alarm(0)

    return read_in_time


def main() -> int:
    """Print the outcomes; 1 where there were faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    start = time.perf_counter()
    kind = KINDS[chosen.kind]
    kind = replace(kind, read=bounded(kind.read))
    outcomes, faults = run(kind, chosen.count, chosen.seed)
    print(f"{chosen.count} mutants, seed {chosen.seed}: {time.perf_counter() - start:.0f} s")
    for outcome, times in outcomes.most_common():
        print(f"{times:7d}  {outcome}")
    print(f"{len(faults)} faults")
    for fault in faults[:20]:
        print(f"--- mutant {fault.number} of {fault.name}\n{fault.what}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
