"""A campaign on a Dask scheduler that somebody else started, which is killed in mid-run."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dualion.structures.files import reference_paths

pytestmark = pytest.mark.cluster

PATIENCE_S = 240.0
NUMBER = 32
ENOUGH = 4
"""Structures that are done before the scheduler is killed."""


def started(*command: str, folder: Path) -> subprocess.Popen[str]:
    """A Python process; what it says goes to files."""
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def dask(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A scheduler with two workers: its address and its process."""
    folder.mkdir()
    contact = folder / "scheduler.json"
    where = ("--scheduler-file", str(contact), "--no-dashboard")
    scheduler = started(
        "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *where,
        folder=folder,
    )  # fmt: skip
    workers = [
        started(
            "-m", "distributed.cli.dask_worker", *where, "--nthreads", "1", "--local-directory",
            str(folder), folder=folder,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        end = time.monotonic() + PATIENCE_S
        while not contact.exists() or not contact.stat().st_size:
            assert time.monotonic() < end, "no Dask scheduler came up"
            time.sleep(0.1)
        yield str(json.loads(contact.read_text())["address"]), scheduler
    finally:
        for process in (*workers, scheduler):
            process.terminate()
        for process in (*workers, scheduler):
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def write_campaign(folder: Path, cluster: str) -> None:
    folder.mkdir(exist_ok=True)
    paths = "\n".join(f"      - '{path}'" for path in reference_paths()[:NUMBER])
    (folder / "campaign.yaml").write_text(
        f"sources:\n  - files:\n{paths}\nions: {{cations: [Li, Na]}}\n"
        f"barriers: {{spacing_angstrom: 0.12}}\ncluster: {{{cluster}}}\n"
    )


def run(folder: Path) -> subprocess.Popen[str]:
    """``dualion run`` in a folder."""
    return started(
        "-c", "from dualion.workflows.cli.main import main; main()", "run", folder=folder
    )


def done(folder: Path) -> int:
    """Structures that are done, by the store."""
    try:
        with contextlib.closing(sqlite3.connect(folder / "campaign.db", timeout=30)) as store:
            found = store.execute("SELECT count(*) FROM structures WHERE asked IS NOT NULL")
            return int(found.fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(handle)]


def test_a_killed_scheduler_costs_a_sentence_and_the_next_run_goes_on(tmp_path: Path) -> None:
    folder, calm = tmp_path / "c", tmp_path / "calm"
    with dask(tmp_path / "first") as (address, scheduler):
        write_campaign(folder, f"kind: address, address: '{address}'")
        driver = run(folder)
        end = time.monotonic() + PATIENCE_S
        while done(folder) < ENOUGH and driver.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        scheduler.send_signal(signal.SIGKILL)
        _, said = driver.communicate(timeout=PATIENCE_S)
    kept = done(folder)
    assert driver.returncode == 2, said
    assert said.strip() == (
        "dualion: The connection to the Dask scheduler is lost. What was done is kept; "
        "start again to go on."
    )
    assert ENOUGH <= kept < NUMBER
    driver = run(folder)
    _, said = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 2
    assert said.count("\n") == 1
    assert f"No Dask scheduler answers at {address}" in said
    with dask(tmp_path / "second") as (address, _):
        write_campaign(folder, f"kind: address, address: '{address}'")
        driver = run(folder)
        _, said = driver.communicate(timeout=PATIENCE_S)
        assert driver.returncode == 0, said
    lines = (folder / "campaign.log.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert [e["left"] for e in events if e["event"] == "start"][-1] == NUMBER - kept
    write_campaign(calm, "workers: 2")
    driver = run(calm)
    driver.communicate(timeout=PATIENCE_S)
    for name in ("screened.csv", "candidates.csv"):
        assert rows(folder, name) == rows(calm, name)
