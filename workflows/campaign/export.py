"""From the store to ``screened.csv``, ``candidates.csv`` and ``run.json``, in a stream."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO, cast

from dualion.results.columns import CANDIDATES, SCREENED, Row
from dualion.results.guest_rows import guest_name, is_guest
from dualion.results.md.finished_runs import group_by_structure, md_columns_of
from dualion.results.neb.pair import NebPair, by_key, neb_columns_of
from dualion.results.ranking import rank_candidates
from dualion.results.rejudging import rejudge
from dualion.results.score import NEEDED
from dualion.results.shortlist import Shortlist, shortlist_columns
from dualion.results.store import Entry, MdRun, MdRuns, Store, TaskRecord
from dualion.results.tables import TableWriter
from dualion.screening.conventions import DEFAULT_PRESET, pair_conventions
from dualion.structures.elements import atomic_number
from dualion.structures.errors import InputError
from dualion.structures.properties import PropertyTable
from dualion.structures.records import SOURCE_FILE, Rejection
from dualion.workflows.campaign.anode_stability import AnodeStability, PhaseSource
from dualion.workflows.campaign.config import Campaign, fingerprint
from dualion.workflows.campaign.plan import Ask
from dualion.workflows.campaign.sidecar import RunFiles, RunSummary, sidecar, write_sidecar
from dualion.workflows.campaign.tasks import asked_cations, rejection_outcome
from dualion.workflows.execution.files import replacing_text
from dualion.workflows.md.states import TRANSITIONS
from dualion.workflows.neb.pairs import pairs_of_run

if TYPE_CHECKING:
    from dualion.screening.screen_options import ScreenOptions

RANKED_BY = frozenset({"dai", "key", "source_id", "reduced_formula", "cation", "anion", *NEEDED})
"""What a row must keep to be ranked."""


HULL, GAP = "energy_above_hull_ev_atom", "band_gap_ev"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRows:
    """Rows of one entry of the input."""

    rows: list[Row]
    stage: str
    cation_below: bool


def export(
    campaign: Campaign,
    store: Store,
    plan: int,
    *,
    finished: bool,
    phases: PhaseSource | None = None,
    stop: threading.Event | None = None,
) -> RunSummary:
    """Write the tables; each is replaced as a whole.

    Args:
        campaign: the campaign, with its folder.
        store: its store.
        plan: number of the reading of the sources.
        finished: whether nothing is left.
        phases: known compounds of a chemical system, for the candidates' reaction with the metal
            anode; asked when all else is written. None to leave those columns empty.
        stop: once it is set, no more reactions are asked for.

    Raises:
        InputError: the folder cannot be written to.
    """
    options = campaign.options()
    choice = Choice(rules=campaign.rules(), properties=campaign.properties())
    summary = RunSummary(files=RunFiles(folder=campaign.folder), finished=finished)
    rows = entry_rows(store, plan, options, choice)
    store.set_notes({"exported": "", "reactions": ""})
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8", dir=campaign.folder) as passed:
            slim = _write_screened(summary, rows, cast(TextIO, passed))
            found = _Passing(
                slim,
                cast(TextIO, passed),
                MdRuns(store, TRANSITIONS).all(),
                pairs_of_run(campaign.folder, store),
            )
            anode = AnodeStability(options=options)
            _write_ranked(campaign, summary, found, anode)
            if phases and finished:
                anode = AnodeStability(options=options, phases_of=phases, problem=anode.problem)
                _write_ranked(campaign, summary, found, anode, stop=stop)
    except OSError as error:
        raise InputError(
            f"Cannot write the tables in {campaign.folder}: {error.strerror}. The results are safe "
            "in the store; free space and start again."
        ) from error
    state = export_state(campaign, plan, finished)
    complete = phases is not None and finished and not summary.anode_problem
    store.set_notes({"exported": state, "reactions": state if complete else ""})
    return summary


def export_state(campaign: Campaign, plan: int, finished: bool) -> str:
    """Compute a hash that changes when the tables would.

    Args:
        campaign: the campaign.
        plan: number of the reading of the sources.
        finished: whether nothing is left.

    Raises:
        InputError: an option of the campaign makes no sense.
    """
    asked = Ask.of(campaign.options()).whole
    judged = [campaign.criterion.model_dump(), campaign.ranking, campaign.shortlist.model_dump()]
    return fingerprint([asked, *judged, _age_of_properties(campaign), plan, finished])


def _age_of_properties(campaign: Campaign) -> int:
    """When the table of properties was changed, ns; 0 where there is none."""
    name = campaign.shortlist.properties
    with contextlib.suppress(OSError):
        return (campaign.folder / name).stat().st_mtime_ns if name else 0
    return 0


def is_exported(campaign: Campaign, store: Store, plan: int, *, reactions: bool = False) -> bool:
    """Whether the tables are those of a finished campaign as it stands.

    Args:
        campaign: the campaign, with its folder.
        store: its store.
        plan: number of the reading of the sources.
        reactions: whether they must hold the reactions with the anode too.
    """
    files = RunFiles(folder=campaign.folder)
    there = all(path.exists() for path in (files.screened, files.candidates, files.sidecar))
    state = export_state(campaign, plan, True)
    notes = ("exported", "reactions") if reactions else ("exported",)
    return there and all(store.note(name) == state for name in notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is known and wanted beyond the physics.

    Attributes:
        rules: what keeps a pair from being a candidate.
        properties: of materials, by the user's own table.
    """

    rules: Shortlist = field(default_factory=Shortlist)
    properties: PropertyTable | None = None


