"""Read a store wherever it lies, also on a full disk or in a folder that may only be read."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dualion.results.store.database import StoreError
from dualion.results.store.store import Store

MEMORY_DISK = Path("/dev/shm")
"""Folder in memory, for machines whose only disk is full."""


@contextlib.contextmanager
def open_for_reading(location: str | Path) -> Iterator[Store]:
    """Open a store to read it; a SQLite file that cannot be opened where it lies is copied first.

    SQLite's write-ahead log needs a file beside the store for readers too
    (https://www.sqlite.org/wal.html, "Read-Only Databases"), which a full disk or a read-only
    folder refuses. The copy takes the log along, so that nothing committed is missing.

    Args:
        location: path of a SQLite file, or URL of a database.

    Raises:
        StoreError: it cannot be opened or copied, or has another version.
    """
    with contextlib.ExitStack() as stack:
        try:
            store = Store.read_only(location)
        except StoreError as error:
            copy = _copy(location, stack) if isinstance(location, Path) else None
            if copy is None:
                raise
            try:
                store = Store.read_only(copy)
            except StoreError:
                raise error from None  # names the store, not its copy
        stack.callback(store.close)
        yield store


def _copy(path: Path, stack: contextlib.ExitStack) -> Path | None:
    """Copy a SQLite file with its log into a temporary folder; None where no disk takes it."""
    for parent in (None, MEMORY_DISK):
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=parent)))
            for name in (path.name, f"{path.name}-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(path.with_name(name), folder / name)
            return folder / path.name
        except OSError:
            continue
    return None
