"""Raw entries of files, folders, globs and archives, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import IO

from dualion.structures.files.archives import Member, iter_members, iter_zip
from dualion.structures.files.discover import FoundFile, iter_files, resolve_paths
from dualion.structures.files.formats import (
    ARCHIVES,
    KNOWN_FORMATS,
    Kind,
    is_clearly_no_structure,
    is_hidden,
    kind_of,
)
from dualion.structures.files.limits import DEFAULT_LIMITS, MEBIBYTE, ReadLimits, WorkBudget
from dualion.structures.files.split import Part, empty_problem, split
from dualion.structures.files.streams import (
    DAMAGE,
    ReadProblem,
    budget_problem,
    damage_problem,
    open_compression,
)
from dualion.structures.records import SOURCE_FILE, RawEntry, Rejection
from dualion.structures.text import printable_name

SOURCE = "file"
"""``source`` of every entry that comes from a file."""

COUNTED_BYTES = 32 * MEBIBYTE
"""Size of all files together up to which they are read once more, to count the entries."""

Named = Iterator[tuple[str, Part]]
"""Name of a file or a member, and a part of it."""


def iter_raw_entries(
    paths: Iterable[str | Path], *, limits: ReadLimits = DEFAULT_LIMITS
) -> Iterator[RawEntry | Rejection]:
    """Every structure in files, folders, globs and archives, as text.

    The memory that is needed does not grow with the number of structures, apart from one
    or two hundred bytes each to keep the names unique. The order is that of ``paths``; folders are
    walked in sorted order, archives as they were packed.

    Args:
        paths: files, folders (with all below), globs (``*``, ``**``), archives.
        limits: bounds on size.

    Returns:
        An iterator of entries; a ``Rejection`` of stage ``read`` stands wherever something
        was found that cannot be used. ``source_id`` is ``relative/path.cif#part``, or the
        material's own identifier where a JSON object gives one; unique in this call: a repeated
        one gets ``~2``, ``~3``. ``source_file`` is ``relative/path.cif``.

    Raises:
        InputError: at once, if a path or a glob matches nothing.
    """
    resolved = resolve_paths(paths)
    return _entries(resolved, limits)


def count_entries(
    paths: Iterable[str | Path], *, limits: ReadLimits = DEFAULT_LIMITS
) -> int | None:
    """Count the entries and rejections that ``iter_raw_entries`` will give, for a progress bar.

    Args:
        paths: files, folders (with all below), globs (``*``, ``**``), archives.
        limits: bounds on size.

    Returns:
        The exact number, or None where the files together are larger than
        ``COUNTED_BYTES``, so that counting would take long.

    Raises:
        InputError: a path or a glob matches nothing.
    """
    resolved = resolve_paths(paths)
    size = 0
    for file in iter_files(resolved):
        if kind_of(file.name)[0] is not None:
            size += _size(file.path)
        if size > COUNTED_BYTES:
            return None
    return sum(1 for _ in _entries(resolved, limits))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _entries(
    resolved: list[tuple[Path, Path, bool]], limits: ReadLimits
) -> Iterator[RawEntry | Rejection]:
    names = _UniqueNames()
    for file in iter_files(resolved):
        for name, part in _file_parts(file, limits):
            # Escaped before it is made unique: two names may look alike then.
            source_id = names.make(printable_name(_identifier(name, part)))
            if part.problem is not None:
                yield _rejection(source_id, part.problem, name)
            else:
                yield RawEntry(
                    source=SOURCE, source_id=source_id, format=part.format, text=part.text,
                    metadata={SOURCE_FILE: printable_name(name)},
                )  # fmt: skip


def _identifier(file: str, part: Part) -> str:
    if part.identified:
        return part.part
    return f"{file}#{part.part}" if part.part else file


def _rejection(source_id: str, problem: ReadProblem, file: str) -> Rejection:
    return Rejection(
        source=SOURCE,
        source_id=source_id,
        stage="read",
        reason=problem.reason,
        message=problem.message,
        source_file=file,
    )


class _UniqueNames:
    """Gives repeated names a suffix; keeps hashes instead of names, to stay small."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeats: dict[int, int] = {}

    def make(self, name: str) -> str:
        key = hash(name)
        if key not in self._seen:
            self._seen.add(key)
            return name
        while True:
            self._repeats[key] = self._repeats.get(key, 1) + 1
            candidate = f"{name}~{self._repeats[key]}"
            if hash(candidate) not in self._seen:
                self._seen.add(hash(candidate))
                return candidate


