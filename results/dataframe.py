"""Rows of the tables as a pandas ``DataFrame``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dualion.results.columns import SCREENED, Column, Row

if TYPE_CHECKING:
    from pandas import DataFrame

ALIASES = {"rank": "place"}
"""Columns whose names are methods of a ``DataFrame``, which would hide them as attributes."""


def to_dataframe(
    rows: Iterable[Row], columns: Sequence[Column] = SCREENED, *, empty_columns: bool = False
) -> DataFrame:
    """Put rows into a ``DataFrame``, in the order and with the types of the tables.

    Args:
        rows: rows of a screening.
        columns: columns of the table.
        empty_columns: keep columns in which no row has a value.

    Returns:
        One line a row. The units stand in ``frame.attrs["units"]``, by column; ``rank`` is called
        ``place``.
    """
    import pandas

    held = list(rows)
    shown = [c for c in columns if empty_columns or any(r.get(c.key) is not None for r in held)]
    data: dict[str, Any] = {
        ALIASES.get(column.key, column.key): pandas.array(
            [row.get(column.key) for row in held], dtype=_DTYPES[column.kind]
        )
        for column in shown
    }
    frame = pandas.DataFrame(data)
    frame.attrs["units"] = {ALIASES.get(c.key, c.key): c.unit for c in shown if c.unit}
    return frame


_DTYPES = {"text": "object", "integer": "Int64", "number": "float64", "truth": "boolean"}
"""Types that keep an empty field apart from a value; a number's empty field is NaN."""
