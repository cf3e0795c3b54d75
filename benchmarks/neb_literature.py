"""Barriers of published DFT-NEB paths with a potential, beside bond valence on the same rows.

Rows of ``literature_neb_5images_train.json.gz`` (Devi et al., arXiv:2508.06459) with Li, Na or K as
the moving ion, drawn with a seed. Cells are as published: the ends are relaxed at fixed cell, the
three inner images are those of the publication. A barrier is the highest image above the lower end.

    python benchmarks/neb_literature.py CACHE [ROWS [ENGINE]]

What stands in the cache is not computed again.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _inputs import require_data
from _neb_barriers import IMAGES, bond_valence_row
from ase import Atoms
from ase.optimize import FIRE
from scipy.stats import spearmanr

from dualion.structures.errors import StructureError
from dualion.workflows.neb.band import BandOptions, relax_band
from dualion.workflows.neb.forces import Potential, make_potential, release_memory

SEED = 16
LARGEST_CELL = 130
CATIONS = ("Li", "Na", "K")
END_STEPS = 150
MOST_STEPS = 120
RESAMPLED = 2000


def drawn_rows(count: int) -> list[dict[str, Any]]:
    """The first rows of the shuffled set."""
    with gzip.open(require_data() / "literature_neb_5images_train.json.gz", "rt") as file:
        rows = [
            row
            for row in json.load(file)
            if row["atoms"]["elements"][0] in CATIONS and len(row["atoms"]["elements"]) < LARGEST_CELL
        ]  # fmt: skip
    random.Random(SEED).shuffle(rows)
    return rows[:count]


def images_of(atoms: dict[str, Any]) -> list[Atoms]:
    """The published images, the moving ion first."""
    coords = np.array(atoms["coords"])
    if not atoms.get("cartesian"):
        coords = coords @ np.array(atoms["lattice_mat"])
    others = list(range(IMAGES, len(coords)))
    return [
        Atoms(
            [atoms["elements"][i] for i in (image, *others)],
            positions=coords[[image, *others]],
            cell=atoms["lattice_mat"],
            pbc=True,
        )
        for image in range(IMAGES)
    ]


def relax_end(end: Atoms, potential: Potential, force_ev_angstrom: float) -> None:
    """Relax an end at fixed cell."""
    end.calc = potential.calculator
    FIRE(end, logfile=None).run(fmax=force_ev_angstrom, steps=END_STEPS)


def computed(row: dict[str, Any], potential: Potential) -> dict[str, Any]:
    """The barrier of a row with the potential, and how it was found."""
    options = BandOptions(most_steps=MOST_STEPS)
    published = images_of(row["atoms"])
    images = [image.copy() for image in published]
    for number in (0, -1):
        relax_end(images[number], potential, options.end_force_ev_angstrom)
    shares = np.linspace(0.0, 1.0, IMAGES)
    moves = [images[n].positions - published[n].positions for n in (0, -1)]
    for share, image in zip(shares[1:-1], images[1:-1], strict=True):
        image.positions += (1.0 - share) * moves[0] + share * moves[1]
    potential.evaluate([images[0], images[-1]])
    try:
        band = relax_band(images, potential, options)
    except StructureError as error:
        return {"reason": str(error)}
    energies = band.energies_ev
    return {
        "barrier_ev": float(energies.max() - min(energies[0], energies[-1])),
        "end_difference_ev": float(energies[-1]),
        "steps": band.steps,
        "converged": band.converged,
        "force": band.largest_force_ev_angstrom,
        "shift_of_ends": float(max(np.abs(move).max() for move in moves)),
    }


def cached(path: Path) -> dict[str, dict[str, Any]]:
    """Rows of the cache by system."""
    if not path.exists():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row["system"]: row for row in rows}


def report(rows: list[dict[str, Any]], key: str) -> None:
    """Print rank correlation and errors of a column against the published barriers."""
    pairs = np.array([(r["neb_ev"], r[key]) for r in rows if np.isfinite(r.get(key, np.nan))])
    if len(pairs) < 5:
        print(f"  {key}: {len(pairs)} rows, too few")
        return
    target, found = pairs.T
    random_ = np.random.default_rng(SEED)
    draws = [random_.integers(0, len(pairs), len(pairs)) for _ in range(RESAMPLED)]

    def interval(statistic: Any) -> str:
        values = [statistic(target[draw], found[draw]) for draw in draws]
        low, high = np.nanpercentile(values, [2.5, 97.5])
        return f"{statistic(target, found):.2f} ({low:.2f} to {high:.2f})"

    print(f"  {key}, {len(pairs)} rows: Spearman", interval(lambda a, b: spearmanr(a, b)[0]))
    print("    median |error|", interval(lambda a, b: np.median(np.abs(a - b))), "eV;",
          "mean |error|", interval(lambda a, b: np.mean(np.abs(a - b))), "eV;",
          f"median error {np.median(found - target):+.2f} eV")  # fmt: skip


def main() -> None:
    """Compute the rows that are missing, then report."""
    cache = Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    engine = sys.argv[3] if len(sys.argv) > 3 else "chgnet"
    potential = make_potential(engine, device="cpu")
    known = cached(cache)
    chosen = drawn_rows(count)
    with cache.open("a", encoding="utf-8") as out:
        for row in sorted(chosen, key=lambda row: len(row["atoms"]["elements"])):
            if row["sys_name"] in known:
                continue
            found = bond_valence_row(row) | computed(row, potential)
            if "refined_ev" in found:
                found["bond_valence_1d_ev"] = found["refined_ev"][0]
            known[row["sys_name"]] = found
            out.write(json.dumps(found) + "\n")
            out.flush()
            release_memory()
    rows = [known[row["sys_name"]] for row in chosen if row["sys_name"] in known]
    for cation in (*CATIONS, "all"):
        print(cation)
        part = [row for row in rows if cation in (row["cation"], "all")]
        for key in ("barrier_ev", "bond_valence_1d_ev"):
            report(part, key)


if __name__ == "__main__":
    main()
