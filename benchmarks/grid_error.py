"""How far are barriers at 0.2 Å from those of a 0.05 Å grid, unrefined and refined?

Random structures of mp_li (seeded), Li+ and every anion. The fine grid's own error is some meV;
where the refined number disagrees with it, a still finer grid tells who is right.

    python benchmarks/grid_error.py --output grid_error.jsonl [--count 200] [--seed 5]
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
from _inputs import sample_rows, short_id

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.field import bvse_field, framework_of
from dualion.screening.bvse.grid import grid_shape
from dualion.screening.ions import MobileIon, anions_of
from dualion.screening.percolation.refinement import PASS_WINDOW_EV, refine
from dualion.screening.percolation.thresholds import percolation
from dualion.structures.errors import StructureError
from dualion.structures.files import parse_entry
from dualion.structures.preparation import prepare

CUTOFF = BarrierOptions().potential.cutoff_angstrom
MOST_FINE_POINTS = 20_000_000


def measure(crystal, ion) -> dict:
    """Barriers and times of one ion on both grids."""
    framework = framework_of(crystal, ion, BarrierOptions().potential)
    coarse, fine = (grid_shape(crystal.cell, spacing) for spacing in (0.2, 0.05))
    if math.prod(fine) > MOST_FINE_POINTS:
        raise ValueError("the fine grid does not fit")
    plain_s, refined_s = [], []
    for _ in range(3):
        start = time.perf_counter()
        energies = bvse_field(framework, coarse, cutoff_angstrom=CUTOFF)
        field_end = time.perf_counter()
        percolation(energies)
        plain_end = time.perf_counter()
        followed = percolation(energies, beyond_ev=PASS_WINDOW_EV)
        refined = refine(framework, energies, followed, cutoff_angstrom=CUTOFF)
        end = time.perf_counter()
        plain_s.append(plain_end - start)
        refined_s.append(field_end - start + end - plain_end)
    exact = percolation(bvse_field(framework, fine, cutoff_angstrom=CUTOFF))
    return {
        "grid": followed.barriers_ev,
        "refined": refined.barriers_ev,
        "fine": exact.barriers_ev,
        "converged": refined.converged,
        "plain_s": min(plain_s),
        "refined_s": min(refined_s),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    with asked.output.open("a") as handle:
        for entry in sample_rows("mp_li.jsonl.gz", asked.count, seed=asked.seed):
            try:
                crystal = prepare(parse_entry(entry).structure)
            except StructureError:
                continue
            for ion in [MobileIon(3, 1.0), *anions_of(crystal)]:
                try:
                    row = measure(crystal, ion)
                except (StructureError, ValueError):
                    continue
                handle.write(
                    json.dumps({"name": short_id(entry.source_id), "ion": str(ion)} | row) + "\n"
                )
                handle.flush()
    summarise(asked.output)


def summarise(path: Path) -> None:
    """Print errors against the fine grid and the cost of refinement."""
    rows = [json.loads(line) for line in path.open()]
    fine = np.array([r["fine"] for r in rows])
    print(
        f"{len({r['name'] for r in rows})} structures, {len(rows)} ions, {np.isfinite(fine).sum()} finite barriers"
    )
    for name in ("grid", "refined"):
        error = np.abs(np.array([r[name] for r in rows]) - fine)
        for label, chosen in (
            ("all", np.isfinite(error)),
            ("below 3 eV", np.isfinite(error) & (fine < 3.0)),
        ):
            e = error[chosen]
            print(
                f"{name:>8}, {label:>10}: median {np.median(e):.4f}, 95 % {np.quantile(e, 0.95):.4f}, "
                f"largest {e.max():.4f} eV; within 5 meV: {100 * (e < 0.005).mean():.1f} %"
            )
    ratio = sum(r["refined_s"] for r in rows) / sum(r["plain_s"] for r in rows)
    print(f"time with refinement over without: {ratio:.2f}")


if __name__ == "__main__":
    main()
