"""Any provider of OPTIMADE, by a plain implementation of the protocol.

Filter, response fields, paging by ``links.next`` and the structure entry follow the OPTIMADE
specification 1.2 (Andersen et al., Sci. Data 8, 217 (2021), 10.1038/s41597-021-00974-z;
Evans et al., Digital Discovery 3, 1509 (2024), 10.1039/D4DD00039K). Each page is an answer of
its own in the cache.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from dualion.structures.errors import InputError, UnreadableStructureError
from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources.base import Access, clean_metadata, rejection
from dualion.structures.sources.errors import (
    SourceAnswerError,
    SourceError,
    SourceUnavailableError,
    redact,
)
from dualion.structures.sources.http.session import (
    DEFAULT_POLICY,
    HttpClient,
    HttpPolicy,
    stays_on_host,
)
from dualion.structures.sources.optimade.entry import structure_text
from dualion.structures.sources.optimade.providers import (
    Provider,
    provider_of,
    recognised_properties,
)
from dualion.structures.sources.query import SourceQuery
from dualion.structures.text import printable_name

PAGE_LIMIT = 100
MOST_PAGES = 20_000
"""Pages of one query that are read, two million entries at ``PAGE_LIMIT``; what a provider has
beyond is not asked for."""

MOST_IDLE_PAGES = 100
"""Pages in a row without a new entry after which a provider is not asked for more."""

RESPONSE_FIELDS = (
    "lattice_vectors",
    "cartesian_site_positions",
    "species_at_sites",
    "species",
    "elements",
    "nsites",
    "dimension_types",
    "structure_features",
    "assemblies",
    "chemical_formula_reduced",
    "last_modified",
    "immutable_id",
)


def optimade_filter(query: SourceQuery) -> str:
    """The query in the filter language of OPTIMADE; empty where it asks nothing."""
    parts = []
    if query.elements:
        parts.append(f"elements HAS ALL {_quoted(query.elements)}")
    if query.any_of:
        parts.append(f"elements HAS ANY {_quoted(query.any_of)}")
    if query.exclude:
        parts.append(f"NOT elements HAS ANY {_quoted(query.exclude)}")
    if query.max_sites is not None:
        parts.append(f"nsites<={query.max_sites}")
    if query.ids:
        alternatives = " OR ".join(f'id="{_escaped(name)}"' for name in query.ids)
        parts.append(f"({alternatives})" if len(query.ids) > 1 else alternatives)
    return " AND ".join(parts)


def _quoted(symbols: tuple[str, ...]) -> str:
    return ",".join(f'"{symbol}"' for symbol in sorted(symbols))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@dataclass(slots=True, kw_only=True)
class OptimadeSource:
    """Structures of one provider that fit a query.

    A provider that fails in the middle gives one rejection (``provider_failed``) for the pages
    that are missing; the entries before it are kept, and the next run goes on from there.

    Attributes:
        provider: a known name (``mp``, ``cod``, ``alexandria``, ``oqmd``, ``jarvis`` …) or the
            base address of any provider.
        query: what is asked; it may not be empty.
        access: cache and network.
        page_limit: entries asked for in one page.
        most_pages: pages that are read at most.
        policy: pauses and limits.
        sleep: how to wait; tests replace it.

    Raises:
        InputError: the provider is unknown, or the query is empty.
    """

    provider: str
    query: SourceQuery
    access: Access = field(default_factory=Access)
    page_limit: int = PAGE_LIMIT
    most_pages: int = MOST_PAGES
    policy: HttpPolicy = DEFAULT_POLICY
    sleep: Callable[[float], None] = time.sleep
    _known: Provider = field(init=False)
    _properties: dict[str, str] = field(init=False)
    _http: HttpClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._known = provider_of(self.provider)
        self._properties = dict(self._known.properties)
        if not optimade_filter(self.query):
            raise InputError(
                f"{self.name} needs a query, for example --element Li: without one it would send "
                "its whole database."
            )
        self._http = HttpClient(source=self.name, policy=self.policy, sleep=self.sleep)

    @property
    def name(self) -> str:
        """``optimade:`` and the provider's name or host."""
        return f"optimade:{self._known.name}"

    @property
    def licence(self) -> str:
        """Licence of the content as far as it is known."""
        return self._known.licence

    @property
    def first_url(self) -> str:
        """Address of the first page."""
        wanted = min(self.page_limit, self.query.limit or self.page_limit)
        arguments = {
            "filter": optimade_filter(self.query),
            "response_format": "json",
            "page_limit": str(wanted),
        }
        if self._known.is_listed or self._properties:
            fields = (*RESPONSE_FIELDS, *self._properties)
            arguments["response_fields"] = ",".join(fields)
        # Without names to ask for, a provider sends its own properties by default.
        return f"{_versioned(self._known.base_url)}/structures?{urlencode(arguments)}"

    def entries(self) -> Iterator[RawEntry | Rejection]:
        """Every structure that fits the query, in the provider's order.

        Raises:
            SourceError: not even the first page can be had.
        """
        seen: set[str] = set()
        try:
            if not self._known.is_listed:
                self._properties = self._discover()
            for item, retrieved in self._items(seen):
                entry = self._entry(item, retrieved, len(seen))
                if entry is None or entry.source_id in seen:
                    continue  # pages shift while a database grows
                seen.add(entry.source_id)
                yield entry
                if self.query.limit is not None and len(seen) >= self.query.limit:
                    return
        finally:
            self._http.close()

    def _discover(self) -> dict[str, str]:
        """The provider's own properties whose names say that they are what we know.

        Raises:
            SourceUnavailableError: the provider cannot be reached.
        """
        url = f"{_versioned(self._known.base_url)}/info/structures"
        try:
            answer = self.access.answer(
                self.name, url, lambda: self._http.request("GET", url).content, is_valid=_is_info
            )
            listed = json.loads(answer.data)["data"]["properties"]
        except SourceUnavailableError:
            raise
        except (SourceError, ValueError, KeyError, TypeError):
            return {}  # the structures can be had without
        return recognised_properties(listed)

    def _items(self, seen: Collection[str]) -> Iterator[tuple[object, str]]:
        """Raw entries of all pages, with their date; ``seen`` grows with the new ones."""
        url: str | None = self.first_url
        visited: set[str] = set()
        idle = 0
        while url is not None:
            try:
                page, retrieved = self._page(url)
            except SourceError as error:
                if not visited:
                    raise
                yield _failed(error), ""
                return
            visited.add(url)
            before = len(seen)
            yield from ((item, retrieved) for item in page["data"])
            idle = idle + 1 if len(seen) == before else 0
            try:
                url = self._next(page, url)
                self._check_pages(url, visited, idle)
            except SourceAnswerError as error:
                yield _failed(error), ""
                return

    def _check_pages(self, url: str | None, visited: Collection[str], idle: int) -> None:
        """Refuse pages without end.

        Raises:
            SourceAnswerError: they come again, are too many, or bring nothing new.
        """
        if url is None:
            return
        if url in visited:
            raise SourceAnswerError(f"{self.name}: its pages lead in a circle.")
        if len(visited) >= self.most_pages:
            raise SourceAnswerError(
                f"{self.name}: it has more than {self.most_pages} pages of this query; the others "
                "were not asked for. Ask for less at once."
            )
        if idle >= MOST_IDLE_PAGES:
            raise SourceAnswerError(
                f"{self.name}: {idle} pages in a row brought nothing new, so no more were asked "
                "for."
            )

    def _page(self, url: str) -> tuple[dict[str, Any], str]:
        """One page, from the cache or the provider.

        Raises:
            SourceError: it cannot be had, or is none.
        """
        answer = self.access.answer(self.name, url, lambda: self._fetch(url), is_valid=_is_page)
        return json.loads(answer.data), answer.retrieved

    def _fetch(self, url: str) -> bytes:
        response = self._http.request("GET", url)
        if not _is_page(response.content):
            raise SourceAnswerError(
                f"{self.name}: the answer is no list of OPTIMADE entries. Check the address "
                f"({self._known.base_url})."
            )
        return response.content

    def _next(self, page: Mapping[str, Any], url: str) -> str | None:
        """Address of the next page; None on the last one.

        Raises:
            SourceAnswerError: it lies on another host.
        """
        links = page.get("links")
        if links is not None and not isinstance(links, Mapping):
            raise self._broken_link()
        link = (links or {}).get("next")
        if isinstance(link, Mapping):
            link = link.get("href")
        if link is None or link == "":
            return None
        if not isinstance(link, str):
            raise self._broken_link()
        try:
            following = urljoin(url, link)
            host = urlsplit(following).hostname
        except ValueError:
            raise self._broken_link() from None
        if not stays_on_host(following, url):
            raise SourceAnswerError(
                f"{self.name}: the link to its next page leads to another host "
                f"({redact(host)}) and was not followed."
            )
        return following

    def _broken_link(self) -> SourceAnswerError:
        return SourceAnswerError(f"{self.name}: the link to its next page is broken.")

    def _entry(self, item: object, retrieved: str, number: int) -> RawEntry | Rejection | None:
        """One entry; None where the query does not want it."""
        if isinstance(item, Rejection):
            return _renamed(item, self.name)
        fallback = f"entry-{number + 1}"
        if not isinstance(item, Mapping) or not isinstance(item.get("attributes"), Mapping):
            return rejection(
                self.name, fallback, "no_structure", "The entry has no attributes; nothing to read."
            )
        attributes = item["attributes"]
        name = _identifier(item.get("id")) or fallback
        elements = attributes.get("elements")
        if isinstance(elements, list) and not self.query.accepts_elements(set(map(str, elements))):
            return None  # a provider that does not filter as asked
        try:
            text = structure_text(attributes)
        except UnreadableStructureError as error:
            return rejection(self.name, name, error.reason, str(error))
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            # Values of a server may be of any type; an entry that cannot be understood is one row.
            return rejection(
                self.name,
                name,
                "bad_entry",
                f"The entry is not of the shape that OPTIMADE documents ({error}).",
            )
        return RawEntry(
            source=self.name,
            source_id=name,
            format="pymatgen_json",
            text=text,
            metadata=self._metadata(attributes, retrieved),
        )

    def _metadata(self, attributes: Mapping[str, Any], retrieved: str) -> dict[str, Any]:
        known = self._known
        properties = self._properties or recognised_properties(attributes)
        found = {
            ours: attributes.get(theirs)
            for theirs, ours in properties.items()
            if attributes.get(theirs) is not None
        }
        return clean_metadata(
            {
                "retrieved": retrieved,
                "licence": known.licence,
                "theoretical": known.theoretical,
                "n_sites": attributes.get("nsites"),
                "stated_formula": attributes.get("chemical_formula_reduced"),
                "last_modified": attributes.get("last_modified"),
                "database_code": _identifier(attributes.get("immutable_id")),
                **found,
            }
        )


def _versioned(base_url: str) -> str:
    """The base address with ``/v1``, which the specification wants of clients."""
    base = base_url.rstrip("/")
    return base if re.search(r"/v\d+(\.\d+)*$", base) else f"{base}/v1"


def _identifier(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return printable_name(" ".join(str(value).split()))[:200]


def _is_page(data: bytes) -> bool:
    try:
        page = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(page, dict) and isinstance(page.get("data"), list)


def _is_info(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data)["data"]["properties"], dict)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _failed(error: SourceError) -> Rejection:
    return rejection(
        "",
        "(further pages)",
        "provider_failed",
        f"{error} The entries before are kept; the same command goes on from there.",
    )


def _renamed(item: Rejection, source: str) -> Rejection:
    return rejection(source, item.source_id, item.reason, item.message)
