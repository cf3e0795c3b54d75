"""What Dask and the store cost, and what a second core brings, on real structures.

    python benchmarks/campaign_speed.py STRUCTURES.jsonl.gz [--structures 1000]

Four runs over the same structures: a plain loop in one process, two such loops side by side with
half of the structures each (what the machine's second core can bring at most), a campaign with one
worker, and one with two. Wall time counts on an idle machine alone; processor time also on a busy
one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def write_subset(source: Path, target: Path, number: int) -> None:
    """Structures chosen at random, the same at each call."""
    with gzip.open(source, "rt", encoding="utf-8") as handle:
        rows = list(handle)
    target.write_text("".join(random.Random(7).sample(rows, number)), encoding="utf-8")


def plain_loop(file: Path) -> float:
    """One process, no Dask, no store; wall time of the work, s."""
    from dualion.screening.screen_options import ScreenOptions
    from dualion.structures.files import iter_raw_entries
    from dualion.structures.records import RawEntry
    from dualion.workflows.campaign.tasks import Job, screen_job
    from dualion.workflows.execution.warm_up import warm_up

    warm_up()
    start = time.monotonic()
    for index, entry in enumerate(iter_raw_entries([file])):
        if isinstance(entry, RawEntry):
            screen_job(Job(index=index, entry=entry, options=ScreenOptions()))
    return time.monotonic() - start


def campaign(file: Path, workers: int) -> float:
    """A campaign; wall time from the first chunk to the tables, s."""
    from dualion.workflows.campaign.run import run_campaign
    from dualion.workflows.campaign.yaml_reader import load_campaign

    folder = Path(tempfile.mkdtemp(prefix="dualion-speed-"))
    yaml = folder / "campaign.yaml"
    yaml.write_text(f"sources:\n  - files: ['{file}']\ncluster:\n  workers: {workers}\n")
    at: dict[str, float] = {}
    run_campaign(load_campaign(yaml), on_stage=lambda name: at.setdefault(name, time.monotonic()))
    return at["writing tables"] - at["screening"]


def measured(mode: str, file: Path) -> None:
    """Run one mode and print wall and processor time as JSON."""
    wall = plain_loop(file) if mode == "loop" else campaign(file, int(mode))
    spent = {}
    for name, who in (("own", resource.RUSAGE_SELF), ("workers", resource.RUSAGE_CHILDREN)):
        usage = resource.getrusage(who)
        spent[name] = usage.ru_utime + usage.ru_stime
    print(json.dumps({"wall": wall, **spent}))


def started(mode: str, file: Path) -> subprocess.Popen[str]:
    """A mode in a process of its own."""
    command = [sys.executable, __file__, str(file), "--mode", mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> dict[str, float]:
    """What a process measured.

    Raises:
        RuntimeError: it failed; it has said why.
    """
    out, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"a run ended with {process.returncode}")
    return dict(json.loads(out.strip().split("\n")[-1]))


def side_by_side(file: Path) -> float:
    """Wall time of two plain loops at once, each over half of the structures, added up, s."""
    rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    halves = []
    for number in range(2):
        half = file.with_name(f"half_{number}.jsonl")
        half.write_text("".join(rows[number::2]), encoding="utf-8")
        halves.append(half)
    return sum(said(process)["wall"] for process in [started("loop", half) for half in halves])


def main() -> None:
    """Print the runs and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--structures", type=int, default=1000)
    parser.add_argument("--mode", default="")
    asked = parser.parse_args()
    if asked.mode:
        measured(asked.mode, asked.source)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "some.jsonl"
        write_subset(asked.source, file, asked.structures)
        found = {}
        for mode in ("loop", "1", "2"):
            found[mode] = said(started(mode, file))
            print(f"{mode:>5}: {found[mode]}", flush=True)
        bound = 2.0 * found["loop"]["wall"] / side_by_side(file)
    one, two, loop = found["1"], found["2"], found["loop"]
    print(f"speed-up from one to two workers: {one['wall'] / two['wall']:.2f}")
    print(
        f"the same from one plain loop to two side by side, without dualion's campaign: {bound:.2f}"
    )
    print(f"wall time of one worker over the plain loop: {one['wall'] / loop['wall'] - 1:+.1%}")
    extra = one["own"] + one["workers"] - loop["own"]
    print(
        f"processor time beyond the plain loop, start of processes included: "
        f"{extra:.1f} s, {extra / loop['own']:+.1%}"
    )


if __name__ == "__main__":
    sys.exit(main())
