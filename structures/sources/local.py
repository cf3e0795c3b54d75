"""Sources on the user's own disk: files of any kind, and exports of the ICSD."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dualion.structures.files import iter_raw_entries
from dualion.structures.files.discover import iter_files, resolve_paths
from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources.base import today
from dualion.structures.sources.icsd.tags import icsd_metadata

ICSD_LICENCE = "licensed: ICSD, FIZ Karlsruhe; not to be passed on"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSource:
    """Structures in files, folders, globs and archives.

    Attributes:
        paths: what to read, see ``dualion.structures.files``.
        licence: note for the metadata.
    """

    paths: Sequence[str | Path]
    licence: str = "the user's own files"

    @property
    def name(self) -> str:
        """Name of the source."""
        return "file"

    def entries(self) -> Iterator[RawEntry | Rejection]:
        """Every structure; ``retrieved`` is the date of the newest file.

        Raises:
            InputError: a path matches nothing.
        """
        known = {"retrieved": newest_date(self.paths), "licence": self.licence}
        for entry in iter_raw_entries(self.paths):
            if isinstance(entry, RawEntry):
                entry = replace(entry, metadata={**known, **entry.metadata})
            yield entry


@dataclass(frozen=True, slots=True, kw_only=True)
class IcsdExportSource:
    """CIFs as the ICSD exports them: a folder, a zip, or one file with many blocks.

    Attributes:
        paths: what to read, see ``dualion.structures.files``.
        theoretical: whether all of them are computed structures (True), or measured ones
            (False); None to tell from each block.
    """

    paths: Sequence[str | Path]
    theoretical: bool | None = None
    licence: str = field(default=ICSD_LICENCE, init=False)

    @property
    def name(self) -> str:
        """Name of the source."""
        return "icsd"

    def entries(self) -> Iterator[RawEntry | Rejection]:
        """Every structure, named by its collection code where it has one.

        Raises:
            InputError: a path matches nothing.
        """
        retrieved = newest_date(self.paths)
        names = UniqueNames()
        for entry in iter_raw_entries(self.paths):
            yield icsd_entry(entry, names, retrieved=retrieved, theoretical=self.theoretical)


class UniqueNames:
    """Repeated names get ``~2``, ``~3``."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def make(self, name: str) -> str:
        """The name, or with a suffix if it was given before."""
        wanted = name
        while wanted in self._taken:
            self._taken[name] += 1
            wanted = f"{name}~{self._taken[name]}"
        self._taken[wanted] = 1
        return wanted


def icsd_entry(
    entry: RawEntry | Rejection, names: UniqueNames, *, retrieved: str, theoretical: bool | None
) -> RawEntry | Rejection:
    """Turn an entry of a file into one of the ICSD, with what its CIF items say.

    Args:
        entry: the entry, or the rejection of what stood in its place.
        names: names that were given so far; a new one is added.
        retrieved: date of the files, ISO 8601.
        theoretical: whether the structure is a computed one; None to tell from its block.
    """
    if isinstance(entry, Rejection):
        return replace(entry, source="icsd", source_id=names.make(entry.source_id))
    metadata = dict(entry.metadata)
    if entry.format == "cif":
        metadata |= icsd_metadata(
            entry.text, licence=ICSD_LICENCE, retrieved=retrieved, theoretical=theoretical
        )
    else:
        metadata |= {"retrieved": retrieved, "licence": ICSD_LICENCE}
    code = metadata.get("collection_code")
    return replace(
        entry,
        source="icsd",
        source_id=names.make(f"icsd-{code}" if code else entry.source_id),
        metadata=metadata,
    )


def newest_date(paths: Sequence[str | Path]) -> str:
    """Date of the newest of the files, ISO 8601, UTC.

    Raises:
        InputError: a path matches nothing.
    """
    times = []
    for file in iter_files(resolve_paths(paths)):
        try:
            times.append(file.path.stat().st_mtime)
        except OSError:  # the reader will say what is wrong with it
            continue
    if not times:
        return today()
    return datetime.datetime.fromtimestamp(max(times), datetime.UTC).date().isoformat()
