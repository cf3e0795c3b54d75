"""Members of zip and tar archives, read in place: nothing is ever unpacked to disk by name."""

from __future__ import annotations

import re
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, cast

from dualion.structures.files.formats import Kind
from dualion.structures.files.limits import MEBIBYTE, ReadLimits
from dualion.structures.files.streams import (
    BROKEN_ARCHIVE,
    CHUNK_BYTES,
    DAMAGE,
    BoundedStream,
    ReadProblem,
    damage_problem,
)

HeaderError = tarfile.HeaderError

LOCAL_HEADER_BYTES = 30
"""Smallest header in front of a member's data (APPNOTE 6.3.10, 4.3.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of an archive; it must be read before the next one is asked for.

    Attributes:
        name: path inside the archive.
        stored_bytes: its size, in bytes (compressed where the archive compresses members).
        problem: why it is not to be opened, None where it is fine.
        open: gives its bytes.
    """

    name: str
    stored_bytes: int
    problem: ReadProblem | None
    open: Callable[[], IO[bytes]]


def iter_members(kind: Kind, stream: BoundedStream, limits: ReadLimits) -> Iterator[Member]:
    """Read the files of an archive in the order in which they lie there; folders are passed over.

    Args:
        kind: the kind of archive.
        stream: the bytes of the archive, any compression around it undone.
        limits: bounds on size and number.

    Raises:
        ReadProblem: the archive is broken or passes a limit; the members before were given.
    """
    members = _zip_members(stream, limits) if kind == "zip" else _tar_members(stream)
    try:
        for count, member in enumerate(members, start=1):
            if count > limits.members:
                raise ReadProblem(
                    "too_many_members",
                    f"The archive holds more than {limits.members} files; split it.",
                )
            yield member
    except DAMAGE as error:
        raise damage_problem(error) from error


def spool(stream: BoundedStream, limits: ReadLimits) -> IO[bytes]:
    """Copy an archive that lies inside an archive to a nameless temporary file.

    Args:
        stream: the bytes of the inner archive.
        limits: bounds on size.

    Raises:
        ReadProblem: the inner archive is larger than the limit, or its bytes are damaged.
    """
    target = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=16 * MEBIBYTE))  # noqa: SIM115
    size = 0
    try:
        while chunk := stream.read1(CHUNK_BYTES):
            size += len(chunk)
            if size > limits.nested_bytes:
                raise ReadProblem(
                    "too_large",
                    f"The inner archive is larger than {limits.nested_bytes // MEBIBYTE} MiB; "
                    "take it out of the outer one.",
                )
            target.write(chunk)
    except ReadProblem:
        target.close()
        raise
    target.seek(0)
    return target


def unsafe_name(name: str) -> ReadProblem | None:
    """The problem of a member whose path points out of its archive."""
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in parts:
        return ReadProblem(
            "unsafe_path",
            "The member's path is absolute or leads out of the archive; such archives are not "
            "made by accident. Pack the files again with relative paths.",
        )
    return None


def _link_problem() -> ReadProblem:
    return ReadProblem(
        "link_member", "The member is a link, which is not followed; pack the file itself."
    )


