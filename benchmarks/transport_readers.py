"""Time and peak memory of reading 10,000 frames of 400 atoms, beside ASE and pymatgen.

Run: python benchmarks/transport_readers.py. Each reader runs in a process of its own, whose
peak memory the kernel counts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
FRAMES, ATOMS = 10_000, 400
SYMBOLS = ["Li"] * 192 + ["P"] * 32 + ["S"] * 176


def make(folder: Path) -> None:
    """Write one trajectory as XDATCAR and extended XYZ."""
    import numpy as np

    rng = np.random.default_rng(0)
    place = rng.random((ATOMS, 3))
    cell = 20.0
    lattice = "20 0 0 0 20 0 0 0 20"
    with (folder / "XDATCAR").open("w") as vasp, (folder / "run.extxyz").open("w") as xyz:
        vasp.write("made\n1.0\n20 0 0\n0 20 0\n0 0 20\nLi P S\n192 32 176\n")
        for number in range(1, FRAMES + 1):
            place = (place + rng.normal(scale=0.004, size=place.shape)) % 1.0
            vasp.write(f"Direct configuration= {number:6d}\n")
            vasp.writelines(f"{x:.8f} {y:.8f} {z:.8f}\n" for x, y, z in place.tolist())
            head = f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 time={number}'
            xyz.write(f"{ATOMS}\n{head}\n")
            xyz.writelines(
                f"{symbol} {x:.6f} {y:.6f} {z:.6f}\n"
                for symbol, (x, y, z) in zip(SYMBOLS, (place * cell).tolist(), strict=True)
            )


def read(kind: str, path: Path) -> int:
    """Read a file with one reader and return the number of frames."""
    if kind == "dualion":
        from dualion.structures.trajectories import ReadOptions, read_trajectory

        return read_trajectory(path, ReadOptions(frame_step_ps=0.1)).n_frames
    if kind == "dualion analyse":
        from dualion.screening.transport.analysis import analyse
        from dualion.screening.transport.options import AnalysisOptions
        from dualion.structures.trajectories import ReadOptions, read_trajectory

        trajectory = read_trajectory(path, ReadOptions(frame_step_ps=0.1, temperature_k=600.0))
        return analyse(trajectory, AnalysisOptions(with_kinisi=False)).n_frames
    if kind == "ase":
        import ase.io

        style = {"format": "vasp-xdatcar"} if path.name == "XDATCAR" else {}
        return sum(1 for _ in ase.io.iread(path, index=":", **style))
    from pymatgen.io.vasp.outputs import Xdatcar

    return len(Xdatcar(str(path)).structures)


def main() -> None:
    if len(sys.argv) > 2:
        start = time.perf_counter()
        frames = read(sys.argv[1], Path(sys.argv[2]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{time.perf_counter() - start:.1f} s | {peak:.0f} MB | {frames}")
        return
    print(
        f"| reader | file | time | peak memory | frames of {ATOMS} atoms |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        for name, kinds in (
            ("XDATCAR", ("dualion", "dualion analyse", "ase", "pymatgen")),
            ("run.extxyz", ("dualion", "ase")),
        ):
            for kind in kinds:
                command = [sys.executable, __file__, kind, str(Path(folder) / name)]
                done = subprocess.run(command, capture_output=True, text=True, timeout=900)
                result = done.stdout.strip().splitlines()[-1:] or [done.stderr[-200:]]
                print(f"| {kind} | {name} | {result[0]} |", flush=True)


if __name__ == "__main__":
    main()
