"""CSV in and out, by the schema."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from dualion.results.columns import BY_KEY, Column, Row, Value
from dualion.structures.atomic_write import replacing_text
from dualion.structures.errors import InputError

_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]inf")
FORMULA_STARTS = frozenset("=+-@\t\r\n\0" + "\uff1d\uff0b\uff0d\uff20")
"""First characters at which spreadsheets begin a formula, or skip to one (OWASP, CSV injection:
https://owasp.org/www-community/attacks/CSV_Injection; ASVS 1.2.10), and their wide forms, which
some take for the narrow ones."""


def format_value(value: Value, column: Column) -> str:
    """Write a value as it stands in a table.

    Args:
        value: the value.
        column: its column, which sets the digits.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return "inf" if math.isinf(value) else f"{value:.{column.decimals}f}"
    return str(value)


def guard_cell(text: str) -> str:
    """A text as a CSV cell that no spreadsheet takes for a formula.

    Spreadsheets run what begins with one of ``= + - @``, and the name of a file may. An
    apostrophe in front makes it a text; ``unguard_cell`` takes it off again. Numbers stay.
    A carriage return, which Python's csv leaves bare and readers take for the end of the row, is
    written as ``\\r``.
    """
    text = text.replace("\r", r"\r")
    return f"'{text}" if _is_formula(text.lstrip("'")) else text


def unguard_cell(text: str) -> str:
    """The text behind a cell of ``guard_cell``."""
    return text[1:] if text[:1] == "'" and _is_formula(text.lstrip("'")) else text


def _is_formula(text: str) -> bool:
    return text[:1] in FORMULA_STARTS and not _PLAIN_NUMBER.fullmatch(text)


def parse_value(text: str, column: Column) -> Value:
    """Read a value from the text of a table.

    Args:
        text: the text.
        column: its column, which sets the kind.
    """
    if text == "" and column.kind != "text":
        return None
    if column.kind == "truth":
        return text == "true"
    if column.kind == "integer":
        return int(text)
    return float(text) if column.kind == "number" else unguard_cell(text)


def _cell(value: Value, column: Column) -> str:
    text = format_value(value, column)
    return guard_cell(text) if column.kind == "text" else text


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
            self._writer.writerow([_cell(row.get(c.key), c) for c in self._columns])
        self._handle.flush()


def write_table(path: Path, rows: Iterable[Row], columns: Sequence[Column]) -> None:
    """Write a whole table, atomically: readers see the old file or the new one.

    Args:
        path: the CSV file.
        rows: rows of the table.
        columns: columns to write.
    """
    with replacing_text(path, newline="") as handle:
        TableWriter(handle, columns).write(rows)


def read_table(path: Path) -> list[Row]:
    """Read the rows of a table that this package wrote.

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
