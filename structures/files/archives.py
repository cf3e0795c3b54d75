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
    CHUNK_BYTES,
    DAMAGE,
    BoundedStream,
    ReadProblem,
    damage_problem,
)


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
    """Files of an archive in the order in which they lie there; folders are passed over.

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
    """Copy an archive that lies inside an archive to a nameless temporary file."""
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


def _tar_members(stream: BoundedStream) -> Iterator[Member]:
    # tarfile never sees a compression: the stream undoes it and bounds it.
    with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as archive:
        while (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # else it keeps every header
            if not info.isdir():
                yield _tar_member(archive, info)


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    problem = unsafe_name(info.name)
    if problem is None and (info.issym() or info.islnk()):
        problem = _link_problem()
    elif problem is None and (not info.isreg() or info.issparse()):
        problem = ReadProblem("special_member", "The member is no ordinary file; leave it out.")

    def open_member() -> IO[bytes]:
        return cast("IO[bytes]", archive.extractfile(info))

    return Member(name=info.name, stored_bytes=info.size, problem=problem, open=open_member)


def _zip_members(stream: BoundedStream, limits: ReadLimits) -> Iterator[Member]:
    with closing(spool(stream, limits)) as spooled:
        yield from iter_zip(spooled, limits)


def iter_zip(file: IO[bytes], limits: ReadLimits) -> Iterator[Member]:
    """Files of a zip archive that can be searched to and fro (a file on disk).

    Raises:
        ReadProblem: the archive is broken.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (*DAMAGE, NotImplementedError, ValueError) as error:
        raise ReadProblem(
            "damaged", f"This is no sound zip archive ({error}); copy or pack it again."
        ) from error
    with archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield _zip_member(archive, info, limits)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: ReadLimits) -> Member:
    problem = unsafe_name(info.filename)
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
        except (*DAMAGE, NotImplementedError, RuntimeError, ValueError) as error:
            raise ReadProblem(
                "damaged", f"The member cannot be unpacked ({error}); pack the archive again."
            ) from error

    return Member(
        name=info.filename, stored_bytes=info.compress_size, problem=problem, open=open_member
    )
