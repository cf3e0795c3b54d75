"""A folder that a finished screening left: its tables and its sidecar, read back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dualion.results.columns import Row
from dualion.results.guest_rows import anion_name
from dualion.results.tables import read_table
from dualion.screening.criterion import DIMENSIONALITY, DaiCriterion
from dualion.structures.errors import InputError

LARGEST_SIDECAR_BYTES = 50_000_000

Identity = tuple[str, str, str, str]
"""Source, name there, cation, anion (or guest): what makes a row of one run unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """What a screening or a campaign left.

    Attributes:
        folder: where it lies.
        rows: rows of ``screened.csv``, in its order.
        candidates: rows of ``candidates.csv``, by rank.
        sidecar: content of ``run.json``.
    """

    folder: Path
    rows: list[Row]
    candidates: list[Row]
    sidecar: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the name of the folder."""
        return self.folder.resolve().name

    @property
    def criterion(self) -> dict[str, Any]:
        """Return the thresholds of the verdict, fields of ``DaiCriterion``."""
        stored = _mapping(_mapping(self.sidecar.get("options")).get("criterion"))
        return {**asdict(DaiCriterion()), **stored}

    def dai_criterion(self) -> DaiCriterion:
        """Return the thresholds of the run.

        Raises:
            InputError: the sidecar holds others than this version knows.
        """
        try:
            return DaiCriterion(**self.criterion)
        except TypeError as error:
            raise InputError(
                f"run.json of {self.folder} holds an unknown criterion ({error})."
            ) from error

    @property
    def strict(self) -> bool:
        """Tell whether the run refused structures that balance only by force."""
        return _mapping(self.sidecar.get("options")).get("strict") is True

    @property
    def dimensionality(self) -> int:
        """Return the dimensionality of the barriers that decided: 1, 2 or 3."""
        found = self.criterion["dimensionality"]
        return found if found in (1, 2, 3) else DIMENSIONALITY

    @property
    def ranks(self) -> dict[Identity, int]:
        """Return the rank of each candidate."""
        return {identity(row): int(row["rank"] or 0) for row in self.candidates}


def identity(row: Row) -> Identity:
    """Return what makes a row of one run unique."""
    source, name, cation = (str(row.get(key) or "") for key in ("source", "source_id", "cation"))
    return source, name, cation, anion_name(row)


def read_run_folder(folder: Path) -> RunFolder:
    """Read a run's tables and sidecar.

    Raises:
        InputError: the folder or a file is missing or damaged; the message says what to do.
    """
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder}; name one that dualion screen or dualion run wrote."
        )
    sidecar = _read_sidecar(folder / "run.json")
    rows = _rows(folder / "screened.csv")
    candidates = _candidates(folder / "candidates.csv", rows)
    return RunFolder(folder=folder, rows=rows, candidates=candidates, sidecar=sidecar)


def read_candidates(folder: Path) -> RunFolder:
    """Read candidates and sidecar of a run alone.

    Raises:
        InputError: the folder or a file is missing or damaged; the message says what to do.
    """
    sidecar = _read_sidecar(folder / "run.json")
    return RunFolder(
        folder=folder, rows=[], candidates=_rows(folder / "candidates.csv"), sidecar=sidecar
    )


def _candidates(path: Path, rows: list[Row]) -> list[Row]:
    """Read the rows of the ranking; none where nothing passed.

    Raises:
        InputError: pairs passed, and the table is missing or damaged.
    """
    if path.exists():
        return _rows(path)
    passed = sum(row.get("dai") is True and not row.get("set_aside") for row in rows)
    if passed:
        raise InputError(
            f"{path} is missing, though pairs of screened.csv pass ({passed}); write both again "
            "with the run's own command."
        )
    return []


def _rows(path: Path) -> list[Row]:
    try:
        return read_table(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is damaged ({error}); write it again with the run's own command."
        ) from error


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_SIDECAR_BYTES:
            raise InputError(f"{path} is too large to be a run's sidecar.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path.parent} holds no readable run.json ({error.strerror}); name a folder that "
            "dualion screen or dualion run wrote."
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is no valid JSON ({error}); run the screening again.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is not the sidecar of a run; run the screening again.")
    return content


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
