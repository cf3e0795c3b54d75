"""Rows of a table as compressed columns that a browser unpacks to the same digits.

A number is kept as the integer that its text in the CSV is, without the point. Where another
column predicts it, the difference is kept: a refined barrier is close to the plain one, a ratio
is the quotient of two barriers up to rounding. The integers' bytes are stored plane by plane,
which is what makes gzip find their pattern.

Code of a cell of a number column: 0 for an empty cell, 1 for ``inf``, else 2 + zigzag(integer).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualion.results.columns import Column, Row
from dualion.results.tables import format_value

EMPTY, INFINITE, FIRST = 0, 1, 2
LARGEST_CODE = 2**32 - 1

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A number column: its integers, and which of them are finite."""

    integers: Integers
    finite: NDArray[np.bool_]
    codes: Integers  # EMPTY or INFINITE where not finite


def pack_columns(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[list[Any], list[bytes]]:
    """Pack the columns of a table.

    Args:
        rows: rows of the table.
        columns: columns to pack.

    Returns:
        For each column what a reader must know of it, and its bytes.
    """
    notes: list[Any] = []
    parts: list[bytes] = []
    numbers: dict[str, _Numbers] = {}
    for column in columns:
        texts = [format_value(row.get(column.key), column) for row in rows]
        note: dict[str, Any] = {
            "key": column.key,
            "kind": column.kind,
            "unit": column.unit,
            "label": column.label,
            "meaning": column.meaning,
            "decimals": 0 if column.kind == "integer" else column.decimals,
        }
        if column.kind in ("number", "integer"):
            numbers[column.key] = _integers(texts)
            parts.append(_packed_numbers(column.key, numbers, note))
        else:
            parts.append(_packed_texts(texts))
        notes.append(note)
    return notes, parts


def predictors(key: str) -> tuple[str, ...]:
    """Name the columns that predict one: one nearly equals it, of two it is the quotient."""
    if key.startswith("ratio_"):
        dimension = key.removeprefix("ratio_")
        return f"e{dimension}_anion_ev", f"e{dimension}_cation_ev"
    for ending in ("_refined_ev", "_region_ev"):
        if key.endswith(ending):
            return (key.removesuffix(ending) + "_ev",)
    for higher, lower in (("e2d", "e1d"), ("e3d", "e2d")):
        if key in (f"{higher}_cation_ev", f"{higher}_anion_ev"):
            return (key.replace(higher, lower),)
    return ()


def _integers(texts: Sequence[str]) -> _Numbers:
    finite = np.array([text not in ("", "inf") for text in texts], dtype=np.bool_)
    integers = np.array(
        [int(text.replace(".", "")) if ok else 0 for text, ok in zip(texts, finite, strict=True)],
        dtype=np.int64,
    )
    codes = np.where([text == "inf" for text in texts], INFINITE, EMPTY).astype(np.int64)
    return _Numbers(integers, finite, codes)


def _packed_numbers(key: str, numbers: dict[str, _Numbers], note: dict[str, Any]) -> bytes:
    own = numbers[key]
    by = [name for name in predictors(key) if name in numbers]
    expected = np.zeros_like(own.integers)
    if by and len(by) == len(predictors(key)):
        note["by"] = by
        expected = _predicted([numbers[name] for name in by])
    difference = own.integers - expected
    codes = np.where(own.finite, FIRST + _zigzag(difference), own.codes)
    if codes.max(initial=0) <= LARGEST_CODE:
        return _planes(codes)
    note.pop("by", None)
    note["packing"] = "json"
    plain = np.where(own.finite, FIRST + _zigzag(own.integers), own.codes)
    return json.dumps(plain.tolist()).encode()


def _predicted(by: Sequence[_Numbers]) -> Integers:
    """Predict integers from other columns, 0 where these are empty.

    The quotient is rounded as the browser does it: floor of the double plus one half.
    """
    if len(by) == 1:
        return np.where(by[0].finite, by[0].integers, 0)
    over, under = by
    usable = over.finite & under.finite & (under.integers > 0)
    divisor = np.where(usable, under.integers, 1)
    quotient = np.floor(over.integers * 1e6 / divisor + 0.5)
    return np.where(usable, quotient, 0.0).astype(np.int64)


def _packed_texts(texts: Sequence[str]) -> bytes:
    """Pack distinct texts as JSON, then each cell's number as steps, plane by plane."""
    places: dict[str, int] = {}
    indices = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int64)
    dictionary = json.dumps(list(places)).encode("ascii")
    steps = np.diff(indices, prepend=0)
    return len(dictionary).to_bytes(4, "little") + dictionary + _planes(_zigzag(steps))


def _zigzag(values: Integers) -> Integers:
    return np.where(values >= 0, 2 * values, -2 * values - 1)


def _planes(codes: Integers) -> bytes:
    return codes.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()
