"""Byte streams that cannot be made to flood the memory, and the lines of text in them."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, cast

from dualion.structures.files.limits import MEBIBYTE, ReadLimits, WorkBudget

CHUNK_BYTES = 256 * 1024

_LINE_END = re.compile(rb"\r*\n|\r")

LARGEST_READ_BYTES = 64 * MEBIBYTE
"""Most that one call may ask for at once; only a forged archive header asks for more."""


class ReadProblem(Exception):
    """A file or a member cannot be read on; becomes a ``Rejection``.

    Attributes:
        reason: stable snake_case name.
        message: one sentence that says what, why and what to do.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
"""What the standard library raises on cut or broken data."""


BROKEN_ARCHIVE = (
    *DAMAGE,
    ValueError,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
    RuntimeError,  # NotImplementedError and RecursionError too
    struct.error,
)
"""What the standard library also runs into on headers that were spoilt or forged; to be caught
around its own calls only."""


def damage_problem(error: BaseException) -> ReadProblem:
    """Say in one sentence what is wrong with cut, broken or unreadable data."""
    if isinstance(error, ReadProblem):
        return error
    if isinstance(error, EOFError) or "end of data" in str(error):
        return ReadProblem(
            "truncated",
            "The data end too early: the file is cut short. What came before the cut was read; "
            "copy or download the file again.",
        )
    if isinstance(error, (PermissionError, FileNotFoundError, IsADirectoryError)):
        return ReadProblem(
            "cannot_open", f"The file cannot be opened ({error.strerror}); check its permissions."
        )
    return ReadProblem(
        "damaged",
        f"The data are damaged ({error}); copy or download the file again.",
    )


