"""The work of one structure: a pure function from an entry to rows of the table."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dualion.results.calibrated import with_calibrated
from dualion.results.columns import SCHEMA_VERSION, Row
from dualion.results.guest_rows import anion_name
from dualion.results.rows import Identity, rejected_row, result_rows
from dualion.screening.ions import mean_charge
from dualion.screening.screen import screen, screen_crystal
from dualion.structures.elements import symbol
from dualion.structures.entry import prepare_record
from dualion.structures.errors import StructureError
from dualion.structures.files import parse_entry
from dualion.structures.records import (
    SOURCE_FILE,
    RawEntry,
    Rejection,
    cell_kind_of,
    source_file_of,
)
from dualion.structures.symmetry import space_group

if TYPE_CHECKING:
    from dualion.screening.barrier_types import KnownBarriers
    from dualion.screening.screen_options import ScreenOptions
    from dualion.screening.screen_result import ScreenResult
    from dualion.structures.crystal import IonicCrystal
    from dualion.structures.records import StructureRecord

DEFAULT_TIME_LIMIT_S = 300.0
TRACEBACK_CHARACTERS = 4000
"""The end of a traceback that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One structure to screen.

    Attributes:
        index: number that the outcome carries back.
        entry: the structure's text.
        options: what is asked of it.
        cost_s: estimated computing time, s; 0 where it is unknown.
        known: barriers of its ions that need not be computed, by the ions' labels.
    """

    index: int
    entry: RawEntry
    options: ScreenOptions
    cost_s: float = 0.0
    known: Mapping[str, KnownBarriers] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureJob(Job):
    """A structure that is there as an object, with an entry that only names it.

    Attributes:
        structure: pymatgen ``Structure`` or ASE ``Atoms``.
    """

    structure: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one structure.

    Attributes:
        index: place of the entry in the input.
        stage: where it ended: ``read``, ``prepare``, ``screen``, or ``done``.
        rows: its rows of ``screened.csv``; never empty.
        cation_below: whether a pair's cation barrier is below the threshold.
        cations: symbols of all cations of the prepared structure; empty if it was not prepared.
        anions: symbols of all its anions.
        traceback: where a failure happened, the innermost call last; empty without a failure.
        result: the result itself, of a ``StructureJob`` alone.
    """

    index: int
    stage: str
    rows: list[Row] = field(default_factory=list)
    cation_below: bool = False
    cations: tuple[str, ...] = ()
    anions: tuple[str, ...] = ()
    traceback: str = ""
    result: ScreenResult | None = None


Work = Callable[[Job], Outcome]


_reports: list[Callable[[str], None]] = []


def report_stages(report: Callable[[str], None]) -> None:
    """Have every stage that a structure reaches in this process reported as it begins."""
    _reports[:] = [report]


def note_stage(stage: str) -> None:
    """Say that the structure at work has reached a stage: ``read``, ``prepare`` or ``screen``."""
    for report in _reports:
        report(stage)


VERDICT_OPTIONS = frozenset({"cations", "anions", "guests", "criterion"})
"""Options that choose and judge pairs; all others change what comes out for a pair."""


def conventions_of(options: ScreenOptions) -> dict[str, Any]:
    """The options that the numbers of a pair depend on, as plain data."""
    every = dataclasses.asdict(options)
    return {name: value for name, value in every.items() if name not in VERDICT_OPTIONS}


def structure_text(entry: RawEntry) -> str:
    """All of an entry that its numbers depend on."""
    return "\0".join((entry.format, entry.text, str(cell_kind_of(entry.metadata))))


