"""Rigid-lattice barriers of the cations whose NEB barriers are published, kept in a file.

A row of ``literature_neb_5images_train.json.gz`` holds a cell whose first five atoms are the images
of the hopping ion. Both ends are filled, which gives the crystal back, and the primitive cell is
taken; the cation's barriers are those of a screening (empty lattice, refined).
"""

from __future__ import annotations

import gzip
import json
import random
import warnings
from pathlib import Path
from typing import Any

from _inputs import require_data
from pymatgen.core import Structure

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import ion_barriers
from dualion.screening.ions import MobileIon, mean_charge
from dualion.structures.elements import atomic_number
from dualion.structures.errors import DualionError
from dualion.structures.preparation import prepare

IMAGES = 5
SAME_SITE_ANGSTROM = 0.3
LARGEST_CELL = 150
SEED = 1


def neb_rows(cache: Path, *, cations: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    """Rows with ``system``, ``cation``, ``charge``, ``neb_ev`` and ``refined_ev`` or ``reason``.

    What stands in the cache is not computed again; the order is shuffled, so that a run that is cut
    short leaves a random sample.
    """
    with gzip.open(require_data() / "literature_neb_5images_train.json.gz", "rt") as file:
        rows = [row for row in json.load(file) if row["atoms"]["elements"][0] in cations]
    random.Random(SEED).shuffle(rows)
    known = _cached(cache)
    with cache.open("a", encoding="utf-8") as out:
        for row in rows[:limit]:
            if row["sys_name"] not in known:
                known[row["sys_name"]] = found = bond_valence_row(row)
                out.write(json.dumps(found) + "\n")
                out.flush()
    return [known[row["sys_name"]] for row in rows[:limit]]


def _cached(cache: Path) -> dict[str, dict[str, Any]]:
    if not cache.exists():
        return {}
    lines = cache.read_text(encoding="utf-8").splitlines()
    return {row["system"]: row for row in map(json.loads, lines)}


def bond_valence_row(row: dict[str, Any]) -> dict[str, Any]:
    """Bond valence barriers of the cation of a row, or the reason why there are none."""
    element = row["atoms"]["elements"][0]
    about = {"system": row["sys_name"], "cation": element, "neb_ev": row["target"]}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            crystal = prepare(_crystal_of(row["atoms"]), cell_kind="dft")
        charge = mean_charge(crystal, atomic_number(element))
        found = ion_barriers(crystal, MobileIon(atomic_number(element), round(charge)),
                             BarrierOptions())  # fmt: skip
    except (DualionError, ValueError) as error:
        return {**about, "reason": f"{type(error).__name__}: {error}"}
    return {
        **about,
        "charge": charge,
        "oxidation_method": crystal.oxidation_method,
        "refined_ev": list(found.refined_ev),
    }


def _crystal_of(atoms: dict[str, Any]) -> Structure:
    """The crystal with both ends of the hop filled, as a primitive cell."""
    kept = [0, *range(IMAGES - 1, len(atoms["elements"]))]
    structure = Structure(
        atoms["lattice_mat"],
        [atoms["elements"][i] for i in kept],
        [atoms["coords"][i] for i in kept],
    )
    primitive = structure.get_primitive_structure(tolerance=SAME_SITE_ANGSTROM)
    if len(primitive) > LARGEST_CELL:
        raise ValueError(f"the primitive cell has {len(primitive)} atoms")
    return primitive
