"""From the sources to the store, and from the store to the jobs that are left."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dualion.results.columns import SCHEMA_VERSION
from dualion.results.guest_rows import guest_name
from dualion.results.rows import known_barriers
from dualion.results.store import Entry, Pending, Store
from dualion.structures.errors import DualionError
from dualion.structures.records import SOURCE_FILE, RawEntry, Rejection
from dualion.workflows.campaign.config import Campaign, fingerprint
from dualion.workflows.campaign.cost import estimated_cost_s
from dualion.workflows.campaign.sources import source_entries, source_state
from dualion.workflows.campaign.tasks import Job, asked_cations, conventions_of, structure_text

if TYPE_CHECKING:
    from dualion.screening.barrier_types import KnownBarriers
    from dualion.screening.screen_options import ScreenOptions

BATCH = 500
"""Entries that are written at once."""


class StoppedError(DualionError):
    """A stop was asked for before there was anything to save."""


LOOKS_AT_ASKED = frozenset({"no_cation", "no_anion"})
"""Reasons that depend on the ions that were asked for, and on nothing else."""


OF_BARRIERS = frozenset({"barriers", "deciding_anion", "judged", "disorder"})
"""Options that do not change how a structure is prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Hashes of what a campaign asks, part by part.

    Attributes:
        preparation: how structures are made ready: rejections on the way hold for these.
        conventions: these and how barriers are computed: results of a pair hold for these.
        ions: which ions: a structure without them is rejected for these.
        whole: both, with the schema of the code: a structure that carries it is done.
    """

    preparation: str
    conventions: str
    ions: str
    whole: str

    @classmethod
    def of(cls, options: ScreenOptions) -> Ask:
        """The hashes of some options; the criterion is no part of them."""
        every = conventions_of(options)
        conventions = fingerprint([every, SCHEMA_VERSION])
        prepared = {name: value for name, value in every.items() if name not in OF_BARRIERS}
        guests = sorted(map(str, options.guest_anions))
        ions = fingerprint([options.cations, sorted(options.anions), *([guests] if guests else [])])
        return cls(
            preparation=fingerprint([prepared, SCHEMA_VERSION]),
            conventions=conventions,
            ions=ions,
            whole=fingerprint([conventions, ions]),
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """Scopes of the tasks that hold."""
        return (self.preparation, self.conventions, self.ions, self.whole)

    def scope_of(self, *, anion: str, status: str, stage: str, reason: str | None) -> str:
        """Choose the scope of a task: what must stay the same for it to hold.

        Args:
            anion: symbol, or name of a guest; empty for a row without numbers.
            status: of the row.
            stage: how far the structure came, as in ``Outcome``.
            reason: why there are no numbers; None or empty where there are.
        """
        if anion:
            return self.conventions
        if reason in LOOKS_AT_ASKED:
            return self.ions
        if status == "rejected" and stage in ("read", "prepare"):
            return self.preparation
        return self.whole


def structure_key(entry: RawEntry) -> str:
    """Hash of a structure."""
    return hashlib.sha256(structure_text(entry).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def read_sources(
    campaign: Campaign,
    store: Store,
    options: ScreenOptions,
    *,
    on_entries: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Bring the store's entries up to date with the sources.

    Sources whose state is that of the last reading are not read again.

    Args:
        on_entries: called with the number of entries read so far.
        stop: once it is set the reading ends.

    Returns:
        The number of the plan that holds.

    Raises:
        InputError: a source cannot be read.
        StoppedError: a stop was asked for before everything was read.
    """
    state = fingerprint([source_state(s, campaign.folder) for s in campaign.sources])
    current = int(store.note("plan") or 0)
    if current and store.note("sources") == state:
        return current
    plan = current + 1
    store.forget_plans(current)  # what a reading that was cut short has left
    count = 0
    for batch in _batches(_entries(campaign, options), stop or threading.Event()):
        store.write_entries(plan, batch)
        count += len(batch)
        if on_entries:
            on_entries(count)
    store.set_notes({"plan": str(plan), "sources": state})
    store.forget_plans(plan)
    return plan


