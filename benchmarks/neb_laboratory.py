"""Vacancy migration energies of both ions with a potential, against those measured.

Measured values are the rows of ``data/vacancy_migration.csv`` with ``use`` energy, ``evidence``
measured and mechanism vacancy. Hops are those of ``dualion neb``, in cells of the size that
``ATOMS`` names; what is compared is E_3D of each ion.

    python benchmarks/neb_laboratory.py FOLDER [ENGINE] [--report]

What the folder holds is not computed again.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from _anion_labels import _shared_rows, _shared_structure
from ase.build import bulk
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from dualion.screening.ions import MobileIon
from dualion.structures.elements import atomic_number
from dualion.structures.errors import DualionError
from dualion.structures.preparation import prepare
from dualion.structures.symmetry import primitive_crystal
from dualion.workflows.neb.forces import Potential, make_potential
from dualion.workflows.neb.run import NebOptions, structure_barriers
from dualion.workflows.neb.tables import told_barriers_ev

TABLE = Path(__file__).resolve().parent / "data" / "vacancy_migration.csv"
ATOMS = {"rocksalt": 64, "fluorite": 96, "cesiumchloride": 54, "other": 40}
CUBE_SHARE = 0.98
"""Width of the supercell over the edge of a cube of that many atoms."""
SEED, RESAMPLED = 16, 2000

ALKALI_HALIDES = {
    "LiF": 4.03, "LiCl": 5.13, "LiBr": 5.50, "LiI": 6.00,
    "NaF": 4.62, "NaCl": 5.64, "NaBr": 5.97, "NaI": 6.47,
    "KF": 5.35, "KCl": 6.29, "KBr": 6.60, "KI": 7.07, "RbCl": 6.58,
}  # fmt: skip
"""Lattice constants from which the relaxation starts, Å."""
FLUORITES = {"CaF2": 5.46, "SrF2": 5.80, "BaF2": 6.20, "PbF2": 5.94, "SrCl2": 6.98, "CeO2": 5.41,
             "ThO2": 5.60}  # fmt: skip
CESIUM_CHLORIDES = {"TlCl": 3.83, "TlBr": 3.99, "CsCl": 4.12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A compound and its ions.

    Attributes:
        compound: formula.
        kind: key of ``ATOMS``.
        ions: elements whose vacancy hops are computed.
    """

    compound: str
    kind: str
    ions: tuple[str, ...]


def measured_ev() -> dict[tuple[str, str], float]:
    """Measured vacancy migration energy by compound and ion, eV: the mean where there are several."""
    found: dict[tuple[str, str], list[float]] = {}
    with TABLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kept = (row["use"], row["evidence"], row["mechanism"]) == (
                "energy",
                "measured",
                "vacancy",
            )
            if kept:
                key = (row["compound"], row["ion"])
                found.setdefault(key, []).append(float(row["activation_energy_ev"]))
    return {key: fmean(values) for key, values in found.items()}


def cases() -> list[Case]:
    """Compounds in the order in which they are computed: measured ions alone, then both ions."""
    known = measured_ev()
    made = [Case(compound=name, kind="rocksalt", ions=_elements(name)) for name in ALKALI_HALIDES]
    for kind, names in (("fluorite", FLUORITES), ("cesiumchloride", CESIUM_CHLORIDES)):
        for name in names:
            ions = tuple(element for element in _elements(name) if (name, element) in known)
            if ions:
                made.append(Case(compound=name, kind=kind, ions=ions))
    taken = {one.compound for one in made}
    shared = {str(row["formula"]) for row in _shared_rows()}
    for compound in sorted(shared - taken):
        ions = tuple(ion for name, ion in known if name == compound)
        if ions:
            made.append(Case(compound=compound, kind="other", ions=ions))
    measured = [
        Case(compound=case.compound, kind=case.kind, ions=ions)
        for case in made
        if (ions := tuple(ion for ion in case.ions if (case.compound, ion) in known))
    ]
    return [*sorted(measured, key=lambda case: -len(case.ions)), *made]


def _elements(formula: str) -> tuple[str, ...]:
    from pymatgen.core import Composition

    return tuple(element.symbol for element in Composition(formula).elements)


def start_of(case: Case) -> Structure:
    """The structure from which the relaxation starts."""
    for kind, constants in (
        ("rocksalt", ALKALI_HALIDES),
        ("fluorite", FLUORITES),
        ("cesiumchloride", CESIUM_CHLORIDES),
    ):
        if case.kind == kind:
            atoms = bulk(case.compound, kind, a=constants[case.compound])
            return AseAtomsAdaptor.get_structure(atoms)
    row = next(row for row in _shared_rows() if row["formula"] == case.compound)
    return _shared_structure(row)


