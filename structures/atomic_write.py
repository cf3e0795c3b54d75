"""Files that are replaced as a whole: a reader sees the old content or the new, never a part.

The content, and where the system can the name, survive a crash of the machine. After an exception
the old file stands as it was.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

USUAL_MODE = 0o666
"""Rights of a new file, from which the umask takes away."""


@contextlib.contextmanager
def replacing_text(path: Path, *, newline: str | None = None) -> Iterator[TextIO]:
    """Write text beside a file and put it in its place once it is on the disk.

    Args:
        path: place of the file.
        newline: as in ``open``.

    Raises:
        OSError: the file cannot be written.
    """
    with (
        _replacing(path, USUAL_MODE) as descriptor,
        open(descriptor, "w", encoding="utf-8", newline=newline, closefd=False) as handle,
    ):
        yield handle


@contextlib.contextmanager
def replacing_bytes(path: Path, *, mode: int = USUAL_MODE) -> Iterator[BinaryIO]:
    """Write bytes beside a file and put them in its place once they are on the disk.

    Args:
        path: place of the file.
        mode: rights of the new file, from which the umask takes away.

    Raises:
        OSError: the file cannot be written.
    """
    with (
        _replacing(path, mode) as descriptor,
        open(descriptor, "wb", closefd=False) as handle,
    ):
        yield handle


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text.

    Args:
        path: place of the file.
        text: its content, written in UTF-8 with the line ends it has.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing_text(path, newline="") as handle:
        handle.write(text)


def write_bytes(path: Path, content: bytes, *, mode: int = USUAL_MODE) -> None:
    """Replace a file by bytes.

    Args:
        path: place of the file.
        content: of the file.
        mode: rights of the new file, from which the umask takes away.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing_bytes(path, mode=mode) as handle:
        handle.write(content)


@contextlib.contextmanager
def _replacing(path: Path, mode: int) -> Iterator[int]:
    """Descriptor of a new file beside the place, which is put there at the end."""
    part = path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}.part")
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        try:
            yield descriptor
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder to the disk; systems that cannot are left as they are."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
