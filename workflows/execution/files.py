"""Files of runs: what is written is on the disk, whole, before anything relies on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dualion.structures.atomic_write import (
    replacing_bytes,
    replacing_text,
    sync_folder,
    write_bytes,
    write_text,
)
from dualion.structures.text import json_text

__all__ = [
    "replacing_bytes",
    "replacing_text",
    "sync_folder",
    "write_bytes",
    "write_json",
    "write_text",
]


def write_json(path: Path, content: Any, *, indent: int | None = 2) -> None:
    """Replace a file by plain data.

    Args:
        path: place of the file.
        content: of the file.
        indent: spaces of a level; None for one line.

    Raises:
        OSError: the file cannot be written.
        TypeError: the content is no plain data.
    """
    write_text(path, json_text(content, indent=indent) + "\n")
