"""From what a user writes to sources: ``mp``, ``optimade:cod``, ``icsd:folder/`` …"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dualion.structures.errors import DualionError, InputError
from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources.base import Access, Source, rejection
from dualion.structures.sources.errors import SourceError
from dualion.structures.sources.icsd.api import IcsdApiSource
from dualion.structures.sources.local import FilesSource, IcsdExportSource
from dualion.structures.sources.materials_project.source import MaterialsProjectSource
from dualion.structures.sources.optimade.source import OptimadeSource
from dualion.structures.sources.prefilters import standard_filters
from dualion.structures.sources.query import SourceQuery
from dualion.structures.sources.selection import Selection, select

FORMS: dict[str, str] = {
    "mp": "the Materials Project through its API",
    "cod": "the Crystallography Open Database (short for optimade:cod)",
    "optimade:NAME": "a provider of OPTIMADE by name or address",
    "icsd:PATH": "CIFs exported from the ICSD: a folder, a zip or one file",
    "icsd-theoretical:PATH": "the same, for computed structures",
    "icsd-api": "the ICSD's web API; also icsd-api:theoretical, icsd-api:metalorganic",
    "file:PATH": "files, folders, globs or archives of any format",
}
"""What a source may be called, and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Addresses of services other than the usual ones; None for the usual one."""

    materials_project: str | None = None
    icsd: str | None = None


def open_source(
    text: str, query: SourceQuery, access: Access, *, endpoints: Endpoints | None = None
) -> Source:
    """The source that a text names.

    Args:
        text: one of ``FORMS``.
        query: what is asked of it.
        access: cache and network.
        endpoints: other addresses, for mirrors and tests.

    Raises:
        InputError: there is no such source, or the query is not possible there.
    """
    kind, colon, rest = text.partition(":")
    places = endpoints or Endpoints()
    openers: dict[str, Callable[[], Source]] = {
        "mp": lambda: _materials_project(query, access, places),
        "cod": lambda: OptimadeSource(provider="cod", query=query, access=access),
        "optimade": lambda: OptimadeSource(provider=rest, query=query, access=access),
        "icsd": lambda: IcsdExportSource(paths=(_path(rest),)),
        "icsd-theoretical": lambda: IcsdExportSource(paths=(_path(rest),), theoretical=True),
        "icsd-api": lambda: _icsd_api(rest, query, access, places),
        "file": lambda: FilesSource(paths=(_path(rest),)),
    }
    if kind in openers and (not colon or kind not in ("mp", "cod")):
        return openers[kind]()
    if not colon and Path(text).exists():
        return FilesSource(paths=(text,))
    close = difflib.get_close_matches(kind, openers, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(FORMS)}."
    raise InputError(f"There is no source {text!r}. {hint}")


def _materials_project(query: SourceQuery, access: Access, places: Endpoints) -> Source:
    if places.materials_project is None:
        return MaterialsProjectSource(query=query, access=access)
    return MaterialsProjectSource(query=query, access=access, endpoint=places.materials_project)


def _icsd_api(content: str, query: SourceQuery, access: Access, places: Endpoints) -> Source:
    content = content or "inorganic"
    if places.icsd is None:
        return IcsdApiSource(query=query, access=access, content=content)
    return IcsdApiSource(query=query, access=access, content=content, endpoint=places.icsd)


def _path(text: str) -> str:
    if not text:
        raise InputError("This source needs a path after the colon, for example icsd:exports/.")
    return text


def all_entries(
    sources: Iterable[Source], *, on_failure: Callable[[Source, DualionError], None] | None = None
) -> Iterator[RawEntry | Rejection]:
    """Entries of several sources, one source after the other; one that fails costs only itself.

    Args:
        sources: where to look.
        on_failure: called where a source can give nothing (more).

    Yields:
        All entries. A source that fails as a whole gives one rejection, ``(source)``, with the
        sentence of its error.
    """
    for source in sources:
        try:
            yield from source.entries()
        except (SourceError, InputError) as error:
            if on_failure:
                on_failure(source, error)
            reason = error.reason if isinstance(error, SourceError) else "source_not_usable"
            yield rejection(source.name, "(source)", reason, str(error))


def entries_of(
    texts: Sequence[str],
    query: SourceQuery,
    *,
    selection: Selection | None = None,
    access: Access | None = None,
    workers: int = 1,
) -> Iterator[RawEntry | Rejection]:
    """What ``dualion screen --source …`` screens: opened, filtered, without duplicates.

    Args:
        texts: sources, each one of ``FORMS``.
        query: what is asked of them.
        selection: filters and the search for duplicates; None for those of the query alone.
        access: cache and network; None for the usual ones.
        workers: processes that parse and compare.

    Raises:
        InputError: at once, if a source is unknown or the query is not possible there.
    """
    chosen = selection or Selection(filters=standard_filters(query))
    sources = open_sources(texts, query, access or Access())
    return select(all_entries(sources), chosen, workers=workers)


def open_sources(
    texts: Sequence[str],
    query: SourceQuery,
    access: Access,
    *,
    endpoints: Endpoints | None = None,
) -> list[Source]:
    """Open the sources that several texts name.

    Args:
        texts: sources, each one of ``FORMS``; repeated ones count once.
        query: what is asked of each source.
        access: how the cache and the servers are used.
        endpoints: other addresses, for mirrors and tests.

    Raises:
        InputError: none is given, or one is not possible.
    """
    if not texts:
        raise InputError(f"No source was given. Known are {', '.join(FORMS)}.")
    return [open_source(text, query, access, endpoints=endpoints) for text in dict.fromkeys(texts)]