class _Header(tarfile.TarInfo):
    """A header that leaves with its archive what is lost where an extension is broken."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> _Header:
        """Read the next header; its name, or why there is none, stays in the archive."""
        archive = cast("_Tar", tarfile)
        try:
            header = super().fromtarfile(tarfile)
        except HeaderError as error:
            archive.last_error = error
            raise
        archive.last_name = header.name
        return header


class _Tar(tarfile.TarFile):
    """An archive that reads no header before it is asked for one."""

    is_open = False
    last_name = ""
    last_error: HeaderError | None = None

    def next(self) -> tarfile.TarInfo | None:
        """The next member; the constructor asks, too, and gets none."""
        return super().next() if self.is_open else None


def _tar_members(stream: BoundedStream) -> Iterator[Member]:
    # tarfile never sees a compression: the stream undoes it and bounds it.
    with _Tar(fileobj=cast("IO[bytes]", stream), mode="r", tarinfo=_Header) as archive:
        archive.is_open = True
        number = 0
        while True:
            number += 1
            start = archive.offset
            try:
                info = archive.next()
            except (ReadProblem, *DAMAGE):
                raise
            except BROKEN_ARCHIVE as error:
                if archive.offset <= start:
                    raise damage_problem(error) from error
                # The archive knows by then where the next member begins.
                yield _broken_member(archive.last_name or f"(member {number})", error)
                continue
            if info is None:
                _check_end(archive)
                return
            archive.members.clear()  # type: ignore[attr-defined]  # else it keeps every header
            if not info.isdir():
                yield _tar_member(archive, info)


def _check_end(archive: _Tar) -> None:
    """Refuse an end that is none: tarfile passes over what follows a broken header.

    Raises:
        ReadProblem: a header is broken or cut.
    """
    kind = type(archive.last_error).__name__  # the classes themselves are not documented
    if kind == "TruncatedHeaderError":
        raise damage_problem(EOFError())
    if kind == "InvalidHeaderError":
        raise ReadProblem(
            "damaged",
            "The header of a member is damaged, and what follows it cannot be found; copy or pack "
            "the archive again.",
        )


def _broken_member(name: str, error: BaseException) -> Member:
    problem = ReadProblem(
        "special_member",
        f"The member's header is not sound ({error}), as that of a spoilt sparse file; pack the "
        "file itself.",
    )

    def open_member() -> IO[bytes]:
        raise problem

    return Member(name=name, stored_bytes=0, problem=problem, open=open_member)


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    problem = unsafe_name(info.name)
    if problem is None and (info.issym() or info.islnk()):
        problem = _link_problem()
    elif problem is None and (not info.isreg() or info.issparse()):
        problem = ReadProblem("special_member", "The member is no ordinary file; leave it out.")

    def open_member() -> IO[bytes]:
        try:
            return cast("IO[bytes]", archive.extractfile(info))
        except BROKEN_ARCHIVE as error:
            raise damage_problem(error) from error

    return Member(name=info.name, stored_bytes=info.size, problem=problem, open=open_member)


def _zip_members(stream: BoundedStream, limits: ReadLimits) -> Iterator[Member]:
    with closing(spool(stream, limits)) as spooled:
        yield from iter_zip(spooled, limits)


def iter_zip(file: IO[bytes], limits: ReadLimits) -> Iterator[Member]:
    """Read the files of a zip archive that can be searched to and fro (a file on disk).

    Args:
        file: the archive, open for reading at its start.
        limits: bounds on size.

    Raises:
        ReadProblem: the archive is broken.
    """
    try:
        archive = zipfile.ZipFile(file)
    except BROKEN_ARCHIVE as error:
        raise ReadProblem(
            "damaged", f"This is no sound zip archive ({error}); copy or pack it again."
        ) from error
    with archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        overlapping = _overlapping(members)
        for info in members:
            problem = _overlap_problem() if id(info) in overlapping else None
            yield _zip_member(archive, info, limits, problem)


def _overlapping(members: list[zipfile.ZipInfo]) -> set[int]:
    """``id`` of the members that lie inside what another member takes up.

    Members that share their data are read as often as they are named, so that a small file means
    any amount of work. No program that packs files makes them.
    """
    found: set[int] = set()
    end = -1
    for info in sorted(members, key=lambda member: member.header_offset):
        if info.header_offset < end:
            found.add(id(info))
        # What the local header holds beyond this is not known before it is read.
        end = max(end, info.header_offset + LOCAL_HEADER_BYTES + info.compress_size)
    return found


def _overlap_problem() -> ReadProblem:
    return ReadProblem(
        "overlapping_members",
        "The member shares its bytes with another one; such archives are not made by accident. "
        "Pack the files again.",
    )


def _zip_member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    limits: ReadLimits,
    problem: ReadProblem | None,
) -> Member:
    problem = unsafe_name(info.filename) or problem
    mode = info.external_attr >> 16
    grows = info.file_size > limits.ratio * max(1, info.compress_size)
    if problem is None and stat.S_ISLNK(mode):
        problem = _link_problem()
    elif problem is None and info.flag_bits & 0x1:
        problem = ReadProblem("encrypted", "The member is encrypted; unpack the archive yourself.")
    elif problem is None and grows and info.file_size > limits.ratio_from_bytes:
        problem = ReadProblem(
            "zip_bomb",
            f"The member grows more than {limits.ratio:g}-fold when unpacked, which no structure "
            "does; if you trust it, unpack it and give the folder.",
        )

    def open_member() -> IO[bytes]:
        try:
            return archive.open(info)
        except BROKEN_ARCHIVE as error:
            raise ReadProblem(
                "damaged", f"The member cannot be unpacked ({error}); pack the archive again."
            ) from error

    return Member(
        name=info.filename, stored_bytes=info.compress_size, problem=problem, open=open_member
    )
