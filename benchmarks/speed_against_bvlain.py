"""How much faster than bvlain, on one core, in the same run?

30 structures of OBELiX and mp_li with 5 to 110 atoms (seeded), Li+ and every anion, 0.2 Å, from
a prepared structure to three barriers, JIT warm, each engine on its own default grid. The
process binds itself to one core first, since bvlain's k-d tree query would take them all.

    python benchmarks/speed_against_bvlain.py [--count 30] [--seed 11] [--repeat 5]
"""

from __future__ import annotations

import argparse
import math
import os
import random
import resource
import time

os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

from _inputs import obelix_records, peer_prepared, sample_rows, short_id

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import native_barriers
from dualion.screening.bvse.bvlain_engine import bvlain_barriers
from dualion.screening.bvse.field import bvse_field, framework_of
from dualion.screening.bvse.grid import grid_shape
from dualion.screening.ions import MobileIon, anions_of
from dualion.structures.errors import StructureError
from dualion.structures.files import parse_entry

FEWEST, MOST = 5, 110


def cases(count: int, seed: int):
    """Half from OBELiX's ordered structures, half from mp_li; only what bvlain can do."""
    obelix = [
        (short_id(r.source_id), r.structure) for r in obelix_records() if r.structure.is_ordered
    ]
    random.Random(seed).shuffle(obelix)
    rows = (
        (short_id(e.source_id), parse_entry(e).structure)
        for e in sample_rows("mp_li.jsonl.gz", 400, seed=seed)
    )
    for pool, wanted in ((iter(obelix), count // 2), (rows, count - count // 2)):
        taken = 0
        while taken < wanted:
            name, structure = next(pool)
            if not FEWEST <= len(structure) <= MOST:
                continue
            try:
                _, crystal = peer_prepared(structure)
                ions = [MobileIon(3, 1.0), *anions_of(crystal)]
                for ion in ions:
                    framework_of(crystal, ion, BarrierOptions().potential)
            except (ValueError, StructureError):
                continue
            yield name, crystal, ions
            taken += 1


def best_of(repeat: int, function) -> float:
    """Shortest of some runs, s."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    options = BarrierOptions()
    ratios, native_total, field_total = [], 0.0, 0.0
    print(
        f"{'structure':>16} {'ion':>5} {'atoms':>5} {'bvlain/s':>9} {'native/ms':>9} {'field/ms':>8} {'ratio':>6}"
    )
    for name, crystal, ions in cases(asked.count, asked.seed):
        for ion in ions:
            try:
                peer = best_of(2, lambda: bvlain_barriers(crystal, ion, options))
            except StructureError:
                continue
            native_barriers(crystal, ion, options)  # tables of new pairs, compilation
            ours = best_of(asked.repeat, lambda: native_barriers(crystal, ion, options))
            framework, shape = (
                framework_of(crystal, ion, options.potential),
                grid_shape(crystal.cell, 0.2),
            )
            field = best_of(
                asked.repeat, lambda: bvse_field(framework, shape, cutoff_angstrom=10.0)
            )
            ratios.append(peer / ours)
            native_total, field_total = native_total + ours, field_total + field
            print(
                f"{name:>16} {ion!s:>5} {len(crystal.numbers):>5} {peer:>9.2f} {ours * 1e3:>9.2f} {field * 1e3:>8.2f} {peer / ours:>6.0f}"
            )
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(
        f"{len(ratios)} ions: geometric mean {mean:.0f} times, {min(ratios):.0f} to {max(ratios):.0f}"
    )
    print(
        f"native: {native_total:.3f} s in all, {100 * field_total / native_total:.0f} % of it the field"
    )
    print(
        f"peak memory of this process (with bvlain): {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
