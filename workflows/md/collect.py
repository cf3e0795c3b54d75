"""Collect finished runs into the store, and from there into the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualion.results.columns import CANDIDATES
from dualion.results.md.agreement import Comparison, comparisons_csv
from dualion.results.md.finished_runs import (
    compare_runs,
    group_by_structure,
    md_columns_of,
    results_of,
    runs_csv,
)
from dualion.results.ranking import rank_again
from dualion.results.score import ScoreWeights, rescored
from dualion.results.store import MdRun, MdRuns
from dualion.results.tables import guard_cell, read_table, write_table
from dualion.screening.criterion import DIMENSIONALITY
from dualion.structures.errors import DualionError, InputError
from dualion.workflows.execution.files import write_text
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.reconcile import RunStatus, reconcile
from dualion.workflows.md.run.segment import analyse_run
from dualion.workflows.md.states import RunState

LARGEST_ANALYSIS_BYTES = 100_000_000


@dataclass(slots=True, kw_only=True)
class Collected:
    """Result of collecting.

    Attributes:
        taken: finished runs that were new to the store.
        done: all finished runs.
        runs: all runs.
        rows: rows of ``candidates.csv`` with MD columns.
        problems: runs whose analysis could not be read, a sentence each.
        comparisons: formula, and what two potentials say of an ion, of each cell that both ran.
    """

    taken: int
    done: int
    runs: list[MdRun]
    rows: int
    problems: list[str]
    comparisons: list[tuple[str, Comparison]]


def collect_runs(folder: MdFolder) -> Collected:
    """Collect finished runs: write the store, ``md_runs.csv`` and ``candidates.csv``.

    Raises:
        InputError: nothing is queued, or a table cannot be written.
    """
    with folder.reading():
        pass
    problems: list[str] = []
    with folder.writing() as runs:
        seen = reconcile(folder, runs)
        fresh = _read_new_results(folder, runs, seen, problems)
        runs.note({key: {"results": results} for key, results in fresh.items()})
        known = runs.all()
        try:
            write_text(folder.path / "md_runs.csv", runs_csv(known))
            comparisons = _write_comparisons(folder.path, known)
            rows = fill_candidates(
                folder.path,
                known,
                weight=_weight(folder),
                dimensionality=_dimensionality(folder),
            )
        except OSError as error:
            raise InputError(
                f"Cannot write the tables in {folder.path}: {error.strerror}. The results are safe "
                "in the store; free space and collect again."
            ) from error
    return Collected(
        taken=len(fresh),
        done=sum(run.state == RunState.DONE for run in known),
        runs=known,
        rows=rows,
        problems=problems,
        comparisons=comparisons,
    )


def _weight(folder: MdFolder) -> float:
    """Weight of the potentials' agreement in the folder's ranking."""
    weights = folder.campaign.weights() if folder.campaign else ScoreWeights()
    return weights.potentials


def _dimensionality(folder: MdFolder) -> int:
    """Dimensionality of the barriers that rank the folder's candidates."""
    return folder.campaign.criterion.dimensionality if folder.campaign else DIMENSIONALITY


def _write_comparisons(folder: Path, runs: Iterable[MdRun]) -> list[tuple[str, Comparison]]:
    """Write ``md_potentials.csv`` where several potentials computed the same cells.

    Raises:
        OSError: the disk refuses.
    """
    found = [
        ({"source_id": guard_cell(members[0].source_id), "formula": members[0].formula}, one)
        for members in group_by_structure(runs).values()
        for one in compare_runs(members, members[0].cation, members[0].anion)
    ]
    if found:
        write_text(folder / "md_potentials.csv", comparisons_csv(found))
    return [(facts["formula"], one) for facts, one in found]


def _read_new_results(
    folder: MdFolder, runs: MdRuns, seen: Iterable[RunStatus], problems: list[str]
) -> dict[str, dict[str, Any]]:
    """Read the results of finished runs that the store lacks; repeat an analysis that is gone."""
    found = {}
    for one in seen:
        if one.state is not RunState.DONE or one.run.results:
            continue
        try:
            found[one.run.key] = results_of(_read_transport(folder, one.run))
        except (DualionError, OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{one.run.key[:6]}: its analysis cannot be read ({error}).")
    return found


def _read_transport(folder: MdFolder, run: MdRun) -> Mapping[str, Any]:
    files = folder.run_folder(run.place)
    path = files.analysis / "transport.json"
    if not path.is_file():
        analyse_run(files, files.spec())
    if path.stat().st_size > LARGEST_ANALYSIS_BYTES:
        raise InputError(f"{path} is larger than an analysis can be.")
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def fill_candidates(
    folder: Path, runs: Iterable[MdRun], *, weight: float, dimensionality: int
) -> int:
    """Write the MD columns of ``candidates.csv``; what potentials say of a row may move it.

    Args:
        folder: with the table.
        runs: all runs.
        weight: of the potentials' agreement in the score.
        dimensionality: 1, 2 or 3: the barriers that were scored.

    Returns:
        Number of rows with MD columns.

    Raises:
        OSError: the disk refuses; the old table stays.
    """
    path = folder / "candidates.csv"
    if not path.is_file():
        return 0
    by_structure, count, moved = group_by_structure(runs), 0, False
    rows = []
    for row in read_table(path):
        filled = md_columns_of(row, by_structure)
        count += filled.get("md_engine") is not None
        changed = rescored({**row, **filled}, weight)
        moved |= bool(changed)
        rows.append({**row, **filled, **changed})
    write_table(
        path, rank_again(rows, dimensionality=dimensionality) if moved else rows, CANDIDATES
    )
    return count
