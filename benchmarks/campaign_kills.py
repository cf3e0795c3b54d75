"""SIGKILL a running campaign's driver and workers at random, resume, and compare the tables.

    python benchmarks/campaign_kills.py STRUCTURES.jsonl.gz [--structures 500] [--kills 20]

The undisturbed run and the killed one must give equal tables, the timing column left out.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SPACING_ANGSTROM = 0.14
"""Finer than usual, so that the work outlasts the kills."""

AT_ONCE = 0.25
"""Share of the kills that do not wait for any progress: they hit the start."""

RUN = (
    "import sys; from pathlib import Path; from dualion.workflows.campaign.yaml_reader import load_campaign; "
    "from dualion.workflows.campaign.run import run_campaign; "
    "print(run_campaign(load_campaign(Path(sys.argv[1]))).computed)"
)


def write_campaign(folder: Path, source: Path) -> Path:
    """A campaign with two workers."""
    folder.mkdir()
    file = folder / "campaign.yaml"
    file.write_text(
        f"sources:\n  - files: ['{source}']\ncluster:\n  workers: 2\n"
        f"barriers:\n  spacing_angstrom: {SPACING_ANGSTROM}\n"
    )
    return file


def subset(source: Path, target: Path, number: int, seed: int) -> None:
    """Structures chosen at random from a file with one a line."""

    with gzip.open(source, "rt", encoding="utf-8") as handle:
        lines = list(itertools.islice(handle, 20000))
    chosen = random.Random(seed).sample(lines, number)
    target.write_text("".join(chosen), encoding="utf-8")


def start(file: Path) -> subprocess.Popen[str]:
    """The driver in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )


def kill_one(driver: subprocess.Popen[str], chance: random.Random) -> str:
    """SIGKILL the driver or one of its workers."""
    try:
        below = psutil.Process(driver.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return "nothing"
    workers = [p for p in below if "spawn_main" in " ".join(_command(p))]
    if workers and chance.random() < 0.6:
        victim = chance.choice(workers)
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return "nothing"
        return "worker"
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    return "driver"


def wait_for_progress(driver: subprocess.Popen[str], file: Path) -> None:
    """Until the store has another structure, or the driver is gone."""
    before = done(file)
    while driver.poll() is None and done(file) <= before:
        time.sleep(0.1)


def done(file: Path) -> int:
    """Structures that are done, by the store."""
    try:
        with contextlib.closing(sqlite3.connect(file.parent / "campaign.db", timeout=30)) as store:
            found = store.execute("SELECT count(*) FROM structures WHERE asked IS NOT NULL")
            return int(found.fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def disturbed(file: Path, kills: int, chance: random.Random, longest_s: float) -> dict[str, int]:
    """Run the campaign to its end, killing on the way; what was hit how often."""
    hit = {"worker": 0, "driver": 0, "starts": 1}
    driver = start(file)
    killed = 0
    while killed < kills:
        if chance.random() > AT_ONCE:
            wait_for_progress(driver, file)
        time.sleep(chance.uniform(0.0, longest_s))
        if driver.poll() is not None:
            if driver.returncode == 0:
                raise SystemExit(f"the run ended after {killed} kills; use more structures")
            driver = start(file)
            hit["starts"] += 1
            continue
        what = kill_one(driver, chance)
        if what in hit:
            hit[what] += 1
            killed += 1
    while driver.wait() != 0 or driver.returncode is None:
        driver = start(file)
        hit["starts"] += 1
    return hit


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    """Rows of a table without the timing column."""
    with (folder / table).open(newline="", encoding="utf-8") as handle:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(handle)]


def main() -> None:
    """Print what was hit and whether the tables are equal; exit status 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--structures", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--longest", type=float, default=2.0, help="s from progress to the kill, at most"
    )
    asked = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="dualion-kills-"))
    subset(asked.source, base / "some.jsonl", asked.structures, asked.seed)
    calm = write_campaign(base / "calm", base / "some.jsonl")
    begun = time.monotonic()
    assert start(calm).wait() == 0
    print(f"undisturbed: {time.monotonic() - begun:.1f} s")
    wild = write_campaign(base / "wild", base / "some.jsonl")
    begun = time.monotonic()
    hit = disturbed(wild, asked.kills, random.Random(asked.seed), asked.longest)
    print(f"disturbed: {time.monotonic() - begun:.1f} s, hit {hit}")
    same = all(
        rows(calm.parent, table) == rows(wild.parent, table)
        for table in ("screened.csv", "candidates.csv")
    )
    count = len(rows(wild.parent, "screened.csv"))
    print(f"{count} rows; tables {'equal' if same else 'DIFFER'} ({base})")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
