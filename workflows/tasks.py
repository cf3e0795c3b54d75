"""The work of one structure: a pure function from an entry to rows of the table."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from results.columns import SCHEMA_VERSION, Row
from results.rows import Identity, rejected_row, result_rows
from structures.errors import StructureError
from structures.records import RawEntry, Rejection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screening.pairs import ScreenOptions, ScreenResult
    from structures.crystal import IonicCrystal
    from structures.records import StructureRecord

DEFAULT_TIME_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one structure.

    Attributes:
        index: place of the entry in the input.
        stage: where it ended: ``read``, ``prepare``, ``screen``, or ``done``.
        rows: its rows of ``screened.csv``; never empty.
        cation_below: whether a pair's cation barrier is below the threshold.
    """

    index: int
    stage: str
    rows: list[Row] = field(default_factory=list)
    cation_below: bool = False


def task_key(entry: RawEntry, options: ScreenOptions) -> str:
    """Hash of structure, ions, options and schema: equal keys have equal results."""
    asked = json.dumps(dataclasses.asdict(options), sort_keys=True, default=str)
    text = "\0".join((entry.format, entry.text, asked, str(SCHEMA_VERSION)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def screen_entries(
    entries: Sequence[tuple[int, RawEntry]], options: ScreenOptions, *, time_limit_s: float
) -> list[Outcome]:
    """Screen a chunk of entries, each under its own time limit.

    An entry that outlasts the limit ends this process; the caller sees a lost worker and runs
    the chunk's entries again, one by one.
    """
    outcomes = []
    for index, entry in entries:
        with _watchdog(time_limit_s):
            outcomes.append(screen_entry(index, entry, options))
    return outcomes


@contextlib.contextmanager
def _watchdog(time_limit_s: float) -> Iterator[None]:
    """End the process if the block outlasts the limit, even inside compiled code."""
    import faulthandler
    import os

    with Path(os.devnull).open("w") as sink:
        faulthandler.dump_traceback_later(time_limit_s, exit=True, file=sink)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def screen_entry(index: int, entry: RawEntry, options: ScreenOptions) -> Outcome:
    """Screen one entry; whatever goes wrong becomes a row.

    The broad ``except`` is the worker's boundary: a bug costs one structure, not the run.
    """
    start = time.perf_counter()
    progress = _Progress(entry)
    try:
        outcome = _screened(index, entry, options, progress)
    except StructureError as error:
        outcome = _lost(index, options, progress, "rejected", error.reason, str(error))
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = (
            f"{type(error).__name__}: {error} ({where.name}, line {where.lineno}). This is a fault "
            "of the program, not of the structure; please report it."
        )
        outcome = _lost(index, options, progress, "failed", "internal_error", message)
    seconds = time.perf_counter() - start
    key = task_key(entry, options)
    for row in outcome.rows:
        row["seconds"] = seconds
        row["key"] = f"{key}-{row.get('cation') or ''}-{row.get('anion') or ''}".rstrip("-")
    return outcome


class _Progress:
    """How far an entry came, and what is known of it by then."""

    def __init__(self, entry: RawEntry) -> None:
        self.stage = "read"
        self.identity = Identity(
            source=entry.source, source_id=entry.source_id, metadata=entry.metadata
        )

    def parsed(self, record: StructureRecord) -> None:
        self.stage = "prepare"
        composition = record.structure.composition
        self.identity = Identity(
            source=record.source,
            source_id=record.source_id,
            metadata=record.metadata,
            formula=composition.formula.replace(" ", ""),
            reduced_formula=composition.reduced_formula,
            n_sites=len(record.structure),
        )

    def prepared(self, crystal: IonicCrystal) -> None:
        from structures.symmetry import space_group

        self.stage = "screen"
        self.identity = dataclasses.replace(self.identity, space_group=space_group(crystal))


def _screened(index: int, entry: RawEntry, options: ScreenOptions, progress: _Progress) -> Outcome:
    from screening.pairs import screen_crystal
    from structures.files import parse_entry
    from structures.preparation import prepare

    record = parse_entry(entry)
    progress.parsed(record)
    _require_cation(record, options.cations)
    crystal = prepare(record.structure)
    progress.prepared(crystal)
    result = screen_crystal(crystal, options)
    return Outcome(
        index=index,
        stage="done",
        rows=result_rows(progress.identity, result),
        cation_below=_cation_below(result),
    )


def _require_cation(record: StructureRecord, cations: Sequence[str]) -> None:
    """Refuse a structure without the cation before any work is spent on it."""
    symbols = {element.symbol for element in record.structure.composition.elements}
    if symbols.isdisjoint(cations):
        raise StructureError(
            f"The structure holds no {' or '.join(cations)}; its elements: "
            f"{', '.join(sorted(symbols))}. Choose the mobile cation with --cation.",
            reason="no_cation",
        )


def _cation_below(result: ScreenResult) -> bool:
    return any(pair.verdict.cation_below for pair in result.pairs)


def _lost(
    index: int, options: ScreenOptions, progress: _Progress, status: str, reason: str, message: str
) -> Outcome:
    row = rejected_row(
        progress.identity, cation=_asked(options), status=status, reason=reason, message=message
    )
    return Outcome(index=index, stage=progress.stage, rows=[row])


def _asked(options: ScreenOptions) -> str:
    """The cations that were asked for, where none was found."""
    return ";".join(options.cations)


def rejection_outcome(index: int, rejection: Rejection, options: ScreenOptions) -> Outcome:
    """The outcome of something that could not even become an entry."""
    identity = Identity(source=rejection.source, source_id=rejection.source_id, metadata={})
    row = rejected_row(
        identity,
        cation=_asked(options),
        status="rejected",
        reason=rejection.reason,
        message=rejection.message,
    )
    return Outcome(index=index, stage=rejection.stage, rows=[row])


def crashed_outcome(index: int, entry: RawEntry, options: ScreenOptions, message: str) -> Outcome:
    """The outcome of an entry whose process died or ran out of time, alone, twice."""
    identity = Identity(source=entry.source, source_id=entry.source_id, metadata=entry.metadata)
    row = rejected_row(
        identity, cation=_asked(options), status="failed", reason="worker_died", message=message
    )
    row["key"] = task_key(entry, options)
    return Outcome(index=index, stage="screen", rows=[row])
