"""Oxidation states of public structures: share prepared, time, agreement with pymatgen.

First every structure of the three public sets is prepared: how many, by which method, how many
only by the last resort (``composition_forced``), why the others are refused, and the time of
``dualion.structures.preparation.prepare`` alone. Then ``prepare`` is compared with pymatgen's
``BVAnalyzer`` (forbidden species O⁻ and P³⁻, as bvlain uses it) on random rows in the same
process. Every difference is printed, so that a chemist can say who is right.

    python benchmarks/oxidation_states.py --count 300
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from _inputs import PEER_FORBIDDEN, require_data, sample_rows
from numpy.typing import NDArray
from pymatgen.analysis.bond_valence import BVAnalyzer
from pymatgen.core import Structure

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.structures.files import iter_raw_entries, parse_entry
from dualion.structures.preparation import CellKind, prepare
from dualion.structures.records import RawEntry

Charges = NDArray[np.float64]


SETS: dict[str, CellKind] = {
    "mp_li.jsonl.gz": "dft",
    "mp_nak.jsonl.gz": "dft",
    "obelix/train_cifs.tar.gz": "experiment",
}


def coverage(path: Path, kind: CellKind) -> None:
    """Prepare every structure of a file and print what became of them."""
    methods: Counter[str] = Counter()
    flags: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    seconds: list[float] = []
    for structure in _parsed(iter_raw_entries([path]), reasons):
        start = time.perf_counter()
        found = _attempt(structure, kind)
        seconds.append(time.perf_counter() - start)
        if isinstance(found, str):
            reasons[found] += 1
            continue
        methods[found.oxidation_method] += 1
        flags.update(found.flags)
    total = methods.total() + reasons.total()
    forced = methods["composition_forced"]
    print(f"\n{path.name}: {total} structures")
    print(
        f"  prepared {methods.total()} ({methods.total() / total:.2%}), of them {forced} "
        f"({forced / total:.2%}) by the last resort"
    )
    for label, counts in (("methods", methods), ("flags", flags), ("refused", reasons)):
        print(f"  {label}: {', '.join(f'{n} {c}' for n, c in counts.most_common()) or 'none'}")
    times("  time", seconds)


def _parsed(entries: Iterable[object], reasons: Counter[str]) -> Iterator[Structure]:
    """Structures of the entries; what cannot be read is counted."""
    for entry in entries:
        try:
            if isinstance(entry, RawEntry):
                yield parse_entry(entry).structure
            else:
                reasons["unreadable"] += 1
        except StructureError as error:
            reasons[error.reason] += 1


def _attempt(structure: Structure, kind: CellKind) -> IonicCrystal | str:
    """The crystal, or the reason of the refusal."""
    try:
        return prepare(structure, cell_kind=kind)
    except StructureError as error:
        return error.reason


def ours(structure: Structure) -> Charges | str:
    """Charges, or the reason of the refusal."""
    found = _attempt(structure, "dft")
    return found if isinstance(found, str) else found.charges


def theirs(structure: Structure) -> Charges | str:
    """Charges by pymatgen, or the name of its error."""
    analyser = BVAnalyzer(forbidden_species=PEER_FORBIDDEN)
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


def comparison(name: str, count: int, seed: int) -> None:
    """Run both on the same random rows and print where they differ."""
    relations: Counter[str] = Counter()
    our_times: list[float] = []
    their_times: list[float] = []
    for entry in sample_rows(name, count, seed=seed):
        structure = parse_entry(entry).structure
        start = time.perf_counter()
        one = ours(structure)
        middle = time.perf_counter()
        two = theirs(structure)
        their_times.append(time.perf_counter() - middle)
        our_times.append(middle - start)
        relation = compare(structure, one, two)
        relations[relation] += 1
        if relation in ("different", "theirs only"):
            print(f"{entry.source_id.rsplit('#', 1)[-1]} {structure.composition.reduced_formula}")
            print(f"  ours   {summary(structure, one)}\n  theirs {summary(structure, two)}")
    print(f"\n{name}, {sum(relations.values())} random rows beside BVAnalyzer: {dict(relations)}")
    times("  ours", our_times)
    times("  BVAnalyzer", their_times)


def warm_up() -> None:
    """Read the element tables, which happens once per process."""
    sites = [[0, 0, 0], [0.5, 0.5, 0.5]]
    for cation in ("Li", "Mn"):
        salt = Structure.from_spacegroup("Fm-3m", np.eye(3) * 4.4, [cation, "O"], sites)
        ours(salt)
        theirs(salt)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="rows of each comparison")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    warm_up()
    for name, kind in SETS.items():
        coverage(require_data() / name, kind)
    for name in ("mp_li.jsonl.gz", "mp_nak.jsonl.gz"):
        comparison(name, options.count, options.seed)


if __name__ == "__main__":
    main()
