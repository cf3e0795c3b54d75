"""Structures a second from a file to the CSV, and where the time goes.

Random rows of mp_li (seeded) through ``dualion screen`` with the default options, as a user
runs it: reading, preparation, Li+ and every anion, refined barriers, CSV. The profile is of one
process without Dask.

    python benchmarks/throughput.py [--rows 1000] [--workers 2] [--seed 3] [--all mp_li|mp_nak]
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from _inputs import require_data, sample_rows

STAGES = {
    "read": ("structures/files/",),
    "oxidation states, disorder": (
        "structures/oxidation/",
        "structures/preparation",
        "structures/disorder",
        "structures/contacts",
    ),
    "space group": ("structures/symmetry",),
    "field": ("screening/field", "screening/_field_kernel"),
    "percolation": ("screening/percolation", "screening/_percolation_kernel"),
    "refinement": ("screening/refinement", "screening/_refinement_kernel"),
    "flags, bond valence sums": ("screening/flags", "screening/bond_valence_sum"),
}


def screen(path: Path, output: Path, workers: int, cations: list[str]) -> float:
    """Wall time of the command, s."""
    command = [
        sys.executable,
        "-c",
        "from dualion.workflows.cli.main import main; main()",
        "screen",
        str(path),
    ]
    command += [word for cation in cations for word in ("--cation", cation)]
    start = time.perf_counter()
    subprocess.run(
        [*command, "--workers", str(workers), "--output", str(output)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def report(output: Path, wall_s: float) -> None:
    """Rates and counts from the CSV."""
    with (output / "screened.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    by_structure: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_structure.setdefault(row["source_id"], []).append(row)
    done = sum(any(r["status"] == "ok" for r in rs) for rs in by_structure.values())
    seconds = sorted(float(rs[0]["seconds"] or 0.0) for rs in by_structure.values())
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{len(by_structure)} structures, {len(rows)} pairs in {wall_s:.1f} s: {len(by_structure) / wall_s:.1f} a second"
    )
    print(
        f"CPU time of all processes: {children.ru_utime + children.ru_stime:.1f} s; load average {os.getloadavg()[0]:.1f}"
    )
    print(f"with barriers: {done} ({100 * done / len(by_structure):.2f} %)")
    print(
        f"seconds a structure: median {seconds[len(seconds) // 2]:.3f}, 99 % {seconds[int(0.99 * len(seconds))]:.3f}, longest {seconds[-1]:.2f}"
    )
    lost = Counter(
        (r["status"], r["reason"])
        for rs in by_structure.values()
        if not any(r["status"] == "ok" for r in rs)
        for r in rs[:1]
    )
    print("not done:", dict(lost))


def profile(entries) -> None:
    """Share of each stage, one process, kernels warm."""
    import cProfile
    import pstats

    from dualion.screening.screen_options import ScreenOptions
    from dualion.workflows.campaign.tasks import Job, screen_job

    jobs = [Job(index=i, entry=entry, options=ScreenOptions()) for i, entry in enumerate(entries)]
    for job in jobs[:20]:
        screen_job(job)
    profiler = cProfile.Profile()
    profiler.runcall(lambda: [screen_job(job) for job in jobs])
    totals: Counter[str] = Counter()
    own_total = 0.0
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profiler).stats.items():
        own_total += own
        totals[stage_of(file, callers)] += own
    print(f"profile of {len(jobs)} structures, {1000 * own_total / len(jobs):.1f} ms each:")
    for name, own in totals.most_common():
        print(f"  {name:>28}: {100 * own / own_total:5.1f} %")


def stage_of(file: str, callers) -> str:
    """Stage of a function by its file; of library code by the file that calls it most."""
    files = [file, *(caller[0] for caller in sorted(callers, key=lambda c: -callers[c][2]))]
    for candidate in files:
        for stage, parts in STAGES.items():
            if any(part in candidate for part in parts):
                return stage
    return "other"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--all", choices=["mp_li", "mp_nak"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        cations = ["Li"]
        if asked.all:
            path = require_data() / f"{asked.all}.jsonl.gz"
            cations = ["Na", "K"] if asked.all == "mp_nak" else cations
        else:
            entries = sample_rows("mp_li.jsonl.gz", asked.rows, seed=asked.seed)
            path.write_text("".join(entry.text.strip() + "\n" for entry in entries))
        output = Path(folder) / "out"
        report(output, screen(path, output, asked.workers, cations))
    if not asked.all:
        profile(entries[:200])


if __name__ == "__main__":
    main()
