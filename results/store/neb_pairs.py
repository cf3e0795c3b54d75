"""Barriers with a potential in the store; the files of their folder are the truth, it follows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

from dualion.results.neb.pair import NebPair
from dualion.results.store.schema import neb_pairs

if TYPE_CHECKING:
    from dualion.results.store.store import Store

KEY = ("structure_key", "cation", "anion")


def write_neb_pairs(store: Store, pairs: Iterable[NebPair]) -> None:
    """Write pairs; one that is there is replaced.

    Args:
        store: open for its one writer.
        pairs: what to write.
    """
    rows = [
        {**{name: getattr(pair, name) for name in (*KEY, "potential")}, "results": _text(pair)}
        for pair in pairs
    ]
    if not rows:
        return
    with store.writing() as connection:
        connection.execute(store.upsert(neb_pairs, list(KEY), ["potential", "results"]), rows)


def read_neb_pairs(store: Store) -> list[NebPair]:
    """Read all pairs, by structure key."""
    columns = [neb_pairs.c[name] for name in KEY]
    statement = select(neb_pairs.c.results).order_by(*columns)
    with store.reading() as connection:
        return [NebPair.from_plain(json.loads(text)) for (text,) in connection.execute(statement)]


def _text(pair: NebPair) -> str:
    return json.dumps(pair.plain(), allow_nan=False)
