"""A large campaign with a stub in place of the physics: throughput, driver memory, database size.

    python benchmarks/campaign_scale.py STRUCTURES.jsonl.gz --structures 1000000 \\
        --workers 16 --scale 0.25 --progress progress.jsonl

Structures are those of the file, repeated under new names until there are enough. The stub sleeps for the estimated time of each structure with the scatter measured around
it, times ``--scale``. At the end the campaign is run once more with nothing to do.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from campaign_stub import stub

from dualion.workflows.campaign.run import Progress, run_campaign
from dualion.workflows.campaign.yaml_reader import load_campaign


def lines(source: Path, number: int) -> Iterator[str]:
    """Rows of the file, over and over, each with a name of its own."""
    with gzip.open(source, "rt", encoding="utf-8") as handle:
        known = list(handle)
    for index in range(number):
        row = known[index % len(known)]
        yield row.replace('"material_id":"', f'"material_id":"n{index}-', 1)


def write_input(source: Path, target: Path, number: int) -> None:
    """The campaign's input: one compressed file."""
    with gzip.open(target, "wt", encoding="utf-8", compresslevel=1) as handle:
        handle.writelines(lines(source, number))


class Watch:
    """Resident memory of this process, sampled in the background."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, float]] = []
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        start = time.monotonic()
        while not self._stop.wait(1.0):
            megabytes = self._process.memory_info().rss / 1e6
            self.samples.append((time.monotonic() - start, megabytes))

    def stop(self) -> None:
        """End the sampling."""
        self._stop.set()
        self._thread.join()


def main() -> None:
    """Print throughput, memory and sizes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--structures", type=int, default=1_000_000)
    parser.add_argument("--scale", type=float, default=0.0, help="1: as long as the real work")
    parser.add_argument("--progress", type=Path, help="file for a line on each step")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    asked = parser.parse_args()
    os.environ["DUALION_STUB_SCALE"] = str(asked.scale)
    folder = Path(tempfile.mkdtemp(prefix="dualion-scale-"))
    write_input(asked.source, folder / "in.jsonl.gz", asked.structures)
    (folder / "campaign.yaml").write_text(
        f"sources:\n  - files: [in.jsonl.gz]\ncluster:\n  workers: {asked.workers}\n"
    )
    campaign = load_campaign(folder / "campaign.yaml")
    stages: dict[str, float] = {}
    marks: list[tuple[int, float]] = []
    watch = Watch()

    def note(progress: Progress) -> None:
        if not marks or progress.done - marks[-1][0] >= asked.structures // 50:
            marks.append((progress.done, psutil.Process().memory_info().rss / 1e6))
            report(
                done=progress.done,
                rate_per_s=round(progress.rate),
                driver_mb=round(marks[-1][1]),
                driver_cpu_s=round(time.process_time()),
                database_mb=round((folder / "campaign.db").stat().st_size / 1e6),
            )

    def report(**values: object) -> None:
        if asked.progress:
            with asked.progress.open("a") as handle:
                handle.write(json.dumps({"s": round(time.monotonic() - start), **values}) + "\n")

    def stage(name: str) -> None:
        stages.setdefault(name, time.monotonic() - start)
        report(stage=name, driver_cpu_s=round(time.process_time()))

    start = time.monotonic()
    result = run_campaign(
        campaign,
        work=stub,
        on_stage=stage,
        on_progress=note,
    )
    whole = time.monotonic() - start
    watch.stop()
    print(f"{result.computed} structures, {asked.workers} workers, scale {asked.scale}")
    print(
        "stages begin at", {name: round(at, 1) for name, at in stages.items()}, f"end {whole:.1f}"
    )
    screening = stages["writing tables"] - stages["screening"]
    print(f"screening: {screening:.1f} s, {result.computed / screening:.0f} structures/s")
    print("driver memory, MB, at structures done:", [(n, round(mb)) for n, mb in marks])
    print(f"most {max(mb for _, mb in watch.samples):.0f} MB")
    for name in ("campaign.db", "screened.csv", "candidates.csv", "in.jsonl.gz"):
        print(f"{name}: {(folder / name).stat().st_size / 1e6:.1f} MB")
    start = time.monotonic()
    again = run_campaign(campaign, work=stub)
    print(
        f"resume with nothing to do: {time.monotonic() - start:.2f} s ({again.computed} computed)"
    )
    if not asked.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
