"""The folder in which an external program runs: numbered calls, and complete restarts.

``work/call-0001/``    one call of the program, from its inputs to its output
``work/restart-120/``  the files from which the program continues at step 120

A restart is copied out of a call while or after the program runs, into a folder that gets its
name once all of it is on disk. So a kill leaves the old restart or the new one, never a part.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from dualion.workflows.execution.files import write_text

START_FILE = "call.json"
OLD_START_FILE = "piece.json"
"""Its name in folders of earlier versions, ``piece-0001`` and on."""

CALL_FOLDER = re.compile(r"(?:call|piece)-(\d+)")


@dataclass(frozen=True, slots=True)
class ProgramCall:
    """One call of the program.

    Attributes:
        path: folder in which it runs.
        from_step: MD step at which it starts.
    """

    path: Path
    from_step: int


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The program calls and restarts of one run."""

    path: Path

    def latest_call(self) -> ProgramCall | None:
        """Find the last call that was started."""
        for folder in reversed(self._call_folders()):
            from_step = _read_start(folder)
            if from_step is not None:  # else killed before it started
                return ProgramCall(folder, from_step)
        return None

    def start_call(self, from_step: int, *, keep: Collection[str]) -> ProgramCall:
        """Make the folder of the next call; clear those before, their inputs excepted.

        Args:
            from_step: MD step at which the call starts.
            keep: names of the files that stay in earlier folders.
        """
        self.path.mkdir(exist_ok=True)
        before = self._call_folders()
        number = _number(before[-1]) + 1 if before else 1
        for folder in before:
            _clear(folder, keep)
        call = ProgramCall(self.path / f"call-{number:04d}", from_step)
        call.path.mkdir()
        write_text(call.path / START_FILE, json.dumps({"from_step": from_step}) + "\n")
        return call

    def find_restart(self, step: int) -> Path | None:
        """Find the folder of the restart of an MD step."""
        folder = self.path / f"restart-{step}"
        return folder if folder.is_dir() else None

    def save_restart(self, step: int, files: Mapping[str, bytes]) -> None:
        """Write a restart atomically.

        Args:
            step: MD step of the restart.
            files: name → content.

        Raises:
            OSError: the disk refuses; earlier restarts stay.
        """
        part = self.path / "restart.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, content in files.items():
            with (part / name).open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
        final = self.path / f"restart-{step}"
        shutil.rmtree(final, ignore_errors=True)
        part.replace(final)

    def prune_restarts(self, step: int) -> None:
        """Remove all restarts but that of a step, once a checkpoint refers to it."""
        for folder in self.path.glob("restart-*"):
            if folder.name != f"restart-{step}":
                shutil.rmtree(folder, ignore_errors=True)

    def _call_folders(self) -> list[Path]:
        found = [f for f in self.path.glob("*-*") if CALL_FOLDER.fullmatch(f.name)]
        return sorted(found, key=_number)


def _number(folder: Path) -> int:
    return int(folder.name.partition("-")[2])


def _read_start(folder: Path) -> int | None:
    """MD step at which a call starts; None where nothing readable says so."""
    for name in (START_FILE, OLD_START_FILE):
        try:
            return int(json.loads((folder / name).read_text(encoding="utf-8"))["from_step"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _clear(folder: Path, keep: Collection[str]) -> None:
    """Remove files whose content is in the trajectory already; inputs stay as a record."""
    for item in folder.iterdir():
        if item.name in keep:
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item, ignore_errors=True)
        else:
            item.unlink(missing_ok=True)
