"""Time of vacancy hops with CHGNet beside ASE's NEB run plainly, and whether barriers agree.

    python benchmarks/neb_speed.py NaCl LiCl

Each hop is computed from the same relaxed host, in the same supercell, with the same number of
images and force limits:

- ours: one vacancy relaxed (and shaken) for both ends, a path through the bond valence saddle, all
  images in one call;
- plain: CHGNet's own ASE calculator for each image, both ends relaxed, a straight path, FIRE;
- same start: the plain way from our start, to compare barriers where a straight path keeps to
  a higher saddle of more symmetry.

Times are of the processor, one thread, after a first call.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings

import torch
from ase import Atoms
from ase.mep import NEB
from ase.optimize import BFGS, FIRE
from chgnet.model.dynamics import CHGNetCalculator

from dualion.screening.hops.vacancy import vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.symmetry import primitive_crystal
from dualion.workflows.doping.relaxation import relax
from dualion.workflows.md.plan.selection import select_file
from dualion.workflows.neb.cell import HopCell, hop_cell
from dualion.workflows.neb.forces import Potential, make_potential
from dualion.workflows.neb.hop_barriers import HopCalculation
from dualion.workflows.neb.images import start_images
from dualion.workflows.neb.run import NebOptions

OPTIONS = NebOptions()


def ours(
    host: IonicCrystal, ion: MobileIon, cell: HopCell, potential: Potential
) -> tuple[float, float, HopCalculation]:
    """Barrier, eV, and processor time, s, of the first hop."""
    found = vacancy_hops(host, ion)
    began = time.process_time()
    calculation = HopCalculation(
        cell, found.hops, potential, OPTIONS.band, saddles_frac=found.energies.saddles_frac
    )
    barrier = calculation.barrier(0)
    return max(barrier.rises_ev), time.process_time() - began, calculation


def plain(images: list[Atoms], *, relax_ends: bool) -> tuple[float, float, int]:
    """Barrier, eV, processor time, s, and steps of ASE's NEB with CHGNet's own calculator."""
    began = time.process_time()
    model = CHGNetCalculator(use_device="cpu", on_isolated_atoms="ignore").model
    for image in images:
        image.calc = CHGNetCalculator(model, use_device="cpu", on_isolated_atoms="ignore")
    if relax_ends:
        for end in (images[0], images[-1]):
            BFGS(end, logfile=None).run(fmax=OPTIONS.band.end_force_ev_angstrom, steps=200)
        begin, end = images[0].positions, images[-1].positions
        for number, image in enumerate(images):
            image.positions = begin + (end - begin) * number / (len(images) - 1)
    band = NEB(images, climb=True, method="improvedtangent")
    optimizer = FIRE(band, logfile=None)
    optimizer.run(fmax=OPTIONS.band.force_ev_angstrom, steps=200)
    energies = [image.get_potential_energy() for image in images]
    barrier = float(max(energies) - energies[0])
    return barrier, time.process_time() - began, optimizer.nsteps


def unrelaxed(calculation: HopCalculation, count: int) -> list[Atoms]:
    """The images of a hop in the lattice at rest."""
    for end in calculation.ends.values():
        end.displacements_angstrom[:] = 0.0
    first, last, mover, _ = calculation.end_images(0)
    return start_images(first, last, mover, count, first.positions[mover] * 0.5
                        + last.positions[mover] * 0.5)  # fmt: skip


def main() -> None:
    """Compute the hops and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("structures", nargs="*", default=["NaCl", "LiCl"])
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    potential = make_potential("chgnet", device="cpu")
    for name in parser.parse_args().structures:
        selected = select_file(name, cation="", anion="")
        unit = primitive_crystal(selected.crystal)
        host = relax(unit, potential.calculator, OPTIONS.relaxation).crystal
        limits = {
            "smallest_width_angstrom": OPTIONS.smallest_width_angstrom,
            "most_atoms": OPTIONS.most_atoms,
            "least_atoms": OPTIONS.least_atoms,
        }
        for ion in (MobileIon.parse(selected.cation), MobileIon.parse(selected.anion)):
            compare(name, host, ion, hop_cell(host, ion, **limits), potential)


def compare(
    name: str, host: IonicCrystal, ion: MobileIon, cell: HopCell, potential: Potential
) -> None:
    """Compute one hop in the three ways and print them."""
    barrier, seconds, calculation = ours(host, ion, cell, potential)
    first, last, mover, saddle = calculation.end_images(0)
    same = start_images(first, last, mover, OPTIONS.band.images, saddle)
    same_barrier, _, same_steps = plain(same, relax_ends=False)
    straight, plain_seconds, steps = plain(
        unrelaxed(calculation, OPTIONS.band.images), relax_ends=True
    )
    print(
        json.dumps(
            {
                "structure": name,
                "ion": str(ion),
                "atoms": len(cell.large.numbers),
                "ours_ev": round(barrier, 4),
                "ours_s": round(seconds, 1),
                "plain_ev": round(straight, 4),
                "plain_s": round(plain_seconds, 1),
                "plain_steps": steps,
                "same_start_ev": round(same_barrier, 4),
                "same_start_steps": same_steps,
                "times_faster": round(plain_seconds / seconds, 2),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
