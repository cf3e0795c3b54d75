"""The Materials Project, through its own client (mp-api).

First the ids that fit the query are asked for (one small field, many to a page), then the
structures in batches of ids. Each batch is an answer of its own in the cache, so that a break
costs one batch at most and a database update between two pages loses nothing.

Jain et al., APL Materials 1, 011002 (2013), 10.1063/1.4812323; https://docs.materialsproject.org.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dualion.structures.errors import InputError
from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources.base import Access, clean_metadata, not_fetched, rejection
from dualion.structures.sources.errors import SourceError, SourceUnavailableError
from dualion.structures.sources.http.session import DEFAULT_POLICY, HttpPolicy
from dualion.structures.sources.materials_project.client import ENDPOINT, NAME, SummaryClient
from dualion.structures.sources.query import SourceQuery
from dualion.structures.sources.secrets import materials_project_key

LICENCE = "CC BY 4.0, Materials Project (cite 10.1063/1.4812323)"
BATCH = 400
"""Ids in one request; about 5 kB of address, below what servers accept."""

FIELDS = (
    "material_id",
    "structure",
    "nsites",
    "energy_above_hull",
    "formation_energy_per_atom",
    "band_gap",
    "is_metal",
    "theoretical",
    "database_IDs",
    "last_updated",
)


@dataclass(slots=True, kw_only=True)
class MaterialsProjectSource:
    """Structures of the Materials Project that fit a query.

    GNoME entries, which are CC BY-NC, are left out unless asked for.

    Attributes:
        query: what is asked; it may not be empty (the client would load the whole database).
        access: cache and network.
        include_gnome: ask for the non-commercial GNoME entries too.
        endpoint: address of the API.
        policy: pauses and limits.
        sleep: how to wait; tests replace it.

    Raises:
        InputError: the query is empty.
    """

    query: SourceQuery
    access: Access = field(default_factory=Access)
    include_gnome: bool = False
    endpoint: str = ENDPOINT
    policy: HttpPolicy = DEFAULT_POLICY
    sleep: Callable[[float], None] = time.sleep
    _client: SummaryClient | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.query.is_empty:
            raise InputError(
                "The Materials Project needs a query, for example --element Li: without one it "
                "would send its whole database."
            )
        if not self.endpoint.endswith("/"):
            self.endpoint += "/"

    @property
    def name(self) -> str:
        """Name of the source."""
        return NAME

    @property
    def licence(self) -> str:
        """Licence of the content."""
        return LICENCE + (" and CC BY-NC 4.0 (GNoME)" if self.include_gnome else "")

    def entries(self) -> Iterator[RawEntry | Rejection]:
        """Every structure that fits the query, sorted by id.

        Raises:
            MissingCredentialsError: there is no key and the cache does not have it all.
            SourceError: the list of ids cannot be had.
        """
        try:
            ids = self._ids()
            access = self.access
            for start in range(0, len(ids), BATCH):
                failure = yield from self._batch(ids[start : start + BATCH], access)
                if isinstance(failure, SourceUnavailableError):
                    # Do not knock at every batch of a server that is down.
                    access = replace(self.access, offline=True)
        finally:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _ids(self) -> list[str]:
        """Names of all materials that fit, sorted.

        Raises:
            SourceError: they cannot be had.
        """
        key = json.dumps(["ids", self.endpoint, self.include_gnome, self.query.canonical()])
        answer = self.access.answer(NAME, key, self._fetch_ids, is_valid=_is_list)
        rows = json.loads(answer.data)
        ids = [
            str(row["material_id"])
            for row in rows
            if self.query.accepts_elements({str(symbol) for symbol in row["elements"]})
        ]
        ids = sorted(set(ids), key=lambda name: (len(name), name))
        return ids[: self.query.limit]

    def _fetch_ids(self) -> bytes:
        criteria = search_criteria(self.query)
        if not self.include_gnome:
            criteria["include_gnome"] = False
        rows = self._search(criteria, ("material_id", "elements"))
        kept = [
            {"material_id": _identifier(row), "elements": _symbols(row)}
            for row in rows
            if _identifier(row)
        ]
        return json.dumps(kept).encode()

    def _batch(
        self, ids: list[str], access: Access
    ) -> Generator[RawEntry | Rejection, None, SourceError | None]:
        """Entries of some ids; whatever does not arrive is a rejection. Returns the failure."""
        key = json.dumps(["documents", self.endpoint, FIELDS, ids])
        try:
            answer = access.answer(NAME, key, lambda: self._fetch_documents(ids), is_valid=_is_list)
        except SourceError as error:
            yield from (not_fetched(NAME, name, error) for name in ids)
            return error
        documents = {_identifier(row): row for row in json.loads(answer.data)}
        for name in ids:
            if name in documents:
                yield self._entry(name, documents[name], answer.retrieved)
            else:
                yield rejection(
                    NAME,
                    name,
                    "missing_document",
                    "The Materials Project lists this id but does not give its document; it may "
                    "have been withdrawn. Ask again later with --refresh.",
                )
        return None

    def _fetch_documents(self, ids: list[str]) -> bytes:
        return json.dumps(self._search({"material_ids": ids}, FIELDS)).encode()

    def _search(self, criteria: dict[str, Any], fields: tuple[str, ...]) -> list[dict[str, Any]]:
        if self._client is None:
            self._client = SummaryClient(
                key=materials_project_key(),
                endpoint=self.endpoint,
                policy=self.policy,
                sleep=self.sleep,
            )
        return self._client.search(criteria, fields)

    def _entry(
        self, name: str, document: Mapping[str, Any], retrieved: str
    ) -> RawEntry | Rejection:
        structure = document.get("structure")
        if not isinstance(structure, Mapping):
            return rejection(
                NAME,
                name,
                "no_structure",
                "The document of this material holds no structure, so nothing can be computed.",
            )
        return RawEntry(
            source=NAME,
            source_id=name,
            format="pymatgen_json",
            text=json.dumps(structure),
            metadata=clean_metadata(
                {
                    "retrieved": retrieved,
                    "licence": LICENCE,
                    "theoretical": document.get("theoretical"),
                    "energy_above_hull_ev_atom": document.get("energy_above_hull"),
                    "formation_energy_ev_atom": document.get("formation_energy_per_atom"),
                    "band_gap_ev": document.get("band_gap"),
                    "is_metal": document.get("is_metal"),
                    "n_sites": document.get("nsites"),
                    "experimental_ids": _experimental_ids(document.get("database_IDs")),
                    "last_modified": _text(document.get("last_updated")),
                }
            ),
        )


def search_criteria(query: SourceQuery) -> dict[str, Any]:
    """The query as arguments of mp-api's summary search; ``any_of`` has no counterpart there."""
    criteria: dict[str, Any] = {}
    if query.elements:
        criteria["elements"] = list(query.elements)
    if query.exclude:
        criteria["exclude_elements"] = list(query.exclude)
    if query.max_sites is not None:
        criteria["num_sites"] = (1, query.max_sites)
    if query.max_energy_above_hull_ev_atom is not None:
        criteria["energy_above_hull"] = (0.0, query.max_energy_above_hull_ev_atom)
    if query.min_band_gap_ev is not None:
        criteria["band_gap"] = (query.min_band_gap_ev, None)
    if query.nonmetals_only:
        criteria["is_metal"] = False
    if query.theoretical is not None:
        criteria["theoretical"] = query.theoretical
    if query.ids:
        criteria["material_ids"] = list(query.ids)
    if not criteria:  # any_of alone: at least one criterion, or the client reads a public bucket
        criteria["deprecated"] = False
    return criteria


def _is_list(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), list)
    except ValueError:
        return False


def _text(value: object) -> str | None:
    """A date as text, whichever way the server writes it."""
    if isinstance(value, Mapping):
        value = value.get("$date")
    return value if isinstance(value, str) else None


def _identifier(row: Mapping[str, Any]) -> str:
    value = row.get("material_id")
    return value if isinstance(value, str) else ""


def _symbols(row: Mapping[str, Any]) -> list[str]:
    value = row.get("elements")
    return [str(symbol) for symbol in value] if isinstance(value, list) else []


def _experimental_ids(value: object) -> str | None:
    """``icsd-1234; icsd-5678`` from ``{"icsd": ["icsd-1234", …], "pf": …}``."""
    if not isinstance(value, Mapping):
        return None
    names = [str(name) for group in value.values() if isinstance(group, list) for name in group]
    return "; ".join(dict.fromkeys(names)) or None
