"""Time and memory of source, filters and duplicate search over the public Materials Project rows.

    python benchmarks/sources_throughput.py ../shared/data/mp_li.jsonl.gz ../shared/data/mp_nak.jsonl.gz

Prints rows, seconds, processor time (a busy machine stretches the first only), peak memory of all processes together, and how many rows each filter and
the duplicate search sorted out.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter

from dualion.structures.records import Rejection
from dualion.structures.sources import FilesSource, Selection, SourceQuery, select, standard_filters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--max-sites", type=int, default=None)
    parser.add_argument("--without-duplicates", action="store_true")
    options = parser.parse_args()
    query = SourceQuery(max_sites=options.max_sites)
    filters = standard_filters(query, avoid=("radioactive", "noble_gas"))
    selection = Selection(filters=filters, deduplicate=not options.without_duplicates)
    start = time.perf_counter()
    reasons: Counter[str] = Counter()
    for entry in select(
        FilesSource(paths=options.paths).entries(), selection, workers=options.workers
    ):
        reasons[entry.reason if isinstance(entry, Rejection) else "kept"] += 1
    seconds = time.perf_counter() - start
    mine = resource.getrusage(resource.RUSAGE_SELF)
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    own, workers = mine.ru_maxrss, theirs.ru_maxrss * options.workers
    cpu_seconds = mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime
    print(f"{sum(reasons.values())} rows in {seconds:.1f} s with {options.workers} workers")
    print(f"{cpu_seconds:.1f} s of processor time in all")
    print(f"peak memory {own / 1024:.0f} MB + workers {workers / 1024:.0f} MB")
    for reason, count in reasons.most_common():
        print(f"  {count:6d} {reason}")


if __name__ == "__main__":
    main()
