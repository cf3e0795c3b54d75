"""``dualion md status`` answers where nothing can be written; ``dualion md --help`` is light."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from queue_folders import folder_of, queued, reconcile_runs

from dualion.workflows.md.states import RunState

ROOT = Path(__file__).resolve().parents[3]
COMMAND = "from dualion.workflows.cli.main import main; main()"


def dualion(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@contextlib.contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """A disk of 8 MB of its own."""
    path.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no mount to make a small disk with")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], capture_output=True
    )
    if made.returncode:
        pytest.skip("a disk can only be mounted by root")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as handle, contextlib.suppress(OSError):
        while handle.write(b"\0" * 4096):
            pass
    assert shutil.disk_usage(folder).free == 0


def make_read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


@pytest.mark.parametrize("spoil", [fill, make_read_only])
def test_status_is_shown_where_nothing_can_be_written(tmp_path: Path, spoil: object) -> None:
    with small_disk(tmp_path / "disk") as disk:
        folder = folder_of(disk / "f")
        queued(folder, protocol={"replicas": 2})
        first, second = reconcile_runs(folder)
        files = folder.run_folder(first.run.place)
        progress = files.progress()
        progress.state, progress.reason, progress.done_ps = "done", "budget_spent", 0.4
        files.write_progress(progress)  # the store does not know this yet
        spoil(disk)  # type: ignore[operator]
        shown = dualion("md", "status", str(folder.path), "--json")
    assert shown.returncode == 0, shown.stderr
    states = {one["key"]: one["state"] for one in json.loads(shown.stdout)}
    assert states == {first.run.key: RunState.DONE, second.run.key: RunState.PREPARED}
    assert shown.stderr.startswith("The store is not updated: ")


def test_the_help_of_the_group_imports_no_command() -> None:
    code = (
        "import sys; sys.argv = ['dualion', 'md', '--help']\n"
        "from dualion.workflows.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'scipy', 'pymatgen', 'ase', 'dask', 'sqlalchemy'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert all(name in done.stdout for name in ("queue", "run", "submit", "status", "cancel"))
    assert "HEAVY []" in done.stdout


def test_the_old_name_of_an_option_is_still_taken() -> None:
    shown = dualion("md", "submit", "nowhere", "--pieces", "2")
    assert shown.returncode == 2 and "holds no candidates.csv" in shown.stderr
