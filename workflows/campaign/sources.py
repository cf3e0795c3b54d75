"""The ``sources:`` block: a list of sources, each of one kind.

A kind is a model of its settings with two functions: ``entries`` gives raw entries lazily, and
``state`` a text that changes when the entries may have changed. A new kind is one more field of
``SourceBlock`` and one more line in ``KINDS``.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.files.discover import iter_files, resolve_paths
from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources.base import Access
from dualion.structures.sources.open import entries_of, open_source
from dualion.structures.sources.prefilters import standard_filters
from dualion.structures.sources.query import SourceQuery
from dualion.structures.sources.selection import Selection, select

Found = Iterator[RawEntry | Rejection]

WITH_PATH = ("file", "icsd", "icsd-theoretical")
"""Sources of databases' kind whose names hold a path."""


class QueryBlock(BaseModel):
    """What is asked of a database; what it cannot apply itself is applied afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    elements: list[str] = Field([], description="symbols that must all be there")
    any_of: list[str] = Field([], description="symbols of which one must be there")
    exclude: list[str] = Field([], description="symbols that must not be there")
    max_sites: int | None = Field(None, ge=1, description="most sites of the cell")
    max_energy_above_hull_ev_atom: float | None = Field(None, ge=0.0, description="eV/atom")
    min_band_gap_ev: float | None = Field(None, ge=0.0, description="eV")
    nonmetals_only: bool = Field(False, description="leave out metals")
    theoretical: bool | None = Field(None, description="true: computed only, false: observed only")
    limit: int | None = Field(None, ge=1, description="most entries")


class SourceBlock(BaseModel):
    """One source; exactly one of its kinds is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str] | None = Field(
        None, min_length=1, description="files, folders, globs and archives"
    )
    bundled: bool | None = Field(None, description="true: the reference set of this package")
    database: str | None = Field(None, description="mp, cod, optimade:NAME, icsd:PATH, icsd-api")
    combined: list[str] | None = Field(
        None,
        min_length=1,
        description="databases and file:PATH, filtered together and freed of duplicates",
    )
    query: QueryBlock | None = Field(None, description="what is asked of the databases")

    @model_validator(mode="after")
    def _one_kind(self) -> SourceBlock:
        given = [name for name in KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give each source one kind, one of: {', '.join(KINDS)}")
        asks = self.database is not None or self.combined is not None
        if (self.query is not None) != asks:
            raise ValueError("database and query belong together; a query bounds what is asked")
        return self

    @property
    def kind(self) -> str:
        """Name of the source's kind."""
        return next(name for name in KINDS if getattr(self, name) is not None)

    def label(self) -> str:
        """The source in a few words."""
        value = getattr(self, self.kind)
        if isinstance(value, list):
            return f"{self.kind}: {', '.join(value)}"
        return f"{self.kind}: {value}" if isinstance(value, str) else self.kind


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of source can do, given its block and the campaign's folder."""

    entries: Callable[[SourceBlock, Path, Access], Found]
    state: Callable[[SourceBlock, Path], str]


def _paths(block: SourceBlock, folder: Path) -> list[str]:
    return [path_from(folder, name) for name in block.files or ()]


def path_from(folder: Path, name: str | Path) -> str:
    """Return a path or glob that starts at a folder, whose own name is no glob whatever it holds.

    Args:
        folder: where a relative name starts.
        name: path or glob; an absolute one stays as it is, ``~`` is the home folder.
    """
    path = folder / Path(name).expanduser()
    if path.exists() or path == Path(name).expanduser() or not glob.has_magic(str(name)):
        return str(path)
    return str(Path(glob.escape(str(folder))) / name)


def _file_entries(block: SourceBlock, folder: Path, _: Access) -> Found:
    return iter(iter_raw_entries(_paths(block, folder)))


def _file_state(block: SourceBlock, folder: Path) -> str:
    return _state_of(_paths(block, folder))


def _state_of(paths: list[str]) -> str:
    """Names, sizes and times of all files, hashed."""
    digest = hashlib.sha256()
    for file in iter_files(resolve_paths(paths)):
        status = file.path.stat()
        digest.update(f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _bundled_entries(_: SourceBlock, __: Path, ___: Access) -> Found:
    return iter(iter_raw_entries(reference_paths()))


def _bundled_state(_: SourceBlock, __: Path) -> str:
    return _state_of([str(path) for path in reference_paths()])


def _query(block: SourceBlock) -> SourceQuery:
    asked = block.query.model_dump() if block.query else {}
    words: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in asked.items()}
    return SourceQuery(**words)


def _database_entries(block: SourceBlock, folder: Path, access: Access) -> Found:
    """Entries of a database; an answer that came once is kept in the cache."""
    query = _query(block)
    source = open_source(_with_path(str(block.database), folder), query, access)
    return select(source.entries(), Selection(filters=standard_filters(query), deduplicate=False))


def _with_path(name: str, folder: Path) -> str:
    """A source's name; the path in it starts at the campaign's folder."""
    kind, _, rest = name.partition(":")
    if kind in WITH_PATH and rest:
        return f"{kind}:{path_from(folder, rest)}"
    return name


def _database_state(block: SourceBlock, folder: Path) -> str:
    """The question, and for exports the files: a database is asked again when this changes."""
    name = _with_path(str(block.database), folder)
    kind, _, rest = name.partition(":")
    files = _state_of([rest]) if kind in WITH_PATH else ""
    return f"{name} {_query(block).canonical()} {files}"


def _combined_names(block: SourceBlock, folder: Path) -> list[str]:
    return [_with_path(name, folder) for name in block.combined or ()]


def _combined_entries(block: SourceBlock, folder: Path, access: Access) -> Found:
    """Entries of databases and files together, filtered, without duplicates."""
    query = _query(block)
    selection = Selection(filters=standard_filters(query), deduplicate=True)
    return entries_of(_combined_names(block, folder), query, selection=selection, access=access)


def _combined_state(block: SourceBlock, folder: Path) -> str:
    named = [name.partition(":") for name in _combined_names(block, folder)]
    files = [_state_of([rest]) for kind, _, rest in named if kind in WITH_PATH and rest]
    return f"{block.combined} {_query(block).canonical()} {' '.join(files)}"


KINDS: dict[str, Kind] = {
    "files": Kind(_file_entries, _file_state),
    "bundled": Kind(_bundled_entries, _bundled_state),
    "database": Kind(_database_entries, _database_state),
    "combined": Kind(_combined_entries, _combined_state),
}


def source_entries(source: SourceBlock, folder: Path, *, offline: bool = False) -> Found:
    """Entries of a source.

    Args:
        source: the source.
        folder: where its relative paths start.
        offline: use the caches of databases alone.

    Raises:
        InputError: it cannot be read at all.
    """
    return KINDS[source.kind].entries(source, folder, Access(offline=offline))


def source_state(source: SourceBlock, folder: Path) -> str:
    """Compute a text that changes when the entries of a source may have changed.

    Args:
        source: the source.
        folder: where its relative paths start.

    Raises:
        InputError: a path or a glob matches nothing.
    """
    return f"{source.kind}:{KINDS[source.kind].state(source, folder)}"