def task_key(entry: RawEntry, options: ScreenOptions) -> str:
    """Hash structure, conventions and schema; with the ions, equal keys mean equal numbers.

    The criterion is no part of it: a verdict is judged anew from the same barriers.

    Args:
        entry: the structure as text.
        options: of the screening.

    Returns:
        16 hexadecimal digits.
    """
    asked = json.dumps(conventions_of(options), sort_keys=True, default=str)
    text = "\0".join((structure_text(entry), asked, str(SCHEMA_VERSION)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def pair_key(key: str, cation: str, anion: str) -> str:
    """Join the key of one row from the structure's key and the ions.

    Args:
        key: of the structure, from ``task_key``.
        cation: symbol; empty where the row has none.
        anion: symbol, followed by ``-guest`` for a guest; empty where the row has none.
    """
    return "-".join(part for part in (key, cation, anion) if part)


def screen_job(job: Job) -> Outcome:
    """Screen one structure; whatever goes wrong becomes a row.

    The broad ``except`` is the worker's boundary: a bug costs one structure, not the run.

    Raises:
        MemoryError: there was not enough memory; the caller tries again in a process of its own.
    """
    start = time.perf_counter()
    progress = _Progress(job.entry)
    try:
        outcome = _screened(job, progress)
    except StructureError as error:
        outcome = _lost(job, progress, "rejected", error.reason, str(error))
    except MemoryError:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = (
            f"{type(error).__name__}: {error} ({where.name}, line {where.lineno}). This is a fault "
            "of the program, not of the structure; please report it."
        )
        outcome = _lost(job, progress, "failed", "internal_error", message)
        trace = "".join(traceback.format_exception(error))[-TRACEBACK_CHARACTERS:]
        outcome = dataclasses.replace(outcome, traceback=trace)
    seconds = time.perf_counter() - start
    key = task_key(job.entry, job.options)
    for row in outcome.rows:
        row["seconds"] = seconds
        row["key"] = pair_key(key, str(row.get("cation") or ""), anion_name(row).replace(" ", "-"))
    return outcome


def screen_structure(job: Job) -> Outcome:
    """Screen the object of a ``StructureJob``; its row holds status, reason and message alone.

    Raises:
        MemoryError: as of ``screen_job``.
    """
    assert isinstance(job, StructureJob)
    try:
        result = screen(job.structure, options=job.options)
    except MemoryError:
        raise
    except Exception as error:
        rejected = isinstance(error, StructureError)
        row: Row = {
            "status": "rejected" if rejected else "failed",
            "reason": error.reason if isinstance(error, StructureError) else "internal_error",
            "message": str(error) if rejected else f"{type(error).__name__}: {error}",
        }
        return Outcome(index=job.index, stage="screen", rows=[row])
    return Outcome(index=job.index, stage="done", rows=[{"status": "ok"}], result=result)


class _Progress:
    """How far an entry came, and what is known of it by then."""

    def __init__(self, entry: RawEntry) -> None:
        self._begin("read")
        self.identity = _identity(entry)

    def _begin(self, stage: str) -> None:
        self.stage = stage
        note_stage(stage)

    def parsed(self, record: StructureRecord) -> None:
        self._begin("prepare")
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
        self._begin("screen")
        self.identity = dataclasses.replace(self.identity, space_group=space_group(crystal))


def _screened(job: Job, progress: _Progress) -> Outcome:
    record = parse_entry(job.entry)
    progress.parsed(record)
    _require_cation(record, job.options.cations)
    crystal = prepare_record(record, strict=job.options.strict)
    progress.prepared(crystal)
    result = screen_crystal(crystal, job.options, known=job.known)
    cations, anions = _ions_of(crystal)
    return Outcome(
        index=job.index,
        stage="done",
        rows=with_calibrated(
            result_rows(progress.identity, result),
            dimensionality=job.options.criterion.dimensionality,
        ),
        cation_below=_cation_below(result),
        cations=cations,
        anions=anions,
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


def _ions_of(crystal: IonicCrystal) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Symbols of the elements that are cations, and of those that are anions."""
    charges = {int(z): mean_charge(crystal, int(z)) for z in sorted(set(crystal.numbers))}
    cations = tuple(symbol(z) for z, charge in charges.items() if charge > 0.0)
    return cations, tuple(symbol(z) for z, charge in charges.items() if charge < 0.0)


def _cation_below(result: ScreenResult) -> bool:
    return any(verdict.cation_below for verdict in result.verdicts)


def _lost(job: Job, progress: _Progress, status: str, reason: str, message: str) -> Outcome:
    row = rejected_row(
        progress.identity,
        cation=asked_cations(job.options),
        status=status,
        reason=reason,
        message=message,
    )
    return Outcome(index=job.index, stage=progress.stage, rows=[row])


def asked_cations(options: ScreenOptions) -> str:
    """The cations that were asked for, as they stand in a row without numbers."""
    return ";".join(options.cations)


def _identity(entry: RawEntry | Rejection) -> Identity:
    found_in = {SOURCE_FILE: source_file_of(entry) or None}
    metadata = entry.metadata if isinstance(entry, RawEntry) else found_in
    return Identity(source=entry.source, source_id=entry.source_id, metadata=metadata)


def rejection_outcome(index: int, rejection: Rejection, options: ScreenOptions) -> Outcome:
    """Make the outcome of something that could not even become an entry.

    Args:
        index: position in the input.
        rejection: with stage, reason and message.
        options: of the screening; the row names their cations.
    """
    row = rejected_row(
        _identity(rejection),
        cation=asked_cations(options),
        status="rejected",
        reason=rejection.reason,
        message=rejection.message,
    )
    return Outcome(index=index, stage=rejection.stage, rows=[row])


def failed_outcome(
    job: Job, *, reason: str, message: str, stage: str = "screen", trace: str = ""
) -> Outcome:
    """Make the outcome of a structure whose process died or ran out of time, also when alone.

    Args:
        job: what was run.
        reason: of the failure, as a word for counting.
        message: a sentence for the user.
        stage: how far the structure came: ``read``, ``prepare`` or ``screen``.
        trace: traceback; empty where there is none.
    """
    cation = asked_cations(job.options)
    row = rejected_row(
        _identity(job.entry), cation=cation, status="failed", reason=reason, message=message
    )
    row["key"] = pair_key(task_key(job.entry, job.options), cation, "")
    return Outcome(index=job.index, stage=stage, rows=[row], traceback=trace)
