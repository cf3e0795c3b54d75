"""A user's table of hull energies, gaps and ids."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from dualion.structures.errors import InputError
from dualion.structures.properties import read_properties

CSV = "material_id,icsd_id,energy_above_hull,band_gap\nmp-1,1234,0.02,3.5\nmp-2,,,1.0\n"


def write(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


JSON_ROWS = [
    {"material_id": "mp-1", "icsd_id": 1234, "energy_above_hull": 0.02, "band_gap": 3.5},
    {"material_id": "mp-2", "energy_above_hull": None, "band_gap": 1},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.csv", CSV),
        ("p.csv.gz", "\ufeff" + CSV),
        ("p.json", json.dumps(JSON_ROWS)),
        ("p.jsonl", "\n".join(map(json.dumps, JSON_ROWS)) + "\n"),
        ("p.jsonl.gz", "\n".join(map(json.dumps, JSON_ROWS))),
    ],
)
def test_every_format_gives_the_same(name: str, text: str, tmp_path: Path) -> None:
    table = read_properties(write(tmp_path / name, text))
    for key in ("mp-1", "icsd-1234", "mp-1~2", "rows.jsonl#mp-1", "icsd-1234.cif"):
        found = table.of(key)
        assert found is not None
        assert (found.energy_above_hull_ev_atom, found.band_gap_ev) == (0.02, 3.5)
        assert found.ids == ("mp-1", "icsd-1234")
    other = table.of("mp-2")
    assert other is not None
    assert (other.energy_above_hull_ev_atom, other.band_gap_ev) == (None, 1.0)
    assert table.of("mp-3") is None
    assert table.of("mp-11") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("material_id,band_gap\nmp-1,wide\n", r"row 1: band_gap is 'wide', which is no number"),
        ("material_id,band_gap\nmp-1,nan\n", r"which is no number"),
        ("material_id,band_gap\nmp-1,1\nmp-1,2\n", r"row 2: mp-1 stands there before"),
        ("name,band_gap\nmp-1,1\n", r"no row with an id"),
        ("material_id,gap\nmp-1,1\n", r"holds neither energy_above_hull"),
        ("", r"no row with an id"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_properties(write(tmp_path / "p.csv", text))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("no.csv", None), ("p.jsonl", b"{"), ("p.json", b"[1]"), ("p.csv", b"\xff\xfe"),
        ("p.csv.gz", b"no gzip"), ("p.json", b"[" * 100_000),
    ],
)  # fmt: skip
def test_what_is_no_table_is_one_sentence(name: str, content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError):
        read_properties(tmp_path / name)


def test_repeated_rows_that_agree_are_one(tmp_path: Path) -> None:
    table = read_properties(write(tmp_path / "p.csv", "id,band_gap\nmp-1,1\nmp-1,1.0\n"))
    assert table.of("mp-1") is not None
