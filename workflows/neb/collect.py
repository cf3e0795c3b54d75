"""From the files of ``dualion neb`` into the store of a run and its ranked table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from dualion.results.columns import CANDIDATES
from dualion.results.neb.pair import NebPair, by_key, neb_columns_of
from dualion.results.ranking import rank_candidates
from dualion.results.run_folder import read_candidates
from dualion.results.score import ScoreWeights
from dualion.results.tables import write_table
from dualion.structures.errors import InputError
from dualion.workflows.campaign.run import open_campaign
from dualion.workflows.campaign.yaml_reader import load_campaign, screening_of
from dualion.workflows.execution.locks import folder_lock
from dualion.workflows.neb.pairs import FOLDER, pairs_of_run, read_pairs

if TYPE_CHECKING:
    from dualion.results.run_folder import RunFolder
    from dualion.workflows.campaign.config import Campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Result of collecting.

    Attributes:
        rows: rows of ``candidates.csv`` with barriers of a potential.
        problems: what could not be taken, a sentence each.
    """

    rows: int
    problems: list[str]


def collect_run(folder: Path) -> Collected:
    """Take the barriers of a run's folder into its store, if it has one, and its tables.

    Args:
        folder: of the run.

    Raises:
        InputError: the run is being computed, or a table is damaged or cannot be written.
    """
    pairs, problems = read_pairs(folder / FOLDER)
    campaign = _campaign_of(folder)
    if campaign is None:
        with folder_lock(folder):
            return Collected(rows=join_candidates(folder, pairs), problems=problems)
    with open_campaign(campaign) as (store, _):
        known = pairs_of_run(folder, store)
        return Collected(rows=join_candidates(folder, known), problems=problems)


def _campaign_of(folder: Path) -> Campaign | None:
    """The campaign or screening of a folder; None for tables without a store."""
    if (folder / "campaign.yaml").is_file():
        return load_campaign(folder / "campaign.yaml")
    return screening_of(folder)


def join_candidates(folder: Path, pairs: Sequence[NebPair]) -> int:
    """Write the columns of pairs into ``candidates.csv``, ranked anew.

    Args:
        folder: of the run.
        pairs: what was computed.

    Returns:
        Number of rows with barriers of a potential.

    Raises:
        InputError: a table or ``run.json`` is damaged, or cannot be written.
    """
    run, known = read_candidates(folder), by_key(pairs)
    criterion = run.dai_criterion()
    rows = [{**row, **neb_columns_of(row, known, criterion)} for row in run.candidates]
    weights = _weights(run)
    ranked = rank_candidates(rows, dimensionality=run.dimensionality, weights=weights)
    try:
        write_table(folder / "candidates.csv", ranked, CANDIDATES)
    except OSError as error:
        raise InputError(
            f"Cannot write {folder / 'candidates.csv'}: {error.strerror}. The barriers are safe in "
            f"{folder / FOLDER}; free space and give the same command again."
        ) from error
    return sum(bool(row.get("neb_potential")) for row in ranked)


def _weights(run: RunFolder) -> ScoreWeights:
    """Weights of the run; those of a run that noted none are the defaults."""
    noted = run.sidecar.get("ranking")
    names = {field.name for field in fields(ScoreWeights)}
    known = noted if isinstance(noted, dict) else {}
    return ScoreWeights.of({key: float(value) for key, value in known.items() if key in names})
