"""Pieces of the published argyrodite runs: recognised in any order, refused with one missing; D.

    python benchmarks/transport_pieces.py FOLDER [orders]

FOLDER holds the XDATCARs of github.com/bjmorgan/data_argyrodite_disorder (MIT; Morgan, Chem. Mater.
2021, 10.1021/acs.chemmater.0c03738) as NAME_runN_actual_XDATCAR.gz, frames 0.1 ps apart, 500 K.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.errors import InputError
from dualion.structures.trajectories import ReadOptions
from dualion.structures.trajectories.pieces.runs import Run, read_runs

READING = ReadOptions(frame_step_ps=0.1, temperature_k=500.0)
QUICK = AnalysisOptions(with_structure=False, with_density=False, with_kinisi=False)


def pieces_by_name(folder: Path) -> dict[str, list[Path]]:
    """Files of each composition in the order of their numbers."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.glob("*_run*_actual_XDATCAR.gz"):
        name, number = re.fullmatch(r"(.+)_run(\d+)_actual_XDATCAR\.gz", path.name).groups()
        found.setdefault(name, []).append((int(number), path))
    return {name: [path for _, path in sorted(files)] for name, files in sorted(found.items())}


def joined(paths: list[Path]) -> Run | None:
    """The one run of these files; None where they are refused or several."""
    try:
        runs = list(read_runs(paths, READING))
    except InputError:
        return None
    return runs[0] if len(runs) == 1 and len(paths) > 1 else None


def main() -> None:
    folder, orders = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    rng = np.random.default_rng(0)
    print("| run | pieces | ps | orders recognised | one missing, refused | D of Li (cm²/s) | |")
    print("|---|---|---|---|---|---|---|")
    for name, paths in pieces_by_name(folder).items():
        try:
            list(read_runs(paths, READING))
        except InputError as error:
            print(f"{name}: {error}", file=sys.stderr)
            abandoned = re.match(r"\S+", str(error)).group()
            paths = [path for path in paths if path.name != abandoned]
        right = 0
        for _ in range(orders):
            run = joined([paths[i] for i in rng.permutation(len(paths))])
            right += run is not None and list(run.sources) == paths
        inner = range(1, len(paths) - 1)
        refused = sum(joined(paths[:gap] + paths[gap + 1 :]) is None for gap in inner)
        run = joined(paths)
        assert run is not None
        d = analyse(run.trajectory, QUICK).species[0].diffusion
        print(
            f"| {name} | {len(paths)} | {run.trajectory.duration_ps:.1f} | {right} of {orders} | "
            f"{refused} of {len(inner)} | {d.d_cm2_s:.3g} ± {d.error_cm2_s:.1g} "
            f"({d.low_cm2_s:.3g} … {d.high_cm2_s:.3g}) | {d.verdict} {', '.join(d.flags)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
