"""Is a field weighted by occupancy a fair stand-in for the ordered configurations?

For disordered structures of the bundled set and of OBELiX whose framework is disordered, ordered
configurations are drawn (seeded, capped), and the weighted barrier of Li+ is placed within
their distribution. Only the framework's disorder counts: all Li leaves it.

    python benchmarks/occupancy_weighting.py [--configurations 12] [--structures 24]
"""

from __future__ import annotations

import argparse

import numpy as np
from _inputs import obelix_records, short_id

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import native_barriers
from dualion.screening.ions import MobileIon, mean_charge
from dualion.structures.errors import StructureError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.ordered_configurations import sample_configurations
from dualion.structures.preparation import prepare
from dualion.structures.records import StructureRecord

MOST_SITES = 260
SEED = 20


def disordered_crystals(most: int):
    """(name, crystal) with a disordered framework and at most so many entries."""
    bundled = [r for r in read_structures(reference_paths()) if isinstance(r, StructureRecord)]
    taken = 0
    for record in [*bundled, *obelix_records()]:
        try:
            crystal = prepare(record.structure, cell_kind="experiment")
        except StructureError:
            continue
        framework = crystal.numbers != 3
        if 3 not in crystal.numbers or not (crystal.occupancies[framework] < 0.99).any():
            continue
        if len(crystal.numbers) > MOST_SITES:
            continue
        yield short_id(record.source_id), crystal
        taken += 1
        if taken == most:
            return


def repeats(crystal) -> tuple[int, int, int]:
    """A supercell near 10 Å along each axis, within the cap."""
    counts = np.maximum(1, np.round(10.0 / crystal.lengths_angstrom)).astype(int)
    while counts.prod() * len(crystal.numbers) > 2 * MOST_SITES and counts.max() > 1:
        counts[counts.argmax()] -= 1
    return int(counts[0]), int(counts[1]), int(counts[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--configurations", type=int, default=12)
    parser.add_argument("--structures", type=int, default=24)
    asked = parser.parse_args()
    differences, inside = [], 0
    print(
        f"{'structure':>24} {'E_3D weighted':>13} {'ordered: median':>15} {'10 %':>6} {'90 %':>6} eV"
    )
    for name, crystal in disordered_crystals(asked.structures):
        ion = MobileIon(3, mean_charge(crystal, 3))
        try:
            weighted = native_barriers(crystal, ion, BarrierOptions()).refined_ev[2]
            ordered = [
                native_barriers(drawn.crystal, ion, BarrierOptions()).refined_ev[2]
                for drawn in sample_configurations(
                    crystal, count=asked.configurations, seed=SEED, repeat=repeats(crystal)
                )
            ]
        except StructureError as error:
            print(f"{name:>24} {error.reason}")
            continue
        low, median, high = np.quantile(ordered, [0.1, 0.5, 0.9])
        differences.append(weighted - median)
        inside += bool(low <= weighted <= high)
        print(f"{name:>24} {weighted:13.3f} {median:15.3f} {low:6.3f} {high:6.3f}")
    differences = np.array(differences)
    print(
        f"{len(differences)} structures: weighted − median of ordered: median "
        f"{np.median(differences):+.3f} eV, median size {np.median(np.abs(differences)):.3f} eV; "
        f"inside the 10–90 % range: {inside}"
    )


if __name__ == "__main__":
    main()
