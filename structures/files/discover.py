"""From what the user names (files, folders, globs) to the files to read."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dualion.structures.errors import InputError
from dualion.structures.files.formats import is_hidden
from dualion.structures.text import printable_name


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file to read.

    Attributes:
        path: where it is.
        name: its name in entry ids: relative to the folder that the user named (or to the
            fixed part of the glob), with ``/``; the same on every machine, escaped where it cannot
            be printed.
        explicit: whether the user named this very file.
    """

    path: Path
    name: str
    explicit: bool


def resolve_paths(paths: Iterable[str | Path]) -> list[tuple[Path, Path, bool]]:
    """Check what the user names and expand the globs.

    Args:
        paths: files, folders and globs (``*``, ``?``, ``[...]``, ``**``).

    Returns:
        Rows of a path that exists, the folder that its name is relative to, and whether it
        was named itself (not through a glob), in the order given; matches of a glob sorted.

    Raises:
        InputError: nothing is given, or a path or a glob matches nothing.
    """
    if isinstance(paths, (str, Path)):
        paths = [paths]
    resolved: list[tuple[Path, Path, bool]] = []
    for item in paths:
        path = _expanded(item)
        # A file whose name holds [ or * is meant as it is when it exists.
        if _is(path, "is_dir"):
            resolved.append((path, path, True))
        elif _is(path, "exists"):
            resolved.append((path, path.parent, True))
        else:
            resolved.extend(_expand(str(path)))
    if not resolved:
        raise InputError("No path was given. Name a file, a folder, a glob or an archive.")
    return resolved


def _expanded(item: str | Path) -> Path:
    try:
        return Path(item).expanduser()
    except RuntimeError:  # "~name" without such a user is a file's own name
        return Path(item)


def _is(path: Path, question: Literal["is_dir", "exists"]) -> bool:
    try:
        return bool(getattr(path, question)())
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def _expand(pattern: str) -> list[tuple[Path, Path, bool]]:
    if not glob.has_magic(pattern):
        raise InputError(_missing_message(Path(pattern)))
    # glob and not Path.glob: the pattern may be absolute.
    matches = sorted(Path(match) for match in glob.iglob(pattern, recursive=True))  # noqa: PTH207
    if not matches:
        raise InputError(
            f"The pattern {pattern!r} matches nothing. Check the folder and the ending, and put "
            "the pattern in quotes so that the shell leaves it alone."
        )
    fixed = Path(*_fixed_parts(Path(pattern)))
    if "**" in Path(pattern).parts:  # it already names everything below the folders
        matches = [match for match in matches if not match.is_dir()]
    return [(match, fixed, False) for match in matches]


def _fixed_parts(pattern: Path) -> list[str]:
    parts: list[str] = []
    for part in pattern.parts:
        plain = re.sub(r"\[([*?[])\]", r"\1", part)
        if glob.has_magic(part) and glob.escape(plain) != part:
            break
        parts.append(plain if glob.has_magic(part) else part)
    return parts


def _missing_message(path: Path) -> str:
    """Say that a path does not exist, and which one it may have been."""
    parent = path.parent
    if not parent.is_dir():
        return f"{str(path)!r} does not exist: there is no folder {str(parent)!r}. Check the path."
    names = sorted(entry.name for entry in parent.iterdir())
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    advice = f"Did you mean {str(parent / close[0])!r}?" if close else "Check the path."
    return f"{str(path)!r} does not exist. {advice}"


def iter_files(resolved: Iterable[tuple[Path, Path, bool]]) -> Iterator[FoundFile]:
    """Files of the resolved paths; folders are walked in sorted order.

    Hidden files and folders are passed over, and links to folders are not followed (they
    may close a circle).
    """
    for path, root, explicit in resolved:
        if path.is_dir():
            yield from _walk(path, root)
        else:
            yield FoundFile(path=path, name=_relative(path, root), explicit=explicit)


def _walk(folder: Path, root: Path) -> Iterator[FoundFile]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(name for name in files if not is_hidden(name)):
            path = Path(here) / name
            yield FoundFile(path=path, name=_relative(path, root), explicit=False)


def _relative(path: Path, root: Path) -> str:
    try:
        return printable_name(path.relative_to(root).as_posix())
    except ValueError:  # a glob such as a/../b/*.cif
        return printable_name(path.name)
