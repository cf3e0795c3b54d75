"""Formation energies of defect pairs with a potential, beside measured ones.

    python benchmarks/carriers.py [SALT …] [--engine chgnet] [--width 9] [--kind vacancies]

Each salt is relaxed, and its pairs are computed as ``dualion neb --carriers`` does, in a folder of
its own below ``--output``, where what is there is not computed again.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from dualion.screening.ions import MobileIon
from dualion.structures.entry import prepare_entry
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.symmetry import primitive_crystal
from dualion.workflows.doping.relaxation import relax
from dualion.workflows.neb.carriers import carrier_energies
from dualion.workflows.neb.folder import NebFolder
from dualion.workflows.neb.forces import make_potential
from dualion.workflows.neb.run import NebOptions
from dualion.workflows.neb.salt import prototype

MEASURED = Path(__file__).parent / "data" / "defect_formation.csv"


def crystal_of(formula, ions):
    """The bundled structure of a salt, or its rock salt."""
    for path in reference_paths():
        if path.stem == formula:
            (entry,) = iter_raw_entries([path])
            return primitive_crystal(prepare_entry(entry).crystal)
    return prototype("rock salt", *ions)


def measured_pairs():
    """Rows of the measured energies by formula and kind."""
    with MEASURED.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def computed_pairs(formula, ions, potential, options, folder, kind):
    """Pair energies of a salt, eV, and the number of atoms."""
    kept = NebFolder(folder)
    kept.claim({"salt": formula, "potential": potential.name})
    if kept.host() is None:
        found = relax(crystal_of(formula, ions), potential.calculator, options.relaxation)
        kept.save_host(found.crystal, {"energy_ev": found.energy_ev})
    return carrier_energies(kept, ions, potential, options, carriers=kind)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("salts", nargs="*")
    parser.add_argument("--engine", default="chgnet")
    parser.add_argument("--model-path")
    parser.add_argument("--width", type=float, default=9.0)
    parser.add_argument("--atoms", type=int, default=300)
    parser.add_argument("--kind", choices=("vacancies", "all"), default="vacancies")
    parser.add_argument("--output", type=Path, default=Path("carriers"))
    given = parser.parse_args()
    potential = make_potential(given.engine, model_path=given.model_path)
    options = NebOptions(smallest_width_angstrom=given.width, most_atoms=given.atoms)
    errors = []
    for row in measured_pairs():
        if given.salts and row["compound"] not in given.salts:
            continue
        ions = (MobileIon.parse(row["cation"]), MobileIon.parse(row["anion"]))
        folder = given.output / f"{row['compound']}-{given.engine}-{given.width:g}"
        began = time.perf_counter()
        kind = "all" if row["kind"] == "anion_frenkel" else given.kind
        found = computed_pairs(row["compound"], ions, potential, options, folder, kind)
        energies = {name: round(energy, 3) for name, energy in found.pairs_ev.items()}
        print(row["compound"], row["kind"], row["energy_ev"], energies, found.salt, found.flags,
              found.problems, f"{time.perf_counter() - began:.0f} s", flush=True)  # fmt: skip
        if row["kind"] in energies:
            errors.append(energies[row["kind"]] - float(row["energy_ev"]))
    if errors:
        print(f"{len(errors)} pairs: median error {np.median(errors):+.2f}, median absolute error "
              f"{np.median(np.abs(errors)):.2f} eV")  # fmt: skip


if __name__ == "__main__":
    main()
