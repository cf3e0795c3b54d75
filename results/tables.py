"""CSV in and out, by the schema."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from dualion.results.columns import BY_KEY, Column, Row, Value
from dualion.structures.atomic_write import replacing_text
from dualion.structures.errors import InputError


def format_value(value: Value, column: Column) -> str:
    """A value as it stands in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return "inf" if math.isinf(value) else f"{value:.{column.decimals}f}"
    return str(value)


def parse_value(text: str, column: Column) -> Value:
    """The value that a table's text stands for."""
    if text == "" and column.kind != "text":
        return None
    if column.kind == "truth":
        return text == "true"
    if column.kind == "integer":
        return int(text)
    return float(text) if column.kind == "number" else text


class TableWriter:
    """Appends rows to a CSV file; each row is flushed, so a crash loses none."""

    def __init__(self, handle: TextIO, columns: Sequence[Column]) -> None:
        self._handle = handle
        self._columns = columns
        self._writer = csv.writer(handle, lineterminator="\n")
        self._writer.writerow([column.key for column in columns])

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        for row in rows:
            self._writer.writerow([format_value(row.get(c.key), c) for c in self._columns])
        self._handle.flush()


def write_table(path: Path, rows: Iterable[Row], columns: Sequence[Column]) -> None:
    """Write a whole table, atomically: readers see the old file or the new one."""
    with replacing_text(path, newline="") as handle:
        TableWriter(handle, columns).write(rows)


def read_table(path: Path) -> list[Row]:
    """Rows of a table that this package wrote.

    Raises:
        InputError: the file is missing, has an unknown column, or a line that cannot be read.
    """
    if not path.is_file():
        raise InputError(f"There is no table {path}; run dualion screen first.")
    with path.open(newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle)
        unknown = set(reader.fieldnames or ()) - set(BY_KEY)
        if unknown:
            raise InputError(
                f"{path} has columns unknown to this version: {', '.join(sorted(unknown))}."
            )
        rows: list[Row] = []
        for row in reader:
            try:
                rows.append({key: parse_value(text, BY_KEY[key]) for key, text in row.items()})
            except (AttributeError, KeyError, TypeError, ValueError):
                raise InputError(
                    f"{path} is damaged: line {reader.line_num} is cut off or holds what does not "
                    "belong there. Write it again with the run's own command."
                ) from None
        return rows
