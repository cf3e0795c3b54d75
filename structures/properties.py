"""What a user's table knows of materials: hull energy, band gap and other ids, by material id."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualion.structures.errors import InputError
from dualion.structures.files.json_structure import JSON_METADATA

ID_KEYS = ("material_id", "source_id", "id", "entry_id", "mp_id", "icsd_id", "icsd_code")
"""Columns that name the material; a row may have several, which are linked."""
NUMBERS = {
    key: name
    for key, name in JSON_METADATA.items()
    if name in ("energy_above_hull_ev_atom", "band_gap_ev")
}
MOST_BYTES = 500_000_000
"""Largest table that is read, bytes, unpacked."""
LONGEST_ID = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialProperties:
    """What is known of one material.

    Attributes:
        energy_above_hull_ev_atom: energy above the convex hull, eV/atom; None where unknown.
        band_gap_ev: band gap, eV; None where unknown.
        ids: every id of the material.
    """

    energy_above_hull_ev_atom: float | None = None
    band_gap_ev: float | None = None
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyTable:
    """Properties of materials by id.

    Attributes:
        materials: properties by each id of a material.
    """

    materials: Mapping[str, MaterialProperties]

    def of(self, source_id: str) -> MaterialProperties | None:
        """Return the properties of a structure; None where the table does not hold it.

        Args:
            source_id: its id, like ``mp-1``, ``mp-1~2`` or ``rows.jsonl#7``.
        """
        name = source_id.rpartition("~")[0] if _is_repeat(source_id) else source_id
        for key in (source_id, name, name.rpartition("#")[2], Path(name).stem):
            if key in self.materials:
                return self.materials[key]
        return None


def _is_repeat(source_id: str) -> bool:
    return source_id.rpartition("~")[2].isdigit()


def read_properties(path: Path) -> PropertyTable:
    """Read a table of properties: CSV, or JSON lines or a JSON list of objects, also gzipped.

    Each row has an id (``material_id``, ``source_id``, ``id``, ``mp_id``, ``icsd_id`` …; all that
    it has are linked) and ``energy_above_hull`` (eV/atom), ``band_gap`` (eV), or both.

    Args:
        path: the file.

    Raises:
        InputError: it cannot be read, holds no such columns, a number that is none, or two
            different values for one id.
    """
    materials: dict[str, MaterialProperties] = {}
    for number, row in enumerate(_rows(path, _text(path)), start=1):
        found = _material(row, f"{path}, row {number}")
        for name in found.ids:
            before = materials.setdefault(name, found)
            if _values(before) != _values(found):
                raise InputError(
                    f"{path}, row {number}: {name} stands there before with other values; leave "
                    "one of the rows."
                )
    if not materials:
        raise InputError(
            f"{path} holds no row with an id ({', '.join(ID_KEYS)}); name the column of the ids so."
        )
    if not any(value is not None for found in materials.values() for value in _values(found)):
        raise InputError(f"{path} holds neither {' nor '.join(NUMBERS)}; name a column so.")
    return PropertyTable(materials=materials)


def _values(found: MaterialProperties) -> tuple[float | None, float | None]:
    return found.energy_above_hull_ev_atom, found.band_gap_ev


def _material(row: Mapping[str, Any], where: str) -> MaterialProperties:
    ids = []
    for key in ID_KEYS:
        text = str("" if row.get(key) is None else row[key]).strip()[:LONGEST_ID]
        if text:
            ids.append(f"icsd-{text}" if key.startswith("icsd") and text.isdigit() else text)
    values: dict[str, float] = {}
    for key, name in NUMBERS.items():
        value = row.get(key)
        if value is not None and str(value).strip() and name not in values:
            values[name] = _number(value, f"{where}: {key}")
    return MaterialProperties(ids=tuple(dict.fromkeys(ids)), **values)


def _number(value: object, where: str) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{where} is {str(value)[:40]!r}, which is no number; leave it empty.")
    return number


def _text(path: Path) -> str:
    """The text of the file, unpacked and bounded."""
    try:
        with path.open("rb") as opened:
            packed = path.suffix == ".gz"
            stream = gzip.GzipFile(fileobj=opened) if packed else opened
            content = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"Cannot read the properties in {path}: {error}.") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"{path} is larger than {MOST_BYTES // 10**6} MB; keep what is needed.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8; write it as CSV or JSON.") from error


def _rows(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".jsonl"):
            yield from _objects(path, (json.loads(line) for line in text.splitlines() if line))
        elif name.endswith(".json"):
            content = json.loads(text)
            yield from _objects(path, content if isinstance(content, list) else [content])
        else:
            yield from csv.DictReader(io.StringIO(text))
    except (ValueError, RecursionError, csv.Error) as error:
        raise InputError(f"{path} is no table of properties: {error}.") from error


def _objects(path: Path, items: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        if not isinstance(item, dict):
            raise InputError(f"{path} must hold one JSON object a row.")
        yield item
