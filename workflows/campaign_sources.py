"""The ``sources:`` block: a list of sources, each of one kind.

A kind is a model of its settings with two functions: ``entries`` gives raw entries lazily, and
``state`` a text that changes when the entries may have changed. A new kind is one more field of
``SourceBlock`` and one more line in ``KINDS``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from structures.records import RawEntry, Rejection

Found = Iterator[RawEntry | Rejection]


class SourceBlock(BaseModel):
    """One source; exactly one of its fields is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str] | None = Field(
        None, min_length=1, description="files, folders, globs and archives"
    )
    bundled: bool | None = Field(None, description="true: the reference set of this package")

    @model_validator(mode="after")
    def _one_kind(self) -> SourceBlock:
        given = [name for name in KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give each source one kind, one of: {', '.join(KINDS)}")
        return self

    @property
    def kind(self) -> str:
        """Name of the source's kind."""
        return next(name for name in KINDS if getattr(self, name) is not None)

    def label(self) -> str:
        """The source in a few words."""
        value = getattr(self, self.kind)
        return f"{self.kind}: {', '.join(value)}" if isinstance(value, list) else self.kind


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of source can do, given its settings and the campaign's folder."""

    entries: Callable[[Any, Path], Found]
    state: Callable[[Any, Path], str]


def _paths(names: list[str], folder: Path) -> list[str]:
    return [str(folder / Path(name).expanduser()) for name in names]


def _file_entries(names: list[str], folder: Path) -> Found:
    from structures.files import iter_raw_entries

    return iter(iter_raw_entries(_paths(names, folder)))


def _file_state(names: list[str], folder: Path) -> str:
    """Names, sizes and times of all files, hashed."""
    from structures.files.discover import iter_files, resolve_paths

    digest = hashlib.sha256()
    for file in iter_files(resolve_paths(_paths(names, folder))):
        status = file.path.stat()
        digest.update(f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _bundled_entries(_: bool, __: Path) -> Found:
    from structures.files import iter_raw_entries, reference_paths

    return iter(iter_raw_entries(reference_paths()))


def _bundled_state(_: bool, __: Path) -> str:
    from structures.files import reference_paths

    return _file_state([str(path) for path in reference_paths()], Path())


KINDS: dict[str, Kind] = {
    "files": Kind(_file_entries, _file_state),
    "bundled": Kind(_bundled_entries, _bundled_state),
}


def source_entries(source: SourceBlock, folder: Path) -> Found:
    """Entries of a source.

    Raises:
        InputError: it cannot be read at all.
    """
    return KINDS[source.kind].entries(getattr(source, source.kind), folder)


def source_state(source: SourceBlock, folder: Path) -> str:
    """A text that changes when the entries of a source may have changed."""
    return f"{source.kind}:{KINDS[source.kind].state(getattr(source, source.kind), folder)}"
