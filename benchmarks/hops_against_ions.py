"""Vacancy hops of Li+ beside those of ``ions`` 0.5.1: the same hops, the same barriers?

For LiFePO4 of the bundled set and ten seeded structures of the Materials Project rows, every
distinct hop of ``vacancy_hops`` (conventions ``bvlain``, lattice at rest) is computed by the peer: its
cell with one site emptied, its bond valence calculator, ASE's climbing-image elastic band with nine
images, all other ions at rest. Twice: with the peer's own forces, and with forces that are the
gradient of its energies (central differences). Its list of distinct hops is compared up to the
length of ours.

    pip install ions==0.5.1
    python hops_against_ions.py ROWS.jsonl.gz [--count 10] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import warnings
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.data import chemical_symbols
from ase.mep import NEB
from ase.optimize import BFGS, FIRE
from ions.calculators.bvse_calculator import BVSECalculator
from ions.decorate import assign_bvse_params
from ions.edge import Edge
from ions.percolator import Percolator

from dualion.screening.bvse.potential import PRESETS
from dualion.screening.hops.vacancy import VacancyHops, vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.entry import prepare_entry
from dualion.structures.errors import StructureError
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.records import RawEntry

LITHIUM = MobileIon(3, 1.0)
IMAGES, LARGEST_FORCE, MOST_STEPS = 9, 0.01, 300
MOST_ATOMS, MOST_HOPS, HIGHEST_EV = 40, 12, 4.0
STEP_ANGSTROM = 1e-3


class GradientCalculator(BVSECalculator):  # type: ignore[misc]
    """The peer's energies, with forces that are their gradient."""

    def calculate(self, atoms=None, properties=None, system_changes=None):  # type: ignore[no-untyped-def]
        """Compute the energy, and the force on the mobile ion by central differences."""
        moving = self.sites[0]
        forces = np.zeros((len(atoms), 3))
        for axis in range(3):
            ends = []
            for step in (STEP_ANGSTROM, -STEP_ANGSTROM):
                moved = atoms.copy()
                moved.positions[moving, axis] += step
                super().calculate(moved, properties, system_changes)
                ends.append(self.results["energy"])
            forces[moving, axis] = (ends[1] - ends[0]) / (2 * STEP_ANGSTROM)
        super().calculate(atoms, properties, system_changes)
        self.results["forces"] = forces


def main() -> None:
    """Print a line a hop, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    differences: dict[str, list[float]] = {"own forces": [], "gradient": []}
    (olivine,) = iter_raw_entries([p for p in reference_paths() if p.stem == "LiFePO4"])
    entries = [e for e in iter_raw_entries([arguments.rows]) if isinstance(e, RawEntry)]
    random.Random(arguments.seed).shuffle(entries)
    done = -1
    for entry in [olivine, *entries]:
        if done == arguments.count or not isinstance(entry, RawEntry):
            break
        done += _compared(entry, differences)
    for name, values in differences.items():
        near = np.abs(np.array(values))
        print(
            f"{name}: {len(near)} hops, {np.mean(near <= 0.05):.0%} within 0.05 eV, median "
            f"{np.median(near):.3f}, largest {near.max():.3f} eV"
        )


def _compared(entry: RawEntry, differences: dict[str, list[float]]) -> bool:
    """Compare one structure; False where one of the two cannot do it."""
    try:
        crystal = prepare_entry(entry).crystal
        if crystal.is_disordered or len(crystal.numbers) > MOST_ATOMS:
            return False
        found = vacancy_hops(crystal, LITHIUM, PRESETS["bvlain"])
        if len(found.hops.chosen) > MOST_HOPS:
            return False
        atoms = Atoms(numbers=crystal.numbers, cell=crystal.cell, scaled_positions=crystal.frac,
                      pbc=True)  # fmt: skip
        atoms.set_array("oxi_states", crystal.charges.copy())
        assign_bvse_params(atoms, "Li", 1)
    except (StructureError, KeyError):
        return False
    sites = [i for i, z in enumerate(crystal.numbers) if z == LITHIUM.number]
    print(f"{entry.source_id} {atoms.get_chemical_formula()}: E 1D-3D by our hops "
          f"{np.round(found.rigid.barriers_ev, 3)}; {_hop_counts(atoms, found)}")  # fmt: skip
    for kind, hop in enumerate(found.hops.chosen):
        ours = float(found.energies.rises_ev(relaxing=False)[kind, 0])
        if not np.isfinite(ours) or ours > HIGHEST_EV:
            continue
        edge = Edge(atoms, sites[found.hops.near[hop]], sites[found.hops.far[hop]],
                    found.hops.cells[hop])  # fmt: skip
        theirs = {
            "own forces": _peer_barrier(edge, BVSECalculator),
            "gradient": _peer_barrier(edge, GradientCalculator),
        }
        for name, value in theirs.items():
            differences[name].append(value - ours)
        length = found.hops.lengths_angstrom[hop]
        told = ", ".join(f"{name} {value:.3f}" for name, value in theirs.items())
        print(f"  {length:.3f} Å: ours {ours:.3f}; theirs {told} eV", flush=True)
    return True


def _hop_counts(atoms: Atoms, found: VacancyHops) -> str:
    """How many distinct hops both have up to the length of our longest."""
    longest = float(found.hops.lengths_angstrom.max()) + 1e-3
    peer = Percolator(atoms, mobile_specie="Li", upper_bound=longest)
    peer._collect_edges()
    peer._annotate_edges()
    edges, _ = peer._filter_edges(longest, 0.0)
    unique, *_ = peer._inequivalent_edges(edges)
    return f"{len(found.hops.chosen)} distinct hops of ours, {len(unique)} pairs of theirs"


def _peer_barrier(edge: Edge, kind: type[BVSECalculator]) -> float:
    images = edge.superedge(12.0).interpolate(n_images=IMAGES, center=True)
    moving = int(np.flatnonzero(images[0].arrays["moving"])[0])
    for image in images:
        image.set_constraint(FixAtoms([i for i in range(len(image)) if i != moving]))
        image.calc = kind(sites=[moving])
    for end in (images[0], images[-1]):
        BFGS(end, logfile=None).run(fmax=LARGEST_FORCE, steps=MOST_STEPS)
    band = NEB(images, climb=True, k=1.0)
    FIRE(band, logfile=None).run(fmax=LARGEST_FORCE, steps=MOST_STEPS)
    energies = [image.get_potential_energy() for image in images]
    return float(max(energies) - energies[0])


if __name__ == "__main__":
    assert chemical_symbols[LITHIUM.number] == "Li"
    main()
