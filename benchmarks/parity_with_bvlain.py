"""Do we compute the same barriers as bvlain on its own grid?

Every ordered structure of OBELiX's training set and 300 random rows of mp_li that bvlain can
do, Li+ and every anion. bvlain bisects to 0.01 eV and reports the upper end of its bracket, so
0 ≤ E(bvlain) − E(native) ≤ 0.0105 eV is agreement. Whatever falls outside is computed again
with all neighbours inside the cutoff (bvlain's default counts the nearest 100), then with
every loop of the percolating region listed, and is printed with the reason.

    python benchmarks/parity_with_bvlain.py --output parity.jsonl [--count 300] [--seed 7]

The output is appended ion by ion, so a broken run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

from _inputs import obelix_records, peer_prepared, sample_rows, short_id

from screening.barriers import BarrierOptions, native_barriers
from screening.bvlain_engine import bvlain_barriers
from screening.ions import MobileIon, anions_of
from structures.errors import StructureError
from structures.files import parse_entry

LOWEST, HIGHEST = -0.00005, 0.0105
"""bvlain rounds its bracket to four digits."""
ALL_NEIGHBOURS = 1200
MOST_SITES = 200


def cases(count: int, seed: int):
    """(name, structure) of every ordered input, small cells first."""
    found = [
        (f"obelix/{short_id(record.source_id)}", record.structure)
        for record in obelix_records()
        if record.structure.is_ordered
    ]
    for entry in sample_rows("mp_li.jsonl.gz", count, seed=seed):
        found.append((short_id(entry.source_id), parse_entry(entry).structure))
    return sorted(found, key=lambda case: case[1].volume)


def outside(native, peer) -> list[int]:
    """Dimensionalities at which the two disagree."""
    wrong = []
    for n, (ours, theirs) in enumerate(zip(native, peer, strict=True), start=1):
        if math.isinf(ours) and math.isinf(theirs):
            continue
        if not LOWEST <= theirs - ours <= HIGHEST:
            wrong.append(n)
    return wrong


def compare(name: str, crystal, ion: MobileIon) -> dict:
    """One ion by both engines."""
    options = BarrierOptions()
    start = time.perf_counter()
    peer = bvlain_barriers(crystal, ion, options)
    middle = time.perf_counter()
    native = native_barriers(crystal, ion, options, shape=peer.shape)
    row = {
        "name": name,
        "ion": str(ion),
        "sites": len(crystal.numbers),
        "native": native.barriers_ev,
        "bvlain": peer.barriers_ev,
        "bvlain_s": round(middle - start, 3),
        "native_s": round(time.perf_counter() - middle, 5),
        "outside": outside(native.barriers_ev, peer.barriers_ev),
    }
    if row["outside"]:
        full = bvlain_barriers(crystal, ion, options, neighbours=ALL_NEIGHBOURS)
        row["bvlain_all_neighbours"] = full.barriers_ev
        row["outside_all_neighbours"] = outside(native.barriers_ev, full.barriers_ev)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    seen = set()
    if asked.output.exists():
        seen = {(r["name"], r["ion"]) for r in map(json.loads, asked.output.open())}
    with asked.output.open("a") as handle:
        for name, structure in cases(asked.count, asked.seed):
            for row in _rows(name, structure, seen):
                handle.write(json.dumps(row) + "\n")
                handle.flush()
    summarise(asked.output)


def _rows(name, structure, seen):
    if (name, "-") in seen:
        return
    if len(structure) > MOST_SITES:
        yield {"name": name, "ion": "-", "skipped": f"{len(structure)} sites"}
        return
    try:
        _, crystal = peer_prepared(structure)
    except ValueError as error:
        yield {"name": name, "ion": "-", "skipped": f"bvlain cannot: {error}"}
        return
    for ion in [MobileIon(3, 1.0), *anions_of(crystal)]:
        if (name, str(ion)) in seen:
            continue
        try:
            yield compare(name, crystal, ion)
        except StructureError as error:
            yield {"name": name, "ion": str(ion), "skipped": f"bvlain cannot: {error}"}


def summarise(path: Path) -> None:
    """Print the table of what was compared and what disagrees."""
    rows = [json.loads(line) for line in path.open()]
    done = [r for r in rows if "skipped" not in r]
    wrong = [r for r in done if r["outside"]]
    finite = sum(math.isfinite(e) for r in done for e in r["bvlain"])
    names = {r["name"] for r in done}
    print(f"{len(names)} structures, {len(done)} ions, {finite} finite barriers")
    print(f"outside [0, {HIGHEST}] eV: {len(wrong)} ions")
    for r in wrong:
        left = r.get("outside_all_neighbours")
        reason = "bvlain's default counts the nearest 100 ions" if left == [] else f"still {left}"
        gaps = [
            round(b - a, 4) if math.isfinite(b - a) else f"{a} / {b}"
            for a, b in zip(r["native"], r["bvlain"])
        ]
        print(f"  {r['name']} {r['ion']}: {gaps} ({reason})")
    ratios = [r["bvlain_s"] / r["native_s"] for r in done]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"time ratio, geometric mean over the ions: {mean:.0f}")


if __name__ == "__main__":
    main()
