"""Tables and structures of a run in other formats, all of the one schema of ``columns``.

In JSON lines an unknown value is null and a barrier without percolation is the text ``inf``, since
JSON has no infinity. In Parquet they are null and infinity, and each field carries its unit and
meaning as metadata.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.results.columns import CANDIDATES, SCHEMA_VERSION, SCREENED, Column, Row
from dualion.results.tables import TableWriter
from dualion.structures.atomic_write import replacing_bytes
from dualion.structures.errors import MissingDependencyError
from dualion.structures.files import parse_entry

if TYPE_CHECKING:
    from dualion.structures.records import RawEntry, StructureRecord

TABLES: dict[str, tuple[Column, ...]] = {"screened": SCREENED, "candidates": CANDIDATES}
LICENSED_SOURCES = ("icsd",)
"""Sources whose coordinates must not be passed on."""
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def schema() -> dict[str, Any]:
    """Describe the columns of both tables with kind, unit and meaning, as plain data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": {
            name: [
                {"key": c.key, "kind": c.kind, "unit": c.unit, "meaning": c.meaning}
                for c in columns
            ]
            for name, columns in TABLES.items()
        },
    }


def write_json_lines(path: Path, rows: Iterable[Row], columns: Sequence[Column]) -> None:
    """Write one JSON object a line, keys in the order of the columns.

    Args:
        path: the file; it is replaced as a whole.
        rows: rows of the table.
        columns: columns to write.
    """
    with replacing_bytes(path) as handle:
        for row in rows:
            line = {column.key: _json_value(row.get(column.key)) for column in columns}
            handle.write(json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def _json_value(value: object) -> object:
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return "inf" if math.isinf(value) else value
    return None if value == "" else value


def write_parquet(path: Path, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Write a Parquet file whose fields carry unit and meaning.

    Args:
        path: the file; it is replaced as a whole.
        rows: rows of the table.
        columns: columns to write.

    Raises:
        MissingDependencyError: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet needs pyarrow, which is not installed: pip install 'dualion[parquet]'."
        ) from error

    kinds = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "truth": arrow.bool_(),
    }
    fields = [
        arrow.field(c.key, kinds[c.kind], metadata={"unit": c.unit, "meaning": c.meaning})
        for c in columns
    ]
    arrays = [
        arrow.array([_parquet_value(row.get(c.key), c) for row in rows], type=kinds[c.kind])
        for c in columns
    ]
    made = arrow.schema(fields, metadata={"dualion_schema_version": str(SCHEMA_VERSION)})
    with replacing_bytes(path) as handle:
        parquet.write_table(arrow.Table.from_arrays(arrays, schema=made), handle)


def _parquet_value(value: object, column: Column) -> object:
    if value is None or value == "":
        return None
    if column.kind == "number" and isinstance(value, int | float):
        return None if math.isnan(value) else float(value)
    return value


def is_licensed(source: str) -> bool:
    """Tell whether coordinates of a source must not be passed on."""
    return source.split(":")[0] in LICENSED_SOURCES


def write_structures(
    path: Path,
    candidates: Sequence[Row],
    entries: Mapping[tuple[str, str], RawEntry],
    *,
    include_licensed: bool = False,
) -> dict[str, int]:
    """A zip of one CIF per structure, with the table of the candidates beside them.

    Args:
        path: the archive.
        candidates: rows of ``candidates.csv``, by rank.
        entries: texts of the structures by source and name.
        include_licensed: write structures of licensed sources too.

    Returns:
        How many were ``written``, how many are ``licensed`` and left out, how many ``missing``.
    """
    counts = {"written": 0, "licensed": 0, "missing": 0}
    done: set[tuple[str, str]] = set()
    with (
        replacing_bytes(path) as handle,
        zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for row in candidates:
            name = (str(row["source"]), str(row["source_id"]))
            if name in done:
                continue
            done.add(name)
            if is_licensed(name[0]) and not include_licensed:
                counts["licensed"] += 1
            elif name not in entries:
                counts["missing"] += 1
            else:
                counts["written"] += 1
                _add(archive, _file_name(row), cif_text(entries[name]))
        _add(archive, "candidates.csv", _table_text(candidates))
    return counts


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    member = zipfile.ZipInfo(name, date_time=ZIP_DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, text.encode("utf-8", "replace"))


def _table_text(rows: Sequence[Row]) -> str:
    buffer = io.StringIO()
    TableWriter(buffer, CANDIDATES).write(rows)
    return buffer.getvalue()


def _file_name(row: Row) -> str:
    """Make a file name of rank, formula and id, of characters that every system accepts."""
    rank = int(row.get("rank") or 0)
    text = f"{row.get('reduced_formula')}_{row.get('source_id')}"
    return f"{rank:04d}_{re.sub(r'[^A-Za-z0-9._+-]+', '-', text)[:100]}.cif"


def cif_text(entry: RawEntry) -> str:
    """Return the structure as CIF: unchanged where it came as one, else written anew.

    Raises:
        UnreadableStructureError: the text is no crystal structure.
    """
    if entry.format == "cif":
        return entry.text

    return _written_cif(parse_entry(entry))


def _written_cif(record: StructureRecord) -> str:
    import warnings

    from pymatgen.io.cif import CifWriter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(CifWriter(record.structure))
