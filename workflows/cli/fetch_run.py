"""``dualion fetch``: pull structures into the cache and write a list of what there is."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dualion.results.tables import guard_cell
from dualion.structures.errors import InputError
from dualion.structures.files import parse_entry
from dualion.structures.records import RawEntry, Rejection, source_file_of
from dualion.structures.sources.base import METADATA_KEYS, today
from dualion.workflows.execution.files import replacing_text, write_json

if TYPE_CHECKING:
    from dualion.structures.sources.base import Source
    from dualion.structures.sources.query import SourceQuery
    from dualion.structures.sources.selection import Selection

COLUMNS = ("source", "source_id", "source_file", "status", "reason", "message", *METADATA_KEYS)
"""Columns of ``fetched.csv``: one row for every entry, what was sorted out included."""

LICENSED_SOURCES = ("icsd",)
"""Sources whose structures are written out only if the user says so, with a warning."""


@dataclass(slots=True, kw_only=True)
class FetchSummary:
    """What a fetch leaves to say.

    Attributes:
        kept: entries by source.
        reasons: how often each reason sorted an entry out.
        failures: sentences of sources that could give nothing.
        fetched_answers: answers that came from a server, not from the cache.
        files: what was written.
        licensed_structures: licensed structures that were written out, on the user's word.
    """

    kept: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    fetched_answers: int = 0
    files: list[Path] = field(default_factory=list)
    licensed_structures: int = 0


def write_export(
    entries: Iterable[RawEntry | Rejection],
    folder: Path,
    *,
    include_structures: bool,
    summary: FetchSummary,
    on_entry: Callable[[FetchSummary], None] | None = None,
) -> None:
    """Write ``fetched.csv``, and ``structures.jsonl`` if structures are to be included.

    The list names entries by source and id (for the ICSD the collection code) and holds no
    coordinates. Files appear when they are complete.

    Args:
        entries: what was selected.
        folder: where; made if need be.
        include_structures: write coordinates, too.
        summary: counted up as entries come.
        on_entry: called after each entry, for progress.

    Raises:
        InputError: the folder cannot be used.
    """
    table, texts = folder / "fetched.csv", folder / "structures.jsonl"
    for path in (table, texts):
        if path.exists():
            raise InputError(
                f"{path} exists already. Choose another --output, so that nothing is overwritten."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as files:
            rows = files.enter_context(replacing_text(table, newline=""))
            lines = files.enter_context(replacing_text(texts)) if include_structures else None
            _write_all(entries, rows, lines, summary, on_entry)
    except OSError as error:
        raise InputError(f"Cannot write into {folder}: {error.strerror}.") from error
    summary.files += [table, texts] if include_structures else [table]


def _write_all(
    entries: Iterable[RawEntry | Rejection],
    rows: IO[str],
    lines: IO[str] | None,
    summary: FetchSummary,
    on_entry: Callable[[FetchSummary], None] | None,
) -> None:
    writer = csv.DictWriter(rows, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for entry in entries:
        writer.writerow(_row(entry))
        if isinstance(entry, Rejection):
            summary.reasons[entry.reason] += 1
        else:
            summary.kept[entry.source] += 1
            if lines is not None:
                lines.write(_line(entry) + "\n")
                summary.licensed_structures += entry.source in LICENSED_SOURCES
        if on_entry:
            on_entry(summary)


def _row(entry: RawEntry | Rejection) -> dict[str, object]:
    row: dict[str, object] = {
        "source": entry.source,
        "source_id": guard_cell(entry.source_id),
        "source_file": guard_cell(source_file_of(entry)),
    }
    if isinstance(entry, Rejection):
        return row | {
            "status": "rejected",
            "reason": entry.reason,
            "message": guard_cell(entry.message),
        }
    values = {
        key: guard_cell(value) if isinstance(value, str) else value
        for key, value in entry.metadata.items()
    }
    return row | {"status": "ok"} | values


def _line(entry: RawEntry) -> str:
    """An entry as a line that ``dualion screen`` reads: pymatgen's dict and the metadata."""
    structure = parse_entry(entry).structure.as_dict()
    content: dict[str, Any] = {
        "material_id": entry.source_id,
        "source": entry.source,
        **entry.metadata,
        "structure": {"lattice": structure["lattice"], "sites": structure["sites"]},
    }
    return json.dumps(content)


def write_provenance(
    folder: Path,
    *,
    sources: Sequence[Source],
    query: SourceQuery,
    selection: Selection,
    summary: FetchSummary,
) -> None:
    """Write ``provenance.json``: what was asked of whom, when, under which licence.

    Args:
        folder: of the export; it exists.
        sources: the databases and files that were asked.
        query: what was asked of them.
        selection: filters and the search for duplicates.
        summary: counts of the export; the file is added to its list.
    """
    content = {
        "written": today(),
        "sources": [{"name": source.name, "licence": source.licence} for source in sources],
        "query": dataclasses.asdict(query),
        "filters": [
            {"name": item.name, "parameters": item.parameters} for item in selection.filters
        ],
        "deduplicated": selection.deduplicate,
        "match": dataclasses.asdict(selection.match),
        "kept": dict(summary.kept),
        "sorted_out": dict(summary.reasons),
        "failures": summary.failures,
        "fetched_answers": summary.fetched_answers,
    }
    path = folder / "provenance.json"
    write_json(path, content)
    summary.files.append(path)
