"""Stand-ins for the commands of batch systems, whose answers tests decide."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMON = """#!/bin/bash
cd {folder} || exit 9
"""

SUBMIT = (
    COMMON
    + """
if [ -e refuse ]; then echo "error: no such queue" >&2; exit 1; fi
if [ -e lost ]; then echo 1 >> accepted; cat lost; exit 0; fi
number=$(( 1000 + $(cat accepted 2>/dev/null | wc -l) + 1 ))
echo $number >> accepted
cat banner 2>/dev/null
{answer}
"""
)

QUERY = (
    COMMON
    + """
if [ -e silent ]; then cat silent >&2; exit 1; fi
{head}
for number in $([ -e over ] || cat accepted 2>/dev/null); do
{row}
done
{tail}
exit 0
"""
)

CANCEL = (
    COMMON
    + """
if [ -e silent ]; then cat silent >&2; exit 1; fi
echo "$@" >> cancelled
"""
)

PROGRAMS = {
    "slurm": {
        "sbatch": SUBMIT.replace("{answer}", "echo $number"),
        "squeue": QUERY.replace("{head}", "")
        .replace("{row}", 'echo "$number PENDING"')
        .replace("{tail}", ""),
        "scancel": CANCEL,
    },
    "pbs": {
        "qsub": SUBMIT.replace("{answer}", "echo $number.server"),
        "qstat": QUERY.replace("{head}", "")
        .replace("{row}", r'printf "Job Id: $number.server\n    job_state = Q\n\n"')
        .replace("{tail}", ""),
        "qdel": CANCEL,
    },
    "sge": {
        "qsub": SUBMIT.replace(
            "{answer}", """echo "Your job $number (\\"name\\") has been submitted" """
        ),
        "qstat": QUERY.replace("{head}", 'echo "<job_info>"')
        .replace(
            "{row}",
            'echo "<job_list><JB_job_number>$number</JB_job_number><state>qw</state></job_list>"',
        )
        .replace("{tail}", 'echo "</job_info>"'),
        "qdel": CANCEL,
    },
}

SILENT = {
    "slurm": "slurm_load_jobs error: Socket timed out on send/recv operation",
    "pbs": "Connection refused\nqstat: cannot connect to server pbs (errno=111)",
    "sge": "error: commlib error: got select error (Connection refused)",
}


@dataclass(frozen=True, slots=True)
class StandIn:
    """A queue that keeps all jobs waiting.

    Attributes:
        folder: with the files that decide what it answers.
        scheduler: name of the batch system.
    """

    folder: Path
    scheduler: str

    @property
    def accepted(self) -> int:
        """How many jobs the queue took."""
        file = self.folder / "accepted"
        return len(file.read_text().splitlines()) if file.exists() else 0

    @property
    def cancelled(self) -> list[str]:
        """What it was told to end."""
        file = self.folder / "cancelled"
        return file.read_text().splitlines() if file.exists() else []

    def tell(self, name: str, text: str = "") -> None:
        """Let it refuse, fall silent, print a banner or lose its answer."""
        (self.folder / name).write_text(text)

    def fall_silent(self) -> None:
        """Let it answer no query, as the batch system does when its server is down."""
        self.tell("silent", SILENT[self.scheduler] + "\n")

    def recover(self) -> None:
        """Let it answer again."""
        (self.folder / "silent").unlink()


def install_queue(folder: Path, scheduler: str, patch: pytest.MonkeyPatch) -> StandIn:
    """Put the commands of a batch system first on the path."""
    place = folder / "bin"
    place.mkdir(parents=True)
    for name, text in PROGRAMS[scheduler].items():
        (place / name).write_text(text.replace("{folder}", f"'{folder}'"))
        (place / name).chmod(0o755)
    patch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    return StandIn(folder, scheduler)
