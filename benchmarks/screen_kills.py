"""SIGKILL ``dualion screen``, driver and workers, at random; give the same command again; compare.

    python benchmarks/screen_kills.py STRUCTURES.jsonl.gz [--structures 300] [--kills 15]

The undisturbed run and the killed one must give equal tables, the timing column left out, and
every structure is computed once as far as the store had it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from campaign_kills import AT_ONCE, SPACING_ANGSTROM, done, kill_one, rows, subset

PROGRAM = "from dualion.workflows.cli.main import main; main()"


def start(source: Path, output: Path, spacing_angstrom: float) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [
            *(sys.executable, "-c", PROGRAM, "screen", str(source), "--output", str(output)),
            *("--workers", "2", "--spacing", str(spacing_angstrom)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )


def wait_for_progress(driver: subprocess.Popen[str], output: Path) -> None:
    """Until the store has another structure, or the driver is gone."""
    before = done(output / "campaign.yaml")
    while driver.poll() is None and done(output / "campaign.yaml") <= before:
        time.sleep(0.1)


def disturbed(
    source: Path,
    output: Path,
    *,
    kills: int,
    chance: random.Random,
    longest_s: float,
    spacing_angstrom: float = SPACING_ANGSTROM,
) -> dict[str, int]:
    """Give the command until it ends, killing on the way; what was hit how often.

    Raises:
        RuntimeError: the run ended before all kills, or a command failed by itself.
    """
    hit = {"worker": 0, "driver": 0, "starts": 1}
    driver = start(source, output, spacing_angstrom)
    while hit["worker"] + hit["driver"] < kills:
        if chance.random() > AT_ONCE:
            wait_for_progress(driver, output)
        time.sleep(chance.uniform(0.0, longest_s))
        what = "gone" if driver.poll() is not None else kill_one(driver, chance)
        if what in hit:
            hit[what] += 1
        if driver.poll() is not None:
            _check(driver, early=what == "gone")
            driver = start(source, output, spacing_angstrom)
            hit["starts"] += 1
    while True:
        driver.communicate()
        if driver.returncode == 0:
            return hit
        _check(driver, early=False)
        driver = start(source, output, spacing_angstrom)
        hit["starts"] += 1


def _check(driver: subprocess.Popen[str], *, early: bool) -> None:
    """Raises:
    RuntimeError: the command was not killed but ended by itself.
    """
    said = ""
    if driver.stderr and not driver.stderr.closed:
        if driver.returncode != -9:  # of a killed one, workers may still hold the other end
            said = driver.stderr.read()
        driver.stderr.close()
    if driver.returncode == -9:
        return
    if early and driver.returncode == 0:
        raise RuntimeError("the run ended before all kills; use more structures")
    raise RuntimeError(f"the command ended with {driver.returncode}: {said[-2000:]}")


def computed(output: Path) -> int:
    """Structures that ended runs say they computed."""
    lines = (output / "campaign.log.jsonl").read_text(encoding="utf-8").splitlines()
    return sum(int(json.loads(line).get("computed", 0)) for line in lines)


def tables_equal(first: Path, second: Path) -> bool:
    """Whether both tables of two runs are equal, the timing column left out."""
    names = ("screened.csv", "candidates.csv")
    return all(rows(first, name) == rows(second, name) for name in names)


def main() -> None:
    """Print what was hit and whether the tables are equal; exit status 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--structures", type=int, default=300)
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spacing", type=float, default=SPACING_ANGSTROM, help="Å")
    parser.add_argument(
        "--longest", type=float, default=2.0, help="s from progress to the kill, at most"
    )
    asked = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="dualion-screen-kills-"))
    subset(asked.source, base / "some.jsonl", asked.structures, asked.seed)
    begun = time.monotonic()
    calm = start(base / "some.jsonl", base / "calm", asked.spacing)
    _, said = calm.communicate()
    if calm.returncode != 0:
        raise RuntimeError(f"the undisturbed run ended with {calm.returncode}: {said[-2000:]}")
    print(f"undisturbed: {time.monotonic() - begun:.1f} s, computed {computed(base / 'calm')}")
    begun = time.monotonic()
    hit = disturbed(
        base / "some.jsonl",
        base / "wild",
        kills=asked.kills,
        chance=random.Random(asked.seed),
        longest_s=asked.longest,
        spacing_angstrom=asked.spacing,
    )
    print(f"disturbed: {time.monotonic() - begun:.1f} s, hit {hit}")
    same = tables_equal(base / "calm", base / "wild")
    count = len(rows(base / "wild", "screened.csv"))
    print(f"{count} rows; tables {'equal' if same else 'DIFFER'} ({base})")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
