"""Where an external program runs: numbered pieces, and restarts that are kept whole.

``work/piece-0001/``   one call of the program, from its inputs to its output
``work/restart-120/``  what the program needs in order to go on from step 120

A restart is copied out of a piece while or after the program runs, into a folder that gets its
name once all of it is on the disk. So a kill leaves the old restart or the new one, never a part.
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

NOTE = "piece.json"


@dataclass(frozen=True, slots=True)
class Piece:
    """One call of the program.

    Attributes:
        path: folder in which it runs.
        from_step: MD step at which it begins.
    """

    path: Path
    from_step: int


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The pieces and restarts of one run."""

    path: Path

    def newest(self) -> Piece | None:
        """The last piece that was begun."""
        for folder in reversed(self._pieces()):
            try:
                note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
                return Piece(folder, int(note["from_step"]))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # killed before it was begun
        return None

    def begin(self, from_step: int, *, keep: Collection[str]) -> Piece:
        """Open the folder of the next piece; of those before, only the files to keep stay."""
        self.path.mkdir(exist_ok=True)
        before = self._pieces()
        number = _number(before[-1]) + 1 if before else 1
        for folder in before:
            _clear(folder, keep)
        piece = Piece(self.path / f"piece-{number:04d}", from_step)
        piece.path.mkdir()
        write_text(piece.path / NOTE, json.dumps({"from_step": from_step}) + "\n")
        return piece

    def restart(self, step: int) -> Path | None:
        """Folder of the restart of a step, if it is there."""
        folder = self.path / f"restart-{step}"
        return folder if folder.is_dir() else None

    def keep(self, step: int, files: Mapping[str, bytes]) -> None:
        """Put a restart on the disk, whole.

        Raises:
            OSError: the disk refuses; the restarts before stay.
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

    def prune(self, step: int) -> None:
        """Remove all restarts but that of a step, once a checkpoint counts on it."""
        for folder in self.path.glob("restart-*"):
            if folder.name != f"restart-{step}":
                shutil.rmtree(folder, ignore_errors=True)

    def _pieces(self) -> list[Path]:
        found = [f for f in self.path.glob("piece-*") if re.fullmatch(r"piece-\d+", f.name)]
        return sorted(found, key=_number)


def _number(folder: Path) -> int:
    return int(folder.name.partition("-")[2])


def _clear(folder: Path, keep: Collection[str]) -> None:
    """Remove what has been joined already; inputs stay as a record."""
    for item in folder.iterdir():
        if item.name in keep:
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item, ignore_errors=True)
        else:
            item.unlink(missing_ok=True)
