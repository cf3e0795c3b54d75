"""From what sources give to what is screened: parse, filter, find duplicates.

Every entry that goes in comes out again, as an entry or as a rejection, in the same order.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Protocol, TypeVar

from dualion.structures.errors import StructureError
from dualion.structures.files import parse_entry
from dualion.structures.files.parse import unreadable
from dualion.structures.records import RawEntry, Rejection, source_file_of
from dualion.structures.sources.duplicates import (
    DEFAULT_MATCH,
    Group,
    MatchOptions,
    MatchTask,
    Pairs,
    candidate_groups,
    match_groups,
)
from dualion.structures.sources.fingerprint import Fingerprint, fingerprint
from dualion.structures.sources.prefilters import Facts, Prefilter, first_rejection
from dualion.structures.sources.provenance import merged, rank

CHUNK = 64
"""Entries that a worker process gets at once."""

READER_METADATA = ("temperature_k", "theoretical", "energy_above_hull_ev_atom", "band_gap_ev")
"""What readers of files find that filters and provenance look at."""

Input = TypeVar("Input")
Output = TypeVar("Output")
Entry = RawEntry | Rejection


class Mapper(Protocol):
    """Applies a function to many inputs, in order."""

    def __call__(
        self, function: Callable[[Input], Output], inputs: Iterable[Input]
    ) -> Iterator[Output]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is known of an entry after it was parsed."""

    facts: Facts
    print: Fingerprint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to sort out.

    Attributes:
        filters: applied in this order; the first that fails names the rejection.
        deduplicate: whether duplicates are looked for.
        match: when two structures are one.
    """

    filters: tuple[Prefilter, ...] = ()
    deduplicate: bool = False
    match: MatchOptions = DEFAULT_MATCH


def select(entries: Iterable[Entry], selection: Selection, *, workers: int = 1) -> Iterator[Entry]:
    """Apply filters and find duplicates.

    Without duplicates to find, entries stream through; with, all texts are held in memory
    until the last one was read.

    Args:
        entries: from one or several sources.
        selection: what to sort out.
        workers: processes that parse and compare.

    Yields:
        Entries that pass, in order; what does not is a ``Rejection`` of stage ``filter``, whose
        reason is the filter's name or ``duplicate``, in its place. A kept entry lists its
        duplicates in its metadata.
    """
    if not selection.filters and not selection.deduplicate:
        yield from entries
        return
    with mapper(workers) as apply:
        checked = (
            _judge(entry, outcome, selection)
            for entry, outcome in _examine_all(entries, selection, apply)
        )
        if not selection.deduplicate:
            yield from (entry for entry, _ in checked)
            return
        held: list[Entry] = []
        prints: dict[int, Fingerprint] = {}
        for entry, outcome in checked:
            if isinstance(entry, RawEntry) and outcome is not None and outcome.print is not None:
                prints[len(held)] = outcome.print
            held.append(entry)
        _mark_duplicates(held, prints, selection.match, apply)
    yield from held


@contextmanager
def mapper(workers: int) -> Iterator[Mapper]:
    """``map`` in this process, or in several that end with the block."""
    if workers <= 1:
        yield lambda function, inputs: map(function, inputs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:

        def bounded(
            function: Callable[[Input], Output], inputs: Iterable[Input]
        ) -> Iterator[Output]:
            """Map with few inputs in flight, so that memory stays small.

            Args:
                function: a top-level function that worker processes can import.
                inputs: its inputs; the answers come in the same order.
            """
            source = iter(inputs)
            waiting = [pool.submit(function, item) for item in islice(source, 3 * workers)]
            while waiting:
                done = waiting.pop(0).result()
                waiting += [pool.submit(function, item) for item in islice(source, 1)]
                yield done

        yield bounded


def _examine_all(
    entries: Iterable[Entry], selection: Selection, apply: Mapper
) -> Iterator[tuple[Entry, Examined | Rejection | None]]:
    """Every entry with what parsing it gave (None for one that was a rejection before)."""
    chunks = _chunks(entries, CHUNK)
    with_print = selection.deduplicate
    tasks = ((chunk, with_print) for chunk in chunks)
    return chain.from_iterable(apply(_examine_chunk, tasks))


def _chunks(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    source = iter(entries)
    while chunk := list(islice(source, size)):
        yield chunk


def _examine_chunk(
    task: tuple[Sequence[Entry], bool],
) -> list[tuple[Entry, Examined | Rejection | None]]:
    """The work of a process: parse entries and take their fingerprints."""
    entries, with_print = task
    return [
        (entry, None if isinstance(entry, Rejection) else examine(entry, with_print=with_print))
        for entry in entries
    ]


def examine(entry: RawEntry, *, with_print: bool) -> Examined | Rejection:
    """Parse an entry; what cannot be read becomes a rejection of stage ``read``.

    Args:
        entry: the entry.
        with_print: whether the fingerprint for finding duplicates is needed.
    """
    try:
        record = parse_entry(entry)
    except StructureError as error:
        return unreadable(entry, error)
    structure = record.structure
    symbols = {kind.symbol for kind in structure.composition}
    facts = Facts(
        elements=frozenset("H" if symbol == "D" else symbol for symbol in symbols),
        n_sites=len(structure),
        metadata=record.metadata,
    )
    return Examined(facts=facts, print=fingerprint(structure) if with_print else None)


def _judge(
    entry: Entry, outcome: Examined | Rejection | None, selection: Selection
) -> tuple[Entry, Examined | None]:
    """The entry, with what its reader found, or why it goes no further."""
    if isinstance(entry, Rejection) or outcome is None:
        return entry, None
    if isinstance(outcome, Rejection):
        return outcome, None
    refused = first_rejection(selection.filters, entry.source, entry.source_id, outcome.facts)
    if refused is not None:
        return replace(refused, source_file=source_file_of(entry)), None
    found = {
        key: outcome.facts.metadata[key] for key in READER_METADATA if key in outcome.facts.metadata
    }
    return replace(entry, metadata={**found, **entry.metadata}), outcome


def _mark_duplicates(
    held: list[Entry], prints: dict[int, Fingerprint], options: MatchOptions, apply: Mapper
) -> None:
    """Replace duplicates by rejections and note them in the entries that stay."""
    raw = {index: entry for index, entry in enumerate(held) if isinstance(entry, RawEntry)}
    order = sorted(prints, key=lambda index: (rank(raw[index].source, raw[index].metadata), index))
    sorted_prints = [prints[index] for index in order]
    tasks = (
        _match_task(members, pairs, order, raw, options)
        for members, pairs in candidate_groups(sorted_prints, options)
    )
    for groups in apply(match_groups, tasks):
        for group in groups:
            _mark_group(held, raw, group)


def _match_task(
    members: list[int],
    pairs: Pairs,
    order: list[int],
    raw: dict[int, RawEntry],
    options: MatchOptions,
) -> MatchTask:
    place = {member: number for number, member in enumerate(members)}
    return MatchTask(
        indices=tuple(order[member] for member in members),
        entries=tuple(raw[order[member]] for member in members),
        pairs={(place[low], place[high]): value for (low, high), value in pairs.items()},
        options=options,
    )


def _mark_group(held: list[Entry], raw: dict[int, RawEntry], group: Group) -> None:
    best, *others = group
    held[best] = merged(raw[best], [raw[index] for index in others])
    for index in others:
        held[index] = Rejection(
            source=raw[index].source,
            source_id=raw[index].source_id,
            stage="filter",
            reason="duplicate",
            message=f"The same structure as {raw[best].source}:{raw[best].source_id}, which is "
            "kept for its better provenance.",
            source_file=source_file_of(raw[index]),
        )