def _batches(found: Iterator[Entry], stop: threading.Event) -> Iterator[list[Entry]]:
    """Batches of entries; a stop is noticed from one entry to the next, they may come slowly.

    Raises:
        StoppedError: a stop was asked for.
    """
    batch: list[Entry] = []
    for entry in found:
        if stop.is_set():
            raise StoppedError(
                "Interrupted while the sources were read: nothing was computed. Start again to go "
                "on."
            )
        batch.append(entry)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _entries(campaign: Campaign, options: ScreenOptions) -> Iterator[Entry]:
    """Entries of all sources, in order."""
    found = itertools.chain.from_iterable(
        source_entries(source, campaign.folder, offline=campaign.run.offline)
        for source in campaign.sources
    )
    for position, raw in enumerate(found):
        if isinstance(raw, Rejection):
            yield Entry(
                position=position,
                source=raw.source,
                source_id=raw.source_id,
                metadata={SOURCE_FILE: raw.source_file} if raw.source_file else {},
                reason=raw.reason,
                message=raw.message,
            )
        else:
            yield Entry(
                position=position,
                source=raw.source,
                source_id=raw.source_id,
                metadata=raw.metadata,
                key=structure_key(raw),
                format=raw.format,
                text=raw.text,
                cost_s=estimated_cost_s(raw, options),
            )


def jobs_left(store: Store, plan: int, options: ScreenOptions) -> Iterator[Job]:
    """Yield what is left to compute, costly structures first; note the rest as done.

    A job asks only for the pairs that the store does not have, and brings along the barriers
    that it has.

    Args:
        store: the campaign's store.
        plan: number of the reading of the sources.
        options: what is asked of every structure.
    """
    ask = Ask.of(options)
    for page in store.pending(plan, ask.whole, ask.scopes):
        left = {structure.id: options_left(structure, options, ask) for structure in page}
        known = _known(store, [s for s in page if left[s.id] is not None], ask)
        for structure in page:
            asked = left[structure.id]
            if asked is not None:
                yield _job(structure, asked, known.get(structure.id, {}))
        settled = [number for number, asked in left.items() if asked is None]
        if settled:
            store.settle(settled, ask.whole)


def _known(
    store: Store, structures: Sequence[Pending], ask: Ask
) -> dict[int, dict[str, KnownBarriers]]:
    """Barriers that the store has of structures with further pairs to compute, by number."""
    partly = [
        structure.id
        for structure in structures
        if any(scope == ask.conventions for scope, *_ in structure.done)
    ]
    known: dict[int, dict[str, KnownBarriers]] = {}
    if partly:
        for number, records in store.records_of(partly, [ask.conventions]).items():
            for record in records:
                known.setdefault(number, {}).update(known_barriers(record.row))
    return known


def _job(structure: Pending, options: ScreenOptions, known: Mapping[str, KnownBarriers]) -> Job:
    entry = RawEntry(
        source=structure.source,
        source_id=structure.source_id,
        format=structure.format,
        text=structure.text,
        metadata=dict(structure.metadata),
    )
    return Job(
        index=structure.id, entry=entry, options=options, cost_s=structure.cost_s, known=known
    )


def options_left(structure: Pending, options: ScreenOptions, ask: Ask) -> ScreenOptions | None:
    """Restrict the options to the ions that are missing.

    Args:
        structure: not done as a whole, with the tasks that exist.
        options: what is asked of every structure.
        ask: hashes of these options.

    Returns:
        The options with the missing ions alone; None where nothing is missing.
    """
    asked = asked_cations(options)
    for scope, cation, anion, _ in structure.done:
        if anion:
            continue
        if scope in (ask.preparation, ask.whole) or (scope == ask.ions and cation == asked):
            return None
    if structure.cations is None or structure.anions is None:
        return options
    have = {(cation, anion) for scope, cation, anion, _ in structure.done if anion}
    wanted = wanted_pairs(structure, options)
    missing = [pair for pair in wanted if pair not in have]
    if missing:
        names = {anion for _, anion in missing}
        return dataclasses.replace(
            options,
            cations=_ordered(options.cations, (cation for cation, _ in missing)),
            anions=_ordered(structure.anions, names) or options.anions,
            guests=tuple(str(g) for g in options.guest_anions if guest_name(str(g)) in names),
        )
    return None if wanted else options


def wanted_pairs(structure: Pending, options: ScreenOptions) -> list[tuple[str, str]]:
    """List the pairs of a prepared structure that the options ask for.

    Args:
        structure: with the symbols of its ions.
        options: what is asked; without anions, all of the structure are meant.

    Returns:
        Symbols of cation and anion (or the guest's name) of each pair, in the order of the
        options' cations.
    """
    cations = [c for c in options.cations if c in (structure.cations or ())]
    anions = [a for a in structure.anions or () if not options.anions or a in options.anions]
    guests = [guest_name(str(guest)) for guest in options.guest_anions]
    return [(cation, anion) for cation in cations for anion in (*anions, *guests)]


def _ordered(order: Sequence[str], chosen: Iterable[str]) -> tuple[str, ...]:
    wanted = set(chosen)
    return tuple(name for name in order if name in wanted)
