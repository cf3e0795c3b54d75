"""The files of a run, and ``run.json``: conventions, versions and counts beside the tables."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.results.columns import CANDIDATES, SCHEMA_VERSION, Row
from dualion.results.funnel import Funnel
from dualion.screening.bvse.softbv import parameters_version
from dualion.workflows.execution.files import write_json

if TYPE_CHECKING:
    from dualion.screening.screen_options import ScreenOptions

PACKAGES = ("dualion", "numpy", "numba", "scipy", "pymatgen", "spglib", "ase", "bvlain", "dask")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """The files of one run."""

    folder: Path

    @property
    def screened(self) -> Path:
        """Every structure × ion pair."""
        return self.folder / "screened.csv"

    @property
    def candidates(self) -> Path:
        """What passed, ranked."""
        return self.folder / "candidates.csv"

    @property
    def sidecar(self) -> Path:
        """Conventions, versions and counts."""
        return self.folder / "run.json"


@dataclass(slots=True, kw_only=True)
class RunSummary:
    """What a run leaves to say.

    Attributes:
        files: where the tables are.
        funnel: counts step by step.
        candidates: the first ranked rows.
        candidate_count: how many there are.
        finished: False where the run was interrupted.
        anode_problem: why columns of the reaction with the anode are empty; empty where all is
            well, or no reaction was asked for.
    """

    files: RunFiles
    funnel: Funnel = field(default_factory=Funnel)
    candidates: list[Row] = field(default_factory=list)
    candidate_count: int = 0
    finished: bool = True
    anode_problem: str = ""


def sidecar(inputs: Sequence[str], options: ScreenOptions, summary: RunSummary) -> dict[str, Any]:
    """Collect conventions, versions and counts, to be written beside the tables.

    Args:
        inputs: what was screened, as the user named it.
        options: of the screening.
        summary: of the run, with its counts.

    Returns:
        Plain data, for ``write_sidecar``.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "finished": summary.finished,
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "inputs": list(inputs),
        "options": dataclasses.asdict(options),
        "pair_parameters": parameters_version(),
        "funnel": dict(summary.funnel.steps()),
        "reasons": dict(summary.funnel.reasons),
        "set_aside": dict(summary.funnel.set_aside),
        "anode_problem": summary.anode_problem,
        "columns": {c.key: {"unit": c.unit, "meaning": c.meaning} for c in CANDIDATES},
        "versions": {"python": platform.python_version()} | _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def write_sidecar(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file, atomically.

    Args:
        path: the file; it is replaced as a whole.
        content: plain data.
    """
    write_json(path, content)
