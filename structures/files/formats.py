"""Which format a file has, told from its name alone."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["cif", "poscar", "extxyz", "json", "jsonl", "zip", "tar"]

COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}
"""Suffix of a compressed file and the name of its compression."""

ARCHIVES = ("zip", "tar")

_SUFFIXES: dict[str, Kind] = {
    ".cif": "cif",
    ".mcif": "cif",
    ".vasp": "poscar",
    ".poscar": "poscar",
    ".contcar": "poscar",
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".zip": "zip",
    ".tar": "tar",
}

_SHORT_TAR = {".tgz": ".gz", ".tbz2": ".bz2", ".tbz": ".bz2", ".txz": ".xz"}

_NEVER_STRUCTURES = frozenset(
    {".txt", ".md", ".rst", ".csv", ".tsv", ".xls", ".xlsx", ".ods", ".doc", ".docx", ".odt"}
    | {".pdf", ".html", ".htm", ".css", ".js", ".bib", ".tex", ".ps", ".eps", ".mp4"}
    | {".png", ".jpg", ".jpeg", ".gif", ".svg", ".tif", ".tiff", ".bmp", ".webp"}
    | {".py", ".pyc", ".ipynb", ".sh", ".log", ".out", ".err", ".yaml", ".yml", ".toml"}
    | {".ini", ".cfg", ".lock", ".sha256", ".md5", ".db", ".sqlite", ".npy", ".npz", ".h5", ".hdf5"}
)

_NEVER_STRUCTURE_NAMES = frozenset(
    {"readme", "license", "licence", "copying", "changelog", "authors", "manifest", "makefile"}
    | {"incar", "kpoints", "potcar", "thumbs.db"}
)

KNOWN_FORMATS = (
    "CIF (.cif), POSCAR (POSCAR*, CONTCAR*, .vasp), extended XYZ (.extxyz, .xyz), pymatgen JSON "
    "(.json), JSON lines (.jsonl), each also as .gz, .bz2 or .xz, and .zip or .tar archives"
)


def kind_of(name: str) -> tuple[Kind | None, str | None]:
    """Format and compression of a file.

    Args:
        name: file name, with or without folders.

    Returns:
        The format, None where it is not known; and the compression's suffix (``.gz``,
        ``.bz2``, ``.xz``), None where the file is not compressed.
    """
    base = PurePosixPath(name).name
    suffix = PurePosixPath(base.lower()).suffix
    if suffix in _SHORT_TAR:
        return "tar", _SHORT_TAR[suffix]
    compression = suffix if suffix in COMPRESSIONS else None
    if compression:
        base = base[: -len(compression)]
        suffix = PurePosixPath(base.lower()).suffix
    kind = _SUFFIXES.get(suffix)
    if kind is None and base.upper().startswith(("POSCAR", "CONTCAR")):
        kind = None if suffix in _NEVER_STRUCTURES else "poscar"
    return kind, compression


def is_hidden(name: str) -> bool:
    """Whether a part of the path is a hidden or a system folder or file."""
    return any(
        part == "__MACOSX" or (part.startswith(".") and part not in (".", ".."))
        for part in PurePosixPath(name).parts
    )


def is_clearly_no_structure(name: str) -> bool:
    """Whether a file of a folder can be passed over without a word (notes, tables, images)."""
    base = PurePosixPath(name).name.lower()
    if PurePosixPath(base).suffix in COMPRESSIONS:
        base = PurePosixPath(base).stem
    path = PurePosixPath(base)
    return (
        path.suffix in _NEVER_STRUCTURES
        or base in _NEVER_STRUCTURE_NAMES
        or path.stem in _NEVER_STRUCTURE_NAMES
        or is_hidden(base)
    )
