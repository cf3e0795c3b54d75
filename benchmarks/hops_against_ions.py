"""Vacancy hops of Li+ beside those of ``ions`` 0.5.1: the same hops, the same barriers?

For LiFePO4 of the bundled set and seeded structures of the Materials Project rows, every
distinct hop of ``vacancy_hops`` (conventions ``bvlain``, lattice at rest) is computed by the peer: its
cell with one site emptied, its bond valence calculator, ASE's climbing-image elastic band with nine
images, all other ions at rest. Twice: with the peer's own forces, and with forces that are the
gradient of its energies (central differences). A hop on which the latter disagrees is computed once
more from a start that goes through our saddle. Its list of distinct hops is compared up to the
length of ours.

    pip install ions==0.5.1
    python hops_against_ions.py ROWS.jsonl.gz CACHE.jsonl [--count 10] [--seed 1]

What stands in the cache is not computed again.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _peer_hops import (
    LITHIUM,
    JsonLines,
    hop_counts,
    own_edges,
    plain_atoms,
    shuffled_rows,
)
from ase import Atoms
from ase.constraints import FixAtoms
from ase.data import covalent_radii
from ase.mep import NEB
from ase.optimize import FIRE
from ions.calculators.bvse_calculator import BVSECalculator
from ions.calculators.potential import BVFF
from ions.data import principle_number
from ions.decorate import assign_bvse_params
from ions.edge import Edge
from numpy.typing import NDArray

from dualion.screening.bvse.potential import PRESETS
from dualion.screening.hops.vacancy import VacancyHops, vacancy_hops
from dualion.structures.entry import prepare_entry
from dualion.structures.errors import StructureError
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.records import RawEntry

IMAGES, LARGEST_FORCE, MOST_STEPS = 9, 0.01, 300
MOST_ATOMS, MOST_HOPS, HIGHEST_EV = 40, 12, 4.0
STEP_ANGSTROM = 1e-3
AGREE_EV = 0.05


class GradientCalculator(BVSECalculator):  # type: ignore[misc]
    """The peer's energies, with forces that are their gradient."""

    def calculate(self, atoms=None, properties=None, system_changes=None):  # type: ignore[no-untyped-def]
        """Compute the energy, and the force on the mobile ion by central differences over distances."""
        super().calculate(atoms, properties, system_changes)
        moving = self.sites[0]
        neighbors, offsets = self.nl.get_neighbors(moving)
        ways = self.atoms.positions[neighbors] + offsets @ self.atoms.cell
        ways -= self.atoms.positions[moving]
        distances = np.linalg.norm(ways, axis=1)
        longer, shorter = (
            self._pair_energies(neighbors, distances + step)
            for step in (STEP_ANGSTROM, -STEP_ANGSTROM)
        )
        slopes = (longer - shorter) / (2 * STEP_ANGSTROM)
        self.results["forces"] = np.zeros((len(self.atoms), 3))
        self.results["forces"][moving] = (slopes / distances) @ ways

    def _pair_energies(self, neighbors, distances):  # type: ignore[no-untyped-def]
        """Pair energies of the mobile ion, term by term as ``BVSECalculator`` has them, eV."""
        moving, arrays = self.sites[0], self.atoms.arrays
        own, number = arrays["oxi_states"][moving], self.atoms.numbers[moving]
        charges = arrays["oxi_states"][neighbors]
        charges = np.where(charges * own < 0.0, 0, charges)
        names = ("r_min", "d0", "alpha", "mask", "rc2", "n2")
        r_min, d0, alpha, mask, radii, numbers = (arrays[name][neighbors] for name in names)
        morse = BVFF.Morse(distances, r_min, d0, alpha)
        coulomb = BVFF.Coulomb(
            own, charges, distances, covalent_radii[number], radii, principle_number[number],
            numbers, f=self.f,
        )  # fmt: skip
        return morse + mask * coulomb


