"""A hop in an alloy that costs nothing, and a program that leaves VASP's files behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write

from dualion.screening.ions import MobileIon
from dualion.workflows.neb.handover.hop_images import HopImages, images_of

GOLD = MobileIon(79, 1.0)
INNER = 3


def alloy_images() -> list[Atoms]:
    """Gold hops into a vacancy of ordered CuAu; both elements alternate in the list of atoms."""
    perfect = bulk("Cu", "fcc", a=3.9, cubic=True).repeat(2)
    perfect.numbers[::2] = 79
    gold = np.flatnonzero(perfect.numbers == 79)
    mover, gone = gold[0], gold[1]
    way = perfect.positions[gone] - perfect.positions[mover]
    images = []
    for share in np.linspace(0.0, 1.0, INNER + 2):
        image = perfect.copy()
        image.positions[mover] += share * way
        image.positions[mover, 2] += 0.3 * np.sin(np.pi * share)  # a curved way
        del image[gone]
        images.append(image)
    return images


def alloy_hop() -> HopImages:
    """The hop."""
    return images_of(alloy_images(), GOLD, hop=4, origin="emt")


def emt_energy(atoms: Atoms) -> float:
    """Energy by the effective medium theory, eV."""
    own = atoms.copy()
    own.calc = EMT()
    return float(own.get_potential_energy())


def outcar(energy: float, *, force: float = 0.01, image: bool = True, ended: bool = True,
           reached: bool = True) -> str:  # fmt: skip
    """The lines of an OUTCAR that a reader of a band looks at, in VTST's words."""
    step = f"  energy  without entropy= {energy:16.8f}  energy(sigma->0) = {energy:16.8f}\n"
    if image:
        step = f"  NEB: projections on to tangent (spring, REAL)    0.100000   -0.020000\n{step}"
    step += f"  FORCES: max atom, RMS {force:12.6f}    0.001000\n"
    worse = step.replace(f"{energy:16.8f}", f"{energy + 1.0:16.8f}").replace(
        f"{force:12.6f}", "9.0"
    )
    end = (
        " reached required accuracy - stopping structural energy minimisation\n" if reached else ""
    )
    end += " General timing and accounting informations for this job:\n"
    end += "                  Total CPU time used (sec):        1.000\n"
    bands = "   k-points NKPTS = 1   k-points in BZ NKDIM = 1   number of bands    NBANDS=    20\n"
    bands += "   total plane-waves  NPLWV =   1000\n"
    bands += "   IBRION =      3    ionic relax\n"
    return " vasp.5.4.4.18Apr17 complex\n" + bands + worse + step + (end if ended else "")


def run_stand_in(place: Path, *, shift: float = 0.0, **lines: object) -> None:
    """Compute POSCAR of a folder, its atoms shifted along x, and leave OUTCAR and CONTCAR."""
    atoms = read(place / "POSCAR", format="vasp")
    atoms.positions[:, 0] += shift
    write(place / "CONTCAR", atoms, format="vasp", direct=True)
    (place / "OUTCAR").write_text(outcar(emt_energy(atoms), **lines))


def cp2k_output(images: list[Atoms], *, steps: int = 7, ended: bool = True) -> str:
    """What CP2K prints of two evaluations of a band, energies and forces by EMT in atomic units."""
    text = ""
    for worse in (True, False):  # the last evaluation counts
        text += " NEB| Computing Energies and Forces\n"
        for number, image in enumerate(images, start=1):
            own = image.copy()
            own.calc = EMT()
            energy = own.get_potential_energy() / units.Hartree + worse
            forces = own.get_forces() * units.Bohr / units.Hartree
            text += f" NEB| REPLICA Nr. {number:4d}- Energy and Forces\n"
            text += f" NEB|{'Total energy:':>49s} {energy:22.12f}\n"
            text += " NEB|    ATOM                            X                Y                Z\n"
            for symbol, (x, y, z) in zip(own.get_chemical_symbols(), forces, strict=True):
                row = f"{symbol:2s}           {x:20.12f} {y:16.12f} {z:16.12f}           "
                text += f" NEB|      {row}\n"
    text += f" STEP NUMBER                   =                     {steps}\n"
    text += f" ENERGIES [au] = {'  -1.0' * len(images)}\n"
    return text + ("  **** **** ******  **  PROGRAM ENDED AT      2025-01-01\n" if ended else "")


def run_cp2k_stand_in(place: Path, images: list[Atoms], **how: object) -> None:
    """Leave what CP2K leaves of a band: its output, and the places of each image over its steps."""
    (place / "neb.out").write_text(cp2k_output(images, **how))
    for number, image in enumerate(images, start=1):
        rows = [
            f" {symbol} {x:20.10f} {y:20.10f} {z:20.10f}\n"
            for symbol, (x, y, z) in zip(image.symbols, image.positions.tolist(), strict=True)
        ]
        first = [row.replace(row.split()[1], "9.0000000000") for row in rows]
        steps = [f"{len(rows):8d}\n i = {n}, E = -1.0\n{''.join(which)}"
                 for n, which in enumerate((first, rows))]  # fmt: skip
        (place / f"neb-pos-Replica_nr_{number}-1.xyz").write_text("".join(steps))
