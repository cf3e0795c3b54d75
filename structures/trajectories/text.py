"""Opening trajectory files, compressed or not, and turning blocks of text into numbers."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.types import TruncatedFileError, UnreadableTrajectoryError

MAX_ATOMS = 2_000_000
"""More atoms than this in one frame means a damaged count, not a crystal."""

MAX_LINE_CHARACTERS = 100_000
"""A longer line is no line of any of these formats."""

LARGEST_STEP = 2**62
"""MD steps are 64-bit integers in every program; a larger number is damage."""

GLUED = re.compile(r"(?<=\d)-(?=\d*\.\d)")
"""A minus right after a digit begins a new number; one in an exponent has an E or D before it."""


def as_doubles(values: object) -> NDArray[np.float64]:
    """Convert to float64; a NaN of any bits, as damage makes them, stays one without a warning.

    Args:
        values: numbers, of any shape.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(values, dtype=np.float64)


def check_exists(path: Path) -> None:
    """Refuse a path that is not a readable file.

    Raises:
        InputError: there is no such file.
    """
    if not path.is_file():
        raise InputError(f"There is no trajectory file {path}; check the path.")


def open_binary(path: Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacking ``.gz`` on the way."""
    check_exists(path)
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def stem_name(path: Path) -> str:
    """Lower-case file name without ``.gz``."""
    name = path.name.lower()
    return name.removesuffix(".gz")


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, compressed or not.

    Raises:
        TruncatedFileError: the compressed stream ends too early.
        UnreadableTrajectoryError: a line is too long for any text format.
    """
    with open_binary(path) as raw:
        while True:
            try:
                line = raw.readline(MAX_LINE_CHARACTERS)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise TruncatedFileError(str(error)) from error
            except OSError as error:
                raise UnreadableTrajectoryError(f"{path.name} cannot be read ({error}).") from error
            if not line:
                return
            if len(line) >= MAX_LINE_CHARACTERS:
                raise UnreadableTrajectoryError(
                    f"{path.name} holds a line of over {MAX_LINE_CHARACTERS} characters; it is "
                    "no text trajectory."
                )
            yield line.decode("utf-8", errors="replace")


def take(source: Iterator[str], count: int) -> list[str]:
    """Take the next lines.

    Args:
        source: the lines; it is moved on.
        count: number of lines to take.

    Raises:
        TruncatedFileError: fewer lines are left.
    """
    taken = [line for _, line in zip(range(count), source, strict=False)]
    if len(taken) < count:
        raise TruncatedFileError("the file ends inside a frame")
    return taken


def numbers(text: Sequence[str], columns: int, what: str) -> NDArray[np.float64]:
    """Parse lines of the same number of columns, shape (lines, columns).

    Args:
        text: the lines, with their ends.
        columns: numbers in each line.
        what: name of what is read, for messages.

    Raises:
        TruncatedFileError: the last line is cut short.
        UnreadableTrajectoryError: a token is no number, or a line has a wrong length.
    """
    tokens = " ".join(text).split()
    check_last_row(text)
    if len(tokens) == len(text) * columns:
        return array(tokens, what).reshape(len(text), columns)
    if len(tokens) < len(text) * columns and not text[-1].endswith("\n"):
        raise TruncatedFileError("the file ends inside a line")
    raise UnreadableTrajectoryError(
        f"{what}: {len(tokens)} numbers where {len(text)} lines of {columns} were expected.",
        reason="wrong_columns",
    )


def check_last_row(rows: Sequence[str]) -> None:
    """Refuse a last row without its line end whose last number has lost decimals.

    Raises:
        TruncatedFileError: the file was cut there.
    """
    if rows[-1].endswith("\n"):
        return
    decimals = [len(row.rstrip().rpartition(".")[2]) for row in rows]
    if len(rows) > 1 and decimals[-1] < min(decimals[:-1]):
        raise TruncatedFileError("the file ends inside a number")


def array(tokens: Sequence[str], what: str) -> NDArray[np.float64]:
    """Parse tokens as numbers, shape (tokens,).

    Args:
        tokens: the texts of the numbers.
        what: name of what is read, for messages.

    Raises:
        UnreadableTrajectoryError: a token is no number.
    """
    try:
        return np.array(tokens, dtype=np.float64)
    except ValueError as error:
        raise UnreadableTrajectoryError(
            f"{what}: {_short(error)}.", reason="not_a_number"
        ) from error


def whole_numbers(tokens: Sequence[str], what: str) -> NDArray[np.int64]:
    """Parse tokens as integers, shape (tokens,).

    Args:
        tokens: the texts of the integers.
        what: name of what is read, for messages.

    Raises:
        UnreadableTrajectoryError: a token is no integer, or larger than 64 bits hold.
    """
    try:
        return np.array([int(token) for token in tokens], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise UnreadableTrajectoryError(
            f"{what}: {_short(error)}.", reason="not_a_number"
        ) from error


def _short(error: Exception) -> str:
    """A library's message on one line, without the megabytes that it may quote."""
    return " ".join(str(error).split())[:120]


def step_number(text: str) -> int:
    """Number of an MD step, also where it is printed as ``12.0``; −1 where it is none."""
    try:
        value = float(text)
    except ValueError:
        return -1
    return int(value) if 0.0 <= value < LARGEST_STEP and value == int(value) else -1


def split_glued(rows: Sequence[str], columns: int) -> list[str] | None:
    """Rows in which a negative number follows the one before without a blank, mended.

    Fixed-width Fortran output leaves no blank before a number that fills its field. None where a
    row does not come out as ``columns`` numbers with one number of decimals.

    Args:
        rows: lines of numbers.
        columns: how many there must be in each.
    """
    mended = []
    for row in rows:
        if len(row.split()) == columns:
            mended.append(row)
            continue
        tokens = GLUED.sub(" -", row).split()
        if len(tokens) != columns or len({len(t.partition(".")[2]) for t in tokens}) != 1:
            return None
        mended.append(" ".join(tokens) + "\n")
    return mended


def atom_count(text: str, what: str) -> int:
    """Parse a number of atoms and keep it within reason.

    Args:
        text: the number as it stands in the file.
        what: name of what is read, for messages.

    Raises:
        UnreadableTrajectoryError: the text is no such number.
    """
    try:
        count = int(text)
    except ValueError as error:
        raise UnreadableTrajectoryError(
            f"{what}: {text.strip()[:40]!r} is no atom count."
        ) from error
    if not 0 < count <= MAX_ATOMS:
        raise UnreadableTrajectoryError(f"{what}: {count} atoms is outside 1 to {MAX_ATOMS}.")
    return count