def entry_rows(
    store: Store, plan: int, options: ScreenOptions, choice: Choice | None = None
) -> Iterator[EntryRows]:
    """Yield the rows of every entry that is done, in the order of the input.

    Args:
        store: the campaign's store.
        plan: number of the reading of the sources.
        options: what is asked; verdicts are judged by their criterion.
        choice: what is known and wanted beyond the physics.
    """
    ask = Ask.of(options)
    for entry, records in store.rows(plan, ask.scopes):
        if entry.reason is not None:
            yield _rejected(entry, options)
            continue
        valid = [r for r in records if _counts(r, options, ask)]
        if valid:
            yield _judged(entry, valid, options, choice or Choice())


def _counts(record: TaskRecord, options: ScreenOptions, ask: Ask) -> bool:
    """Whether a task belongs to what is asked."""
    if not record.anion:
        by_ions = record.scope == ask.ions and record.cation == asked_cations(options)
        return by_ions or record.scope in (ask.preparation, ask.whole)
    if is_guest(record.row):
        wanted = record.anion in [guest_name(str(guest)) for guest in options.guest_anions]
    else:
        wanted = not options.anions or record.anion in options.anions
    return wanted and record.cation in options.cations


def _rejected(entry: Entry, options: ScreenOptions) -> EntryRows:
    rejection = Rejection(
        source=entry.source,
        source_id=entry.source_id,
        stage="read",
        reason=entry.reason or "",
        message=entry.message or "",
        source_file=str(entry.metadata.get(SOURCE_FILE) or ""),
    )
    outcome = rejection_outcome(entry.position, rejection, options)
    return EntryRows(rows=outcome.rows, stage="read", cation_below=False)


def _judged(
    entry: Entry, records: list[TaskRecord], options: ScreenOptions, choice: Choice
) -> EntryRows:
    rows: list[Row] = []
    below = False
    for record in sorted(records, key=lambda r: _place(r, options)):
        row = record.row
        if row["status"] == "ok":
            row, low = rejudge(row, options.criterion, calibrated=has_fitted_conventions(options))
            below = below or low
            row = {**row, **shortlist_columns(row, choice.rules)}
        if not record.anion:
            row["cation"] = asked_cations(options)
        rows.append({**row, **_of_entry(entry, row, choice.properties)})
    return EntryRows(rows=rows, stage=records[0].stage, cation_below=below)


def has_fitted_conventions(options: ScreenOptions) -> bool:
    """Whether the pair energies are those for which barriers were calibrated.

    Args:
        options: what was asked of the structures.
    """
    ours = pair_conventions(DEFAULT_PRESET)
    deciding = options.deciding_anion
    published = options.barriers.potential == ours.published.potential
    assert ours.deciding_anion is not None
    return published and (deciding is None or deciding.potential == ours.deciding_anion.potential)


def _place(record: TaskRecord, options: ScreenOptions) -> tuple[object, ...]:
    """Pairs that were judged first, by cation as asked and by the anion's atomic number.

    Guests follow in the order in which they were asked for.
    """
    if not record.anion:
        return (1, False, 0, 0)
    lost, guest = record.row["status"] != "ok", is_guest(record.row)
    place = (
        [guest_name(str(ion)) for ion in options.guest_anions].index(record.anion)
        if guest
        else atomic_number(record.anion)
    )
    return (lost, guest, options.cations.index(record.cation), place)