def _file_parts(file: FoundFile, limits: ReadLimits) -> Named:
    kind, compression = kind_of(file.name)
    if kind is None:
        if file.explicit or not is_clearly_no_structure(file.name):
            yield file.name, Part(part="", problem=_unknown_format(file.name))
        return
    try:
        if not file.path.is_file():
            raise ReadProblem("not_a_file", "The path is no ordinary file; leave it out.")
        with file.path.open("rb") as opened:
            size = _size(file.path)
            archive = kind in ARCHIVES
            budget = WorkBudget(size, limits) if archive else None
            yield from _opened_parts(file.name, kind, compression, opened, size, limits, budget)
    except ReadProblem as problem:
        yield file.name, Part(part="", problem=problem)
    except OSError as error:
        yield file.name, Part(part="", problem=damage_problem(error))


def _opened_parts(
    name: str,
    kind: Kind,
    compression: str | None,
    opened: IO[bytes],
    stored_bytes: int,
    limits: ReadLimits,
    budget: WorkBudget | None,
    depth: int = 1,
) -> Named:
    """Parts of an open file or member.

    Args:
        name: of the file or member, for ids.
        kind: its format.
        compression: suffix of its compression.
        opened: its bytes.
        stored_bytes: size as stored.
        limits: the bounds.
        budget: what the outermost archive may still unpack to; None for a plain file.
        depth: archives around and with it.

    Raises:
        ReadProblem: it cannot be read on; the parts before were given.
    """
    if stored_bytes == 0:
        raise empty_problem()
    if kind in ARCHIVES and depth > limits.archive_depth:
        raise ReadProblem(
            "nested_archive",
            f"More than {limits.archive_depth} archives lie inside one another; unpack the outer "
            "ones and give the folder.",
        )
    if kind == "zip" and compression is None and depth == 1:
        yield from _archive_parts(name, iter_zip(opened, limits), limits, budget, depth)
        return
    stream = open_compression(
        opened, compression, stored_bytes=stored_bytes, limits=limits, budget=budget
    )
    if kind in ARCHIVES:
        yield from _archive_parts(name, iter_members(kind, stream, limits), limits, budget, depth)
        return
    for part in split(kind, stream, limits):
        yield name, part


def _archive_parts(
    archive: str,
    members: Iterator[Member],
    limits: ReadLimits,
    budget: WorkBudget | None,
    depth: int,
) -> Named:
    found = False
    for member in members:
        found = True
        if is_hidden(member.name) and member.problem is None:
            continue
        name = f"{archive}/{_safe_member_name(member.name)}"
        try:
            yield from _member_parts(name, member, limits, budget, depth)
        except ReadProblem as problem:
            yield name, Part(part="", problem=problem)
            if budget is not None and budget.is_spent:
                raise budget_problem() from None  # the members that are left have no rows
        except DAMAGE as error:
            yield name, Part(part="", problem=damage_problem(error))
    if not found:
        raise ReadProblem("empty", "The archive holds no file; pack it again.")


def _member_parts(
    name: str, member: Member, limits: ReadLimits, budget: WorkBudget | None, depth: int
) -> Named:
    if member.problem is not None:
        raise member.problem
    kind, compression = kind_of(member.name)
    if kind is None:
        if not is_clearly_no_structure(member.name):
            raise _unknown_format(member.name)
        return
    with closing(member.open()) as opened:
        yield from _opened_parts(
            name, kind, compression, opened, member.stored_bytes, limits, budget, depth + 1
        )


def _safe_member_name(name: str) -> str:
    """A member's path for use in ids: bounded, and escaped where it cannot be printed."""
    return printable_name(name)[:300]


def _unknown_format(name: str) -> ReadProblem:
    ending = PurePosixPath(name).suffix or PurePosixPath(name).name
    return ReadProblem(
        "unknown_format",
        f"No known format has the ending or name {ending!r}. Known are {KNOWN_FORMATS}.",
    )
