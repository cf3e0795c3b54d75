"""From the text of a file to one raw entry per structure, without holding the whole file.

Every splitter takes lines and gives parts: the piece of text of one structure, or the
problem that stands in its place. Nothing is parsed further than is needed to cut.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from dualion.structures.files.formats import Kind
from dualion.structures.files.limits import MEBIBYTE, ReadLimits
from dualion.structures.files.streams import BoundedStream, ReadProblem, decode, iter_lines

Lines = Iterator[str]

MOST_WRAPPED = 4
"""How many entries may lie around a structure, each as the ``structure`` of the next."""

IDENTIFIERS = ("material_id", "id", "entry_id")
"""Keys of a JSON object whose value names a material, whatever the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One structure of a file.

    Attributes:
        part: name within the file; empty where the file holds one structure only.
        identified: whether ``part`` is an identifier of its own, which needs no file's name.
        format: parser, as in ``RawEntry.format``; empty where there is a problem.
        text: the text of this structure.
        problem: why there is no text.
    """

    part: str
    format: str = ""
    text: str = field(default="", repr=False)
    problem: ReadProblem | None = None
    identified: bool = False


def split(kind: Kind, stream: BoundedStream, limits: ReadLimits) -> Iterator[Part]:
    """Cut the text of a file into parts.

    Args:
        kind: format of the file, not an archive.
        stream: its bytes, uncompressed.
        limits: the bounds.

    Raises:
        ReadProblem: the file cannot be read on; the parts before were given.
    """
    if kind == "json":
        yield from _split_json(stream, limits)
        return
    splitters: dict[str, Callable[[Lines, ReadLimits], Iterator[Part]]] = {
        "cif": _split_cif,
        "poscar": _split_poscar,
        "extxyz": _split_extxyz,
        "jsonl": _split_jsonl,
    }
    lines = iter_lines(stream, line_bytes=limits.entry_bytes)
    yield from splitters[kind](lines, limits)


def _too_large(limits: ReadLimits) -> ReadProblem:
    return ReadProblem(
        "too_large",
        f"The text of the structure is longer than {limits.entry_bytes // MEBIBYTE} MiB; this is "
        "no single crystal structure, or it should be split.",
    )


class _Piece:
    """Lines of one structure, counted so that they stay within the limit."""

    def __init__(self, limits: ReadLimits) -> None:
        self.lines: list[str] = []
        self._size = 0
        self._limit = limits.entry_bytes
        self.too_large = False

    def add(self, line: str) -> None:
        # A line costs more memory than its letters: 64 bytes more bound that, too.
        self._size += len(line) + 64
        if self._size > self._limit:
            self.too_large = True
            self.lines.clear()
        if not self.too_large:
            self.lines.append(line)

    def part(self, name: str, format_: str, limits: ReadLimits) -> Part:
        """Return the lines as one part of the file, or the problem that they are too many.

        Args:
            name: name of the part inside its file.
            format_: format of its text.
            limits: the bounds, for the message.
        """
        if self.too_large:
            return Part(part=name, problem=_too_large(limits))
        return Part(part=name, format=format_, text="\n".join(self.lines) + "\n")


# --- CIF ---------------------------------------------------------------------------------


def _split_cif(lines: Lines, limits: ReadLimits) -> Iterator[Part]:
    """One part per ``data_`` block that has a cell or atoms."""
    blocks = 0
    structures = 0
    for name, piece, is_structure in _cif_blocks(lines, limits):
        blocks += 1
        # Journals put a data_global block without any structure in front.
        if is_structure or piece.too_large:
            structures += 1
            yield piece.part(name or str(blocks), "cif", limits)
    if structures == 0:
        what = "no data_ block" if blocks == 0 else "no block with a cell and atoms"
        raise ReadProblem(
            "no_structure", f"The CIF holds {what}; check that it is a CIF of a crystal structure."
        )


def _cif_blocks(lines: Lines, limits: ReadLimits) -> Iterator[tuple[str, _Piece, bool]]:
    """Name, text and whether there is a cell or a list of atoms, of each block."""
    name: str | None = None
    piece = _Piece(limits)
    is_structure = in_text_field = False
    for line in lines:
        if line.startswith(";"):
            in_text_field = not in_text_field
        head = line.lstrip()[:12].lower()
        if head.startswith("data_") and not in_text_field:
            if name is not None:
                yield name, piece, is_structure
            name = line.split()[0][5:][:120]
            piece, is_structure = _Piece(limits), False
        elif head.startswith(("_cell_length", "_cell.length", "_atom_site_", "_atom_site.")):
            is_structure = is_structure or not in_text_field
        if name is not None:
            piece.add(line)
    if name is not None:
        yield name, piece, is_structure


# --- POSCAR and extended XYZ -------------------------------------------------------------


def _split_poscar(lines: Lines, limits: ReadLimits) -> Iterator[Part]:
    piece = _Piece(limits)
    for line in lines:
        piece.add(line)
    if not piece.too_large and not any(line.strip() for line in piece.lines):
        raise empty_problem()
    yield piece.part("", "poscar", limits)


def empty_problem() -> ReadProblem:
    """The problem of a file without text."""
    return ReadProblem("empty", "The file is empty; remove it or copy it again.")


def _split_extxyz(lines: Lines, limits: ReadLimits) -> Iterator[Part]:
    """One part per frame; frames without a periodic cell become problems."""
    frame = 0
    for line in lines:
        if not line.strip():
            continue
        frame += 1
        count = _atom_count(line, frame)
        piece = _Piece(limits)
        piece.add(line)
        comment = next(lines, "")
        piece.add(comment)
        found = _take(lines, piece, count)
        if found < count:
            raise ReadProblem(
                "truncated",
                f"Frame {frame} should have {count} atoms and has {found}; the file is cut short.",
            )
        if "lattice" in comment.lower():
            yield piece.part(str(frame), "extxyz", limits)
        else:
            yield Part(part=str(frame), problem=_no_cell())
    if frame == 0:
        raise empty_problem()


def _take(lines: Lines, piece: _Piece, count: int) -> int:
    for found in range(count):
        line = next(lines, None)
        if line is None:
            return found
        piece.add(line)
    return count


def _no_cell() -> ReadProblem:
    return ReadProblem(
        "no_cell",
        "The frame has no Lattice in its comment line, so it is a molecule and no crystal; "
        "write the cell (extended XYZ).",
    )


def _atom_count(line: str, frame: int) -> int:
    text = line.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise ReadProblem(
            "bad_xyz",
            f"Frame {frame} should begin with its number of atoms and begins with {text[:40]!r}; "
            "what follows cannot be cut into frames.",
        )
    return int(text)


# --- JSON --------------------------------------------------------------------------------


def _split_jsonl(lines: Lines, limits: ReadLimits) -> Iterator[Part]:
    number = 0
    found = False
    for number, line in enumerate(lines, start=1):
        if line.strip():
            found = True
            yield _json_line(line, number)
    if not found:
        raise empty_problem()


def _json_line(line: str, number: int) -> Part:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        problem = ReadProblem(
            "bad_json", f"Line {number} is no JSON ({error}); write one structure per line."
        )
        return Part(part=f"line{number}", problem=problem)
    return _json_part(row, line, f"line{number}")


def _json_part(row: object, text: str | None, fallback: str) -> Part:
    """A part from a JSON value; ``text`` is its text where that is at hand."""
    format_ = json_format(row)
    key, name = _json_name(row) or ("", fallback)
    identified = _is_identifier(key, name)
    if format_ is None:
        problem = ReadProblem(
            "not_a_structure",
            "The JSON value is neither a pymatgen structure nor a row of lattice, species and "
            "coords; see the documentation of the formats.",
        )
        return Part(part=name, problem=problem, identified=identified)
    try:
        written = json.dumps(row) if text is None else text
    except RecursionError:
        problem = ReadProblem("bad_json", "The JSON value is nested too deeply; write it again.")
        return Part(part=name, problem=problem, identified=identified)
    return Part(part=name, format=format_, text=written, identified=identified)


def _is_identifier(key: str, name: str) -> bool:
    """Whether a name means one material everywhere: an id that is more than a running number."""
    return key in IDENTIFIERS and not name.isdigit()


def json_format(row: object) -> str | None:
    """``jsonl_row`` or ``pymatgen_json`` by the keys of a JSON object, else None."""
    for depth in range(MOST_WRAPPED):
        if not isinstance(row, dict):
            return None
        if {"lattice", "species", "coords"} <= row.keys():
            return "pymatgen_json" if depth else "jsonl_row"
        if {"lattice", "sites"} <= row.keys():
            return "pymatgen_json"
        row = row.get("structure")
    return None


def _json_name(row: object) -> tuple[str, str] | None:
    """The first key of a JSON object that names it, and the name."""
    if not isinstance(row, dict):
        return None
    for key in (*IDENTIFIERS, "name"):
        value = row.get(key)
        is_name = isinstance(value, (str, int)) and not isinstance(value, bool)
        if is_name and (name := " ".join(str(value).split())[:120]):
            return key, name
    return None


def _split_json(stream: BoundedStream, limits: ReadLimits) -> Iterator[Part]:
    """A structure, a list of structures, or a dict of structures by name."""
    document = _load_document(stream, limits)
    if json_format(document):
        yield _json_part(document, None, "")
    elif isinstance(document, list) and document:
        for number, row in enumerate(document, start=1):
            yield _json_part(row, None, str(number))
    elif isinstance(document, dict) and any(json_format(row) for row in document.values()):
        for key, row in document.items():
            yield replace(_json_part(row, None, key), part=key[:120], identified=False)
    else:
        raise ReadProblem(
            "not_a_structure",
            "The JSON file holds no pymatgen structure, list of structures or dict of structures.",
        )


def _load_document(stream: BoundedStream, limits: ReadLimits) -> object:
    chunks: list[bytes] = []
    size = 0
    while chunk := stream.read1(MEBIBYTE):
        chunks.append(chunk)
        size += len(chunk)
        if size > limits.document_bytes:
            raise ReadProblem(
                "too_large",
                f"The JSON document is larger than {limits.document_bytes // MEBIBYTE} MiB and "
                "must be read as a whole; write JSON lines (.jsonl) instead.",
            )
    text = decode(b"".join(chunks)).removeprefix("\ufeff")
    if not text.strip():
        raise empty_problem()
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadProblem(
            "bad_json", f"The file is no JSON ({error}); copy or write it again."
        ) from error
    return document
