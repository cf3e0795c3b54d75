"""Readers that leave, full devices and closed streams, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "dualion"]
POSCAR = "LiF\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi F\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def shell(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of a shell, in which ``$DUALION`` is the command; its status is the command's."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {text}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ
        | {
            "DUALION": " ".join(COMMAND),
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        },
    )


@pytest.mark.parametrize(
    ("line", "status", "sentence"),
    [
        # long gone when the first line is written
        ("$DUALION --help | true", 141, ""),
        ("$DUALION --help > /dev/full", 1, "Cannot write to the standard output"),
        ("$DUALION --help >&-", 0, ""),
        ("$DUALION --help 2>&- > /dev/null", 0, ""),
        ("$DUALION show nothing 2>/dev/full", 2, ""),
        ("$DUALION --version | cat > /dev/null", 0, ""),
        ("$DUALION --help <&- >&- 2>&-", 0, ""),
    ],
)
def test_output_that_cannot_be_written(
    line: str, status: int, sentence: str, tmp_path: Path
) -> None:
    ended = shell(line, tmp_path)
    assert ended.returncode == status, ended.stderr
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == (1 if sentence else 0)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(closed: str, tmp_path: Path) -> None:
    text = (
        "import os, subprocess, sys; "
        "from dualion.workflows.execution.output_stream import guard_output; "
        "guard_output(); file = open('table', 'w'); "
        "subprocess.run(['sh', '-c', 'echo from below; echo said >&2']); "
        "os.write(1, b'x'); os.write(2, b'x'); "
        "file.write('whole'); file.close()"
    )
    ended = shell(f'{sys.executable} -c "{text}" {closed}', tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "table").read_text() == "whole"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "LiF.vasp").write_text(POSCAR)
    ended = shell("$DUALION screen LiF.vasp --output out --workers 1", folder)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "show LiF out", "show LiF out --json", "status out", "status out --json", "compare out out",
        "doctor", "path LiF.vasp", "md --help", "fetch --help", "export --help",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("target", "status"), [("| true", 141), ("> /dev/full", 1)])
def test_every_command_ends_quietly(command: str, target: str, status: int, run: Path) -> None:
    ended = shell(f"$DUALION {command} {target}", run)
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr and "Exception ignored" not in ended.stderr


@pytest.mark.slow
def test_a_screening_without_a_reader_writes_its_tables(run: Path) -> None:
    ended = shell("$DUALION screen LiF.vasp --output again --workers 1 | true", run)
    assert ended.returncode == 141, ended.stderr
    assert "Traceback" not in ended.stderr
    rows = [(run / name / "screened.csv").read_text().splitlines() for name in ("out", "again")]
    assert len(rows[0]) == len(rows[1]) == 2
