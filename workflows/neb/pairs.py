"""The pairs of a folder of ``dualion neb``, and the store of a run that follows it."""

from __future__ import annotations

import json
from pathlib import Path

from dualion.results.neb.pair import NebPair
from dualion.results.store import Store, read_neb_pairs, write_neb_pairs
from dualion.structures.errors import InputError

FOLDER = "neb"
"""Folder of a run that holds its elastic bands."""
DOCUMENT = "neb.json"
LARGEST_BYTES = 50_000_000


def read_pairs(folder: Path) -> tuple[list[NebPair], list[str]]:
    """Read the pairs of a folder of ``dualion neb``; a run without one has none.

    Args:
        folder: with a folder of each structure.

    Returns:
        The pairs, and a sentence on each file that is damaged.
    """
    pairs, problems = [], []
    for path in sorted(folder.glob(f"*/{DOCUMENT}")):
        try:
            pairs.append(_read_pair(path))
        except InputError as error:
            problems.append(str(error))
    return pairs, problems


def pairs_of_run(folder: Path, store: Store) -> list[NebPair]:
    """Take the pairs of a run into its store, and return all that the store knows.

    A damaged file changes nothing: ``dualion neb`` tells of it and writes it again.

    Args:
        folder: of the run.
        store: of the run, open for its one writer.
    """
    write_neb_pairs(store, read_pairs(folder / FOLDER)[0])
    return read_neb_pairs(store)


def _read_pair(path: Path) -> NebPair:
    """Read the pair of a structure.

    Raises:
        InputError: the file is damaged.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError("it is too large")
        return NebPair.from_plain(json.loads(path.read_text(encoding="utf-8"))["pair"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is damaged ({error}); give the same command dualion neb again, and it is "
            "written anew from its hops."
        ) from error