class BoundedStream(io.RawIOBase):
    """A readable stream that moves only forward and stops at the limits.

    Args:
        source: the stream to read, for example a ``gzip.GzipFile``.
        stored_bytes: size of the compressed data behind ``source``, None where the data are
            not compressed (then there is no limit on the whole).
        limits: the bounds.
        budget: what may be unpacked in all, shared by the members of an archive.
    """

    def __init__(
        self,
        source: IO[bytes],
        *,
        stored_bytes: int | None,
        limits: ReadLimits,
        budget: WorkBudget | None = None,
    ) -> None:
        self._source = source
        self._budget = budget
        self._stored_bytes = stored_bytes
        self._limits = limits
        self._position = 0

    def readable(self) -> bool:
        """The stream can be read."""
        return True

    def seekable(self) -> bool:
        """Forward only; ``tarfile`` asks for no more than that."""
        return True

    def tell(self) -> int:
        """Bytes given out so far."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go forward by reading, and return the new position, bytes.

        Args:
            offset: where to go, bytes, from the start or from the present position.
            whence: ``io.SEEK_SET`` or ``io.SEEK_CUR``.

        Raises:
            ReadProblem: the place lies behind, or is counted from the end.
        """
        target = offset + (self._position if whence == io.SEEK_CUR else 0)
        if whence == io.SEEK_END or target < self._position:
            raise ReadProblem(
                "damaged", "The archive points backwards; it is damaged. Pack it again."
            )
        while self._position < target and self.read(min(CHUNK_BYTES, target - self._position)):
            pass
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read up to ``size`` bytes; fewer only at the end.

        Raises:
            ReadProblem: a limit is passed, or the data are cut or broken.
        """
        wanted = LARGEST_READ_BYTES + 1 if size is None or size < 0 else size
        if size is not None and size > LARGEST_READ_BYTES:
            raise ReadProblem(
                "damaged", "A header of the archive asks for too much memory; pack it again."
            )
        parts: list[bytes] = []
        while wanted > 0 and (part := self.read1(wanted)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def read1(self, size: int) -> bytes:
        """Read what one step of the source gives, at most ``size`` bytes."""
        size = min(size, CHUNK_BYTES)
        try:
            # read1, not read: what a cut file still holds must not be lost with the error.
            reader = getattr(self._source, "read1", self._source.read)
            data = cast("bytes", reader(size))
        except ReadProblem:
            raise
        except BROKEN_ARCHIVE as error:
            raise damage_problem(error) from error
        self._position += len(data)
        self._check(len(data))
        return data

    def _check(self, unpacked_bytes: int) -> None:
        if self._budget is not None:
            self._budget.spend(unpacked_bytes)
            if self._budget.is_spent:
                raise budget_problem()
        if self._stored_bytes is None:
            return
        limits = self._limits
        if self._position > limits.archive_bytes:
            raise ReadProblem(
                "too_large",
                f"The data unpack to more than {limits.archive_bytes // MEBIBYTE} MiB; unpack "
                "them yourself and give the folder.",
            )
        grows = self._position > limits.ratio * max(1, self._stored_bytes)
        if grows and self._position > limits.ratio_from_bytes:
            raise ReadProblem(
                "zip_bomb",
                f"The data grow more than {limits.ratio:g}-fold when unpacked, which no set of "
                "structures does; if you trust the file, unpack it and give the folder.",
            )


def budget_problem() -> ReadProblem:
    """The problem of an archive whose members unpack to too much in all."""
    return ReadProblem(
        "zip_bomb",
        "The archive unpacks to far more than a set of structures does, and was not read on; if "
        "you trust it, unpack it and give the folder.",
    )


def open_compression(
    source: IO[bytes],
    suffix: str | None,
    *,
    stored_bytes: int,
    limits: ReadLimits,
    budget: WorkBudget | None = None,
) -> BoundedStream:
    """Undo one compression.

    Args:
        source: the bytes as stored.
        suffix: ``.gz``, ``.bz2``, ``.xz`` or None.
        stored_bytes: size of the compressed data.
        limits: the bounds.
        budget: what may be unpacked in all.
    """
    opened: IO[bytes]
    if suffix == ".gz":
        opened = cast("IO[bytes]", gzip.GzipFile(fileobj=source))
    elif suffix == ".bz2":
        opened = cast("IO[bytes]", bz2.BZ2File(source))
    elif suffix == ".xz":
        opened = cast("IO[bytes]", lzma.LZMAFile(source))  # noqa: SIM115
    else:
        return BoundedStream(source, stored_bytes=None, limits=limits, budget=budget)
    return BoundedStream(opened, stored_bytes=stored_bytes, limits=limits, budget=budget)


def decode(data: bytes) -> str:
    """Text of some bytes: UTF-8, and Latin-1 (as old CIFs have it) where that fails."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def iter_lines(stream: BoundedStream, *, line_bytes: int) -> Iterator[str]:
    """Read the lines of a stream without their ends: LF, CR LF or single CR.

    Args:
        stream: the bytes.
        line_bytes: the longest line that is accepted, bytes.

    Raises:
        ReadProblem: the data are binary, cut or broken, or a line is longer than
            ``line_bytes``. The lines before are given first.
    """
    pending: list[bytes] = []
    held = 0
    for chunk in _plain_chunks(stream):
        lines = chunk.split(b"\n")
        if len(lines) > 1:
            yield decode(b"".join([*pending, lines[0]]))
            for line in lines[1:-1]:
                yield decode(line)
            pending, held = [], 0
        pending.append(lines[-1])
        held += len(lines[-1])
        if held > line_bytes:
            raise ReadProblem(
                "too_large",
                f"A line is longer than {line_bytes // MEBIBYTE} MiB; this is no file of "
                "structures, or it should be split.",
            )
    if held:
        yield decode(b"".join(pending))


def _plain_chunks(stream: BoundedStream) -> Iterator[bytes]:
    """The bytes of a text whose lines end with LF alone, whatever they ended with.

    Carriage returns at the end of a chunk wait for what comes next: CR LF (and CR CR LF, which
    twofold conversion makes) is one end of a line and not two.
    """
    chunk = _without_mark(stream.read1(CHUNK_BYTES))
    returns = b""
    while chunk:
        chunk = returns + chunk
        text = chunk.rstrip(b"\r")
        returns = chunk[len(text) :]
        yield plain_line_ends(text)
        chunk = stream.read1(CHUNK_BYTES)
    if returns:
        yield b"\n" * len(returns)


def plain_line_ends(data: bytes) -> bytes:
    """CR LF, CR CR LF and single CR as LF."""
    if b"\r" not in data:
        return data
    return _LINE_END.sub(b"\n", data)


def _without_mark(chunk: bytes) -> bytes:
    """The first chunk without its byte order mark; refuse what is not text."""
    if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ReadProblem("not_text", "The text is UTF-16; save it as UTF-8.")
    if b"\0" in chunk[:4096]:
        raise ReadProblem(
            "not_text", "The file holds binary data, not text; check that it is what its name says."
        )
    return chunk.removeprefix(codecs.BOM_UTF8)