def _of_entry(entry: Entry, row: Row, properties: PropertyTable | None) -> Row:
    """Columns of an entry: several entries may share a structure.

    The user's table comes first, then what the source knows, then what the text itself states.
    """
    known = properties.of(entry.source_id) if properties else None
    hull, gap = (entry.metadata.get(key, row.get(key)) for key in (HULL, GAP))
    links = None
    if known:
        hull = hull if known.energy_above_hull_ev_atom is None else known.energy_above_hull_ev_atom
        gap = gap if known.band_gap_ev is None else known.band_gap_ev
        links = ";".join(name for name in known.ids if name != entry.source_id) or None
    return {
        "source": entry.source,
        "source_id": entry.source_id,
        SOURCE_FILE: entry.metadata.get(SOURCE_FILE),
        HULL: hull,
        GAP: gap,
        "linked_ids": links,
    }


def _write_screened(
    summary: RunSummary, found: Iterator[EntryRows], passed: TextIO
) -> list[dict[str, Any]]:
    """Write every row; rows that pass also go to ``passed``, a line each.

    Returns:
        What ranks the passing rows, with the place of each in ``passed``.
    """
    slim: list[dict[str, Any]] = []
    with replacing_text(summary.files.screened, newline="") as handle:
        writer = TableWriter(handle, SCREENED)
        for entry in found:
            writer.write(entry.rows)
            summary.funnel.add(entry.rows, stage=entry.stage, cation_below=entry.cation_below)
            for row in entry.rows:
                if row.get("dai") is True and not row.get("set_aside"):
                    slim.append({**_ranked_part(row), "offset": passed.tell()})
                    passed.write(json.dumps(row) + "\n")
    return slim


def _ranked_part(row: Row) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key in RANKED_BY}


@dataclass(frozen=True, slots=True)
class _Passing:
    """The passing rows.

    Attributes:
        slim: what ranks each, with its place in ``rows``.
        rows: the whole rows, a line each.
        runs: MD runs of the campaign.
        pairs: barriers with a potential.
    """

    slim: list[dict[str, Any]]
    rows: TextIO
    runs: list[MdRun]
    pairs: list[NebPair]

    def ranked(self, campaign: Campaign) -> Iterator[Row]:
        """The rows by rank, with what elastic bands and MD say of them."""
        by_structure, pairs = group_by_structure(self.runs), by_key(self.pairs)
        criterion = campaign.options().criterion
        ranked = rank_candidates(
            [
                {**self._with_agreement(row, by_structure), **neb_columns_of(row, pairs, criterion)}
                for row in self.slim
            ],
            dimensionality=campaign.criterion.dimensionality,
            weights=campaign.weights(),
        )
        for place in ranked:
            self.rows.seek(int(place.pop("offset") or 0))
            row = {**json.loads(self.rows.readline()), **place}
            yield {**row, **md_columns_of(row, by_structure)}

    def _with_agreement(self, row: Row, by_structure: Mapping[str, list[MdRun]]) -> Row:
        """Add whether potentials agree on the row, which ranks it too."""
        if not by_structure:
            return row
        return {**row, "md_agreement": md_columns_of(row, by_structure).get("md_agreement")}


def _write_ranked(
    campaign: Campaign,
    summary: RunSummary,
    found: _Passing,
    anode: AnodeStability,
    *,
    stop: threading.Event | None = None,
) -> None:
    """Write the passing rows by rank, and the sidecar; the first rows are kept to be shown."""
    shown: list[Row] = []
    with replacing_text(summary.files.candidates, newline="") as handle:
        writer = TableWriter(handle, CANDIDATES)
        for row in found.ranked(campaign):
            row |= anode.interphase_of(row)
            if stop and stop.is_set():
                anode.problem = "Interrupted before every reaction with the anode was known."
            elif anode.phases_of:
                row |= anode.reaction_of(row)
            writer.write([row])
            if len(shown) < SHOWN and row["compound_place"] == 1:
                shown.append(row)
    summary.candidates, summary.candidate_count = shown, len(found.slim)
    summary.anode_problem = anode.problem
    content = sidecar(campaign.named_inputs(), campaign.options(), summary)
    content["shortlist"] = campaign.shortlist.model_dump()
    content["ranking"] = dataclasses.asdict(campaign.weights())
    write_sidecar(summary.files.sidecar, content)


SHOWN = 15
"""Candidates that a summary keeps, one a compound."""
