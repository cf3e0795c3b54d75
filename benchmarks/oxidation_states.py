"""Oxidation states of public structures: time, share prepared, agreement with pymatgen.

Compares ``structures.preparation.prepare`` with pymatgen's ``BVAnalyzer`` (forbidden species
O⁻ and P³⁻, as bvlain uses it) on the same rows in the same process. Every difference is
printed, so that a chemist can say who is right.

    python benchmarks/oxidation_states.py ../shared/data/mp_li.jsonl.gz --count 300
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.analysis.bond_valence import BVAnalyzer
from pymatgen.core import Lattice, Structure

from structures.errors import StructureError
from structures.preparation import prepare

Charges = NDArray[np.float64]


def read_rows(path: Path, count: int, seed: int) -> list[tuple[str, Structure]]:
    """Random structures of a data set, with their names."""
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    picked = random.Random(seed).sample(rows, min(count, len(rows)))
    return [(f"{row['material_id']} {row['formula']}", _structure(row)) for row in picked]


def _structure(row: dict[str, list[float]]) -> Structure:
    species = [name for name, amount in row["species"] for _ in range(amount)]  # type: ignore[misc,attr-defined]
    return Structure(
        Lattice.from_parameters(*row["lattice"]), species, np.reshape(row["coords"], (-1, 3))
    )


def ours(structure: Structure) -> Charges | str:
    """Charges, or the reason of the refusal."""
    try:
        return prepare(structure, cell_kind="dft").charges
    except StructureError as error:
        return error.reason


def theirs(structure: Structure) -> Charges | str:
    """Charges by pymatgen, or the name of its error."""
    analyser = BVAnalyzer(forbidden_species=["O-", "P3-"])
    try:
        return np.array(analyser.get_valences(structure), dtype=np.float64)
    except (ValueError, RuntimeError, IndexError, KeyError) as error:
        return type(error).__name__


def compare(structure: Structure, one: Charges | str, two: Charges | str) -> str:
    """Name the relation of two results."""
    if isinstance(one, str) or isinstance(two, str):
        if isinstance(one, str) and isinstance(two, str):
            return "neither"
        return "theirs only" if isinstance(one, str) else "ours only"
    if np.abs(one - two).max() < 1e-6:
        return "same on every site"
    names = np.array([site.specie.symbol for site in structure])
    means = all(abs(one[names == e].mean() - two[names == e].mean()) < 1e-6 for e in set(names))
    return "same element means" if means else "different"


def summary(structure: Structure, charges: Charges | str) -> str:
    """Charges by element, short."""
    if isinstance(charges, str):
        return charges
    names = [site.specie.symbol for site in structure]
    counts = Counter(zip(names, charges.round(2).tolist(), strict=True))
    return " ".join(f"{name}{q:+g}×{n}" for (name, q), n in sorted(counts.items()))


def times(label: str, seconds: list[float]) -> None:
    """Print quantiles in ms."""
    ms = np.array(seconds) * 1e3
    print(
        f"{label}: median {np.median(ms):.2f} ms, mean {ms.mean():.2f}, "
        f"95 % {np.percentile(ms, 95):.2f}, max {ms.max():.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = read_rows(options.path, options.count, options.seed)
    ours(rows[0][1])  # tables are read once per process
    theirs(rows[0][1])
    relations: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    our_times: list[float] = []
    their_times: list[float] = []
    for name, structure in rows:
        start = time.perf_counter()
        one = ours(structure)
        middle = time.perf_counter()
        two = theirs(structure)
        their_times.append(time.perf_counter() - middle)
        our_times.append(middle - start)
        relation = compare(structure, one, two)
        relations[relation] += 1
        if isinstance(one, str):
            reasons[one] += 1
        if relation in ("different", "theirs only"):
            print(f"{name}\n  ours   {summary(structure, one)}\n  theirs {summary(structure, two)}")
    times("ours", our_times)
    times("BVAnalyzer", their_times)
    print(f"of {len(rows)}: {dict(relations)}; our refusals: {dict(reasons)}")


if __name__ == "__main__":
    main()
