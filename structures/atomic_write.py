"""Files that are replaced as a whole: a reader sees the old content or the new, never a part."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def replacing(path: Path, *, newline: str | None = None, binary: bool = False) -> Iterator[IO[Any]]:
    """Write a file beside its place and put it there once it is on the disk.

    The content and, where the system can, the name survive a crash of the machine. After an
    exception the old file stands as it was.

    Args:
        path: place of the file.
        newline: as in ``open``, for text.
        binary: open for bytes; else for text in UTF-8.

    Raises:
        OSError: the file cannot be written.
    """
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
    mode, encoding = ("xb", None) if binary else ("x", "utf-8")
    try:
        with part.open(mode, encoding=encoding, newline=newline) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace a file by a text.

    Args:
        path: place of the file.
        text: its content, written in UTF-8 with the line ends it has.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path, newline="") as handle:
        handle.write(text)


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder to the disk; systems that cannot are left as they are."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
