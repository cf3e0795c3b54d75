"""Do the barriers rank what was measured, and how far are they from DFT?

OBELiX: Spearman correlation of E(Li+) with log10 of the measured room-temperature conductivity,
for each dimensionality, over all structures that give barriers, over the ordered ones alone,
and over those with one unforced charge assignment. Conductivities given as «<1E-10» count as
that limit. Published DFT-NEB barriers (Devi et al., arXiv:2508.06459; Li, Na and K rows):
correlation and median error of E_1D, the easiest path. Nothing is fitted.

    python benchmarks/against_experiment.py
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections import Counter

import numpy as np
from _inputs import obelix_records, require_data, short_id
from scipy.stats import bootstrap, spearmanr

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import native_barriers
from dualion.screening.ions import MobileIon, mean_charge
from dualion.structures.elements import atomic_number
from dualion.structures.errors import StructureError
from dualion.structures.preparation import prepare

DIMENSIONS = (1, 2, 3)


def conductivities() -> dict[str, float]:
    """log10 of the conductivity in S/cm by OBELiX id."""
    path = require_data() / "obelix" / "train.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return {r["ID"]: math.log10(float(r["Ionic conductivity (S cm-1)"].lstrip("<"))) for r in rows}


def correlation(x: np.ndarray, y: np.ndarray) -> str:
    """Spearman's rho with a 95 % bootstrap interval; barriers that are inf rank last."""
    rho = spearmanr(x, y).statistic
    if len(x) < 10:
        return f"{rho:+.2f} (n = {len(x)})"
    resampled = bootstrap(
        (x, y),
        lambda a, b: spearmanr(a, b).statistic,
        paired=True,
        vectorized=False,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    return f"{rho:+.2f} [{resampled.low:+.2f}, {resampled.high:+.2f}] (n = {len(x)})"


def obelix() -> None:
    """Rank correlation with measured conductivities."""
    measured, lost, rows = conductivities(), Counter(), []
    for record in obelix_records():
        name = short_id(record.source_id)
        try:
            crystal = prepare(record.structure, cell_kind="experiment")
            if 3 not in crystal.numbers:
                raise StructureError("no Li in the file", reason="no_cation")
            ion = MobileIon(3, mean_charge(crystal, 3))
            found = native_barriers(crystal, ion, BarrierOptions())
        except StructureError as error:
            lost[error.reason] += 1
            continue
        if name in measured:
            forced = "charge_balance_forced" in crystal.flags
            rows.append((found.refined_ev, measured[name], crystal.is_disordered, forced))
    energies = np.array([r[0] for r in rows])
    log_sigma = np.array([r[1] for r in rows])
    disordered = np.array([r[2] for r in rows])
    forced = np.array([r[3] for r in rows])
    print(f"OBELiX: {len(rows)} with barriers and a conductivity; not computed: {dict(lost)}")
    for label, chosen in (
        ("all", np.ones(len(rows), bool)),
        ("ordered", ~disordered),
        ("disordered", disordered),
        ("no forced charge balance", ~forced),
    ):
        for n in DIMENSIONS:
            print(f"  E_{n}D, {label}: {correlation(energies[chosen, n - 1], log_sigma[chosen])}")


def neb_structure(atoms: dict, element: str):
    """The pristine cell: of the five images of the moving ion, the first and the last.

    The images are the last five sites of the moving element's list that lie along the path; an
    end point is where an ion sits, so the cell has its full number of ions again.
    """
    from pymatgen.core import Lattice, Structure

    coords = np.array(atoms["coords"])
    lattice = Lattice(atoms["lattice_mat"])
    structure = Structure(
        lattice, atoms["elements"], coords, coords_are_cartesian=atoms["cartesian"]
    )
    sites = [i for i, site in enumerate(structure) if site.specie.symbol == element]
    close = structure.distance_matrix[np.ix_(sites, sites)] < CLOSE_ANGSTROM
    np.fill_diagonal(close, False)
    images = [sites[i] for i in np.flatnonzero(close.any(axis=1))]
    if len(images) < 3:
        return structure
    distances = structure.distance_matrix[np.ix_(images, images)]
    ends = {images[i] for i in np.unravel_index(distances.argmax(), distances.shape)}
    structure.remove_sites([i for i in images if i not in ends])
    return structure


CLOSE_ANGSTROM = 1.7
"""Neighbouring images of one moving ion; no two alkali ions come that close."""


def neb() -> None:
    """Correlation with published DFT-NEB barriers."""
    with gzip.open(require_data() / "literature_neb_5images_train.json.gz") as handle:
        entries = json.load(handle)
    pairs, lost = [], Counter()
    for entry in entries:
        element = next(
            (e for e in ("Li", "Na", "K") if entry["formula"].split()[0].startswith(e)), ""
        )
        if (
            element not in ("Li", "Na", "K")
            or not entry["formula"].split()[0][len(element) :].isdigit()
        ):
            continue
        try:
            crystal = prepare(neb_structure(entry["atoms"], element), cell_kind="dft")
            number = atomic_number(element)
            ion = MobileIon(number, mean_charge(crystal, number))
            found = native_barriers(crystal, ion, BarrierOptions())
        except StructureError as error:
            lost[error.reason] += 1
            continue
        pairs.append((element, entry["target"], *found.refined_ev))
    print(f"DFT-NEB: {len(pairs)} of Li, Na, K rows; not computed: {dict(lost)}")
    for element in ("Li", "Na", "K", "all"):
        chosen = np.array([p[1:] for p in pairs if element in (p[0], "all")], float)
        if len(chosen) < 5:
            print(f"  {element}: {len(chosen)} rows, too few")
            continue
        target = chosen[:, 0]
        for n in DIMENSIONS:
            energies = chosen[:, n]
            finite = np.isfinite(energies)
            error = energies[finite] - target[finite]
            print(
                f"  {element}, E_{n}D: {correlation(energies, target)}, median error "
                f"{np.median(error):+.2f} eV, median |error| {np.median(np.abs(error)):.2f} eV"
            )


if __name__ == "__main__":
    obelix()
    neb()