def main() -> None:
    """Compute what the cache lacks; print a line a hop, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    cache = JsonLines(arguments.cache)
    (olivine,) = iter_raw_entries([p for p in reference_paths() if p.stem == "LiFePO4"])
    vacancy_hops(prepare_entry(olivine).crystal, LITHIUM)  # compiles the kernels
    done = 0
    for entry in [olivine, *shuffled_rows(arguments.rows, arguments.seed)]:
        if done == arguments.count:
            break
        if isinstance(entry, RawEntry):
            done += _compared(entry, cache)
    _summarise([one for one in cache if "ours_ev" in one])


def _compared(entry: RawEntry, cache: JsonLines) -> bool:
    """Compare one structure; False where one of the two cannot do it."""
    try:
        crystal = prepare_entry(entry).crystal
        if crystal.is_disordered or len(crystal.numbers) > MOST_ATOMS:
            return False
        began = time.perf_counter()
        found = vacancy_hops(crystal, LITHIUM, PRESETS["bvlain"])
        seconds = time.perf_counter() - began
        if len(found.hops.chosen) > MOST_HOPS:
            return False
        atoms = plain_atoms(crystal)
        atoms.set_array("oxi_states", crystal.charges.copy())
        assign_bvse_params(atoms, "Li", 1)
    except (StructureError, KeyError):
        return False
    ours = own_edges(crystal, found.hops)
    name = atoms.get_chemical_formula()
    print(f"{entry.source_id} {name}: E 1D-3D by our hops "
          f"{np.round(found.rigid.barriers_ev, 3)} in {seconds:.2f} s; {hop_counts(crystal, found.hops)}")  # fmt: skip
    for kind in range(len(ours)):
        _tell(_hop(entry.source_id, atoms, found, ours[kind], kind, cache))
    return True


def _hop(
    source_id: str,
    atoms: Atoms,
    found: VacancyHops,
    edge: NDArray[np.int64],
    kind: int,
    cache: JsonLines,
) -> dict[str, Any]:
    """Compute one hop by the peer, or take it from the cache."""
    key = f"{source_id} hop {kind}"
    if key in cache:
        return cache[key]
    ours = float(found.energies.rises_ev(relaxing=False)[kind, 0])
    record: dict[str, Any] = {"length": float(found.hops.lengths_angstrom[found.hops.chosen[kind]])}
    if np.isfinite(ours) and ours <= HIGHEST_EV:
        one = Edge(atoms, edge[0], edge[1], edge[2:])
        began = time.perf_counter()
        own = _peer_barrier(one, BVSECalculator)
        seconds = time.perf_counter() - began
        theirs = _peer_barrier(one, GradientCalculator)
        record |= {"ours_ev": ours, "own_forces": own, "gradient": theirs, "seconds": seconds}
        if abs(theirs["ev"] - ours) > AGREE_EV:
            saddle = found.energies.saddles_frac[kind] @ np.array(atoms.cell)
            record["through_our_saddle"] = _peer_barrier(one, GradientCalculator, via=saddle)
    cache.add(key, record)
    return cache[key]


def _tell(one: dict[str, Any]) -> None:
    if "ours_ev" not in one:
        return
    parts = [
        f"{name.replace('_', ' ')} {one[name]['ev']:.3f} (ends moved {one[name]['ends']:.2f} Å, "
        f"force {one[name]['force']:.3f})"
        for name in ("own_forces", "gradient", "through_our_saddle")
        if name in one
    ]
    print(f"  {one['length']:.3f} Å: ours {one['ours_ev']:.3f}; {', '.join(parts)}", flush=True)


def _summarise(hops: list[dict[str, Any]]) -> None:
    for name in ("own_forces", "gradient"):
        apart = np.array([abs(one[name]["ev"] - one["ours_ev"]) for one in hops])
        print(f"{name}: {len(apart)} hops, {np.sum(apart <= AGREE_EV)} within {AGREE_EV} eV, "
              f"median {np.median(apart):.3f}, largest {apart.max():.3f} eV")  # fmt: skip
    print(f"{sum(one['seconds'] for one in hops):.0f} s of the peer with its own forces")


def _peer_barrier(
    edge: Edge, kind: type[BVSECalculator], via: NDArray[np.float64] | None = None
) -> dict[str, float]:
    """Barrier by the peer's images and calculator; ``via`` bends the start through a place, Å."""
    large = edge.superedge(12.0)
    images = large.interpolate(n_images=IMAGES, center=True)
    moving = int(np.flatnonzero(images[0].arrays["moving"])[0])
    for number, image in enumerate(images):
        if via is not None:
            share = number / (IMAGES - 1)
            image.positions[moving] += 4.0 * share * (1.0 - share) * (via - edge.centroid)
        image.set_constraint(FixAtoms([i for i in range(len(image)) if i != moving]))
        image.calc = kind(sites=[moving])
    shifts = []
    for end in (images[0], images[-1]):
        start = end.positions[moving].copy()
        FIRE(end, logfile=None).run(fmax=LARGEST_FORCE, steps=MOST_STEPS)
        shifts.append(float(np.linalg.norm(end.positions[moving] - start)))
    band = NEB(images, climb=True, k=1.0)
    FIRE(band, logfile=None).run(fmax=LARGEST_FORCE, steps=MOST_STEPS)
    energies = [image.get_potential_energy() for image in images]
    force = np.linalg.norm(band.get_forces().reshape(-1, 3), axis=1).max()
    return {
        "ev": float(max(energies) - energies[0]),
        "ends": max(shifts),
        "force": float(force),
    }


if __name__ == "__main__":
    main()
