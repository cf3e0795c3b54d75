"""Peak memory of one worker: imports, kernels, and the largest ordinary cell.

python benchmarks/memory.py [--atoms 400]
"""

from __future__ import annotations

import argparse
import json
import resource

from _inputs import sample_rows

from dualion.screening.screen_options import ScreenOptions
from dualion.structures.records import RawEntry
from dualion.workflows.campaign.tasks import Job, screen_job


def peak_mb() -> float:
    """Largest resident size of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--atoms", type=int, default=400)
    asked = parser.parse_args()
    row = json.loads(
        next(
            e
            for e in sample_rows("mp_li.jsonl.gz", 50, seed=1)
            if '"nsites": 2' in e.text or '"nsites":2' in e.text
        ).text
    )
    small = RawEntry(source="file", source_id="small", format="jsonl_row", text=json.dumps(row))
    screen_job(Job(index=0, entry=small, options=ScreenOptions()))
    print(f"after a cell of {row['nsites']} atoms: {peak_mb():.0f} MB")
    large = repeated(row, asked.atoms)
    outcome = screen_job(
        Job(
            index=1,
            entry=RawEntry(
                source="file", source_id="large", format="jsonl_row", text=json.dumps(large)
            ),
            options=ScreenOptions(),
        )
    )
    statuses = {r["status"] for r in outcome.rows}
    print(f"after a cell of {large['nsites']} atoms ({statuses}): {peak_mb():.0f} MB")


def repeated(row: dict, atoms: int) -> dict:
    """The cell repeated along its axes, shortest first, until it holds so many atoms."""
    counts = [1, 1, 1]
    while counts[0] * counts[1] * counts[2] * row["nsites"] < atoms:
        lengths = [row["lattice"][i] * counts[i] for i in range(3)]
        counts[lengths.index(min(lengths))] += 1
    coords = [row["coords"][i : i + 3] for i in range(0, len(row["coords"]), 3)]
    images = [
        (a, b, c) for a in range(counts[0]) for b in range(counts[1]) for c in range(counts[2])
    ]
    total = len(images)
    return row | {
        "nsites": row["nsites"] * total,
        "lattice": [row["lattice"][i] * counts[i] for i in range(3)] + row["lattice"][3:],
        "species": [[element, count * total] for element, count in row["species"]],
        "coords": [
            (x + shift) / n
            for site in coords
            for image in images
            for x, shift, n in zip(site, image, counts)
        ],
    }


if __name__ == "__main__":
    main()