def computed(case: Case, potential: Potential, folder: Path) -> dict[str, Any]:
    """Barriers of the ions of a compound, or the reason why there are none."""
    crystal = primitive_crystal(prepare(start_of(case)))
    numbers = [atomic_number(element) for element in case.ions]
    charges = {
        int(z): round(float(q)) for z, q in zip(crystal.numbers, crystal.charges, strict=True)
    }
    ions = tuple(MobileIon(number, charges[number]) for number in numbers)
    wanted = max(ATOMS[case.kind], len(crystal.numbers))
    edge = (crystal.volume_cubic_angstrom * wanted / len(crystal.numbers)) ** (1.0 / 3.0)
    options = NebOptions(most_atoms=wanted, smallest_width_angstrom=_rounded(CUBE_SHARE * edge))
    began = time.perf_counter()
    record: dict[str, Any] = {"compound": case.compound, "potential": potential.name, "ions": {}}
    try:
        found = structure_barriers(crystal, ions, potential, options, folder / case.compound)
    except DualionError as error:
        return record | {"problem": str(error)}
    for element, ion in zip(case.ions, ions, strict=True):
        network = found.ions.get(str(ion))
        if network is None:
            record["ions"][element] = {"problem": found.problems[str(ion)]}
            continue
        record["ions"][element] = {
            "e3d_ev": told_barriers_ev(network)[2],
            "atoms": network.atoms,
            "hops": len(network.barriers),
            "flags": list(network.flags),
            "problem": "; ".join(one.reason for one in network.barriers if one.reason),
        }
    return record | {"seconds": time.perf_counter() - began, "grown": found.volume_change}


def _rounded(width: float) -> float:
    return round(width, 2)


def main() -> None:
    """Compute what is missing, then report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("engine", nargs="?", default="chgnet")
    parser.add_argument("--report", action="store_true", help="compute nothing")
    parser.add_argument("--only", nargs="*", default=[], help="compounds")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    cache = arguments.folder / "barriers.jsonl"
    known = _cached(cache)
    if not arguments.report:
        potential = make_potential(arguments.engine, device="cpu")
        for case in cases():
            there = known.get(case.compound, {}).get("ions", {})
            if set(case.ions) <= set(there):
                continue
            if arguments.only and case.compound not in arguments.only:
                continue
            known[case.compound] = found = computed(case, potential, arguments.folder)
            with cache.open("a", encoding="utf-8") as out:
                out.write(json.dumps(found) + "\n")
            print(json.dumps(found), flush=True)
    report(known)


def _cached(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row["compound"]: row for row in rows}


def report(known: dict[str, dict[str, Any]]) -> None:
    """Print a line a compound, the errors and the ratios."""
    target = measured_ev()
    pairs, ratios = [], []
    for compound, row in known.items():
        told, both = [], []
        for element, ion in row.get("ions", {}).items():
            found, wanted = ion.get("e3d_ev", np.nan), target.get((compound, element), np.nan)
            told.append(f"{element} {_number(found)} ({_number(wanted)})")
            both.append((wanted, found))
            if np.isfinite([found, wanted]).all():
                pairs.append((compound, element, wanted, found))
        if len(both) == 2 and np.isfinite(both).all():
            measured, computed_ = both[1][0] / both[0][0], both[1][1] / both[0][1]
            ratios.append((compound, measured, computed_))
            told.append(f"ratio {computed_:.2f} ({measured:.2f})")
        flags = {flag for ion in row.get("ions", {}).values() for flag in ion.get("flags", ())}
        print(f"{compound:8s} {', '.join(told)} {row.get('problem', '')} {' '.join(sorted(flags))}")
    if len(pairs) < 3:
        return
    wanted, found = np.array([pair[2:] for pair in pairs]).T
    print(f"{len(pairs)} energies: median |error| {np.median(abs(found - wanted)):.3f} eV, median error "
          f"{np.median(found - wanted):+.3f} eV, slope through zero {_slope(wanted, found)}")  # fmt: skip
    if ratios:
        off = [abs(mine / theirs - 1.0) for _, theirs, mine in ratios]
        print(f"{len(ratios)} ratios: median error {np.median(off):.0%}, largest {max(off):.0%}")


def _slope(wanted: np.ndarray, found: np.ndarray) -> str:
    """Slope through zero with its bootstrap interval."""
    random = np.random.default_rng(SEED)
    draws = [random.integers(0, len(wanted), len(wanted)) for _ in range(RESAMPLED)]
    slopes = [(found[d] @ wanted[d]) / (wanted[d] @ wanted[d]) for d in draws]
    low, high = np.percentile(slopes, [2.5, 97.5])
    return f"{(found @ wanted) / (wanted @ wanted):.2f} [{low:.2f}, {high:.2f}]"


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


if __name__ == "__main__":
    main()
