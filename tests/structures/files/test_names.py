"""Names that are no UTF-8, lone surrogates, control characters: escaped, one row each."""

from __future__ import annotations

import io
import json
import os
import pickle
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualion.structures.errors import UnreadableStructureError
from dualion.structures.files import count_entries, iter_raw_entries, read_structures
from dualion.structures.records import RawEntry, Rejection, StructureRecord
from dualion.structures.text import json_text, printable_name, storable_text

ROW = {
    "lattice": [4, 4, 4, 90, 90, 90],
    "species": [["Li", 1], ["Cl", 1]],
    "coords": [0, 0, 0, 0.5, 0.5, 0.5],
}
POSCAR = "LiCl\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi Cl\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9.vasp", r"caf\xe9.vasp"),
        (b"\xff\xfe.vasp", r"\xff\xfe.vasp"),
        (b"sub\x80/x.vasp", r"sub\x80/x.vasp"),
        (b"a\nb\t\x1b[31m.vasp", r"a\nb\t\x1b[31m.vasp"),
        ("日本 é.vasp".encode(), "日本 é.vasp"),
    ],
)
@pytest.mark.skipif(sys.platform == "darwin", reason="the file system takes UTF-8 names only")
def test_file_names_of_any_bytes(tmp_path: Path, name: bytes, shown: str) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(POSCAR.encode())
    (record,) = read_structures([tmp_path])
    assert isinstance(record, StructureRecord)
    assert record.source_id == shown
    (same,) = read_structures([os.fsdecode(path)])
    assert isinstance(same, StructureRecord)
    assert same.source_id == shown.rpartition("/")[2]


def test_names_that_look_alike_once_escaped_stay_apart(tmp_path: Path) -> None:
    rows = [{"id": name, **ROW} for name in ("\udce9", r"\xe9", "\udce9", "\x00")]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    names = [record.source_id for record in read_structures([tmp_path])]
    assert names == [
        r"\xe9",
        r"\xe9~2",
        r"\xe9~3",
        r"\x00",
    ]


def test_surrogates_in_json_keys_ids_and_values(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"\ud834": ROW, "b": 3}))
    rows = [
        {"id": "\ud800", "formula": "Li\udfff", **ROW},
        {"id": "x", **ROW, "species": [["\ud800", 2]]},
        {"id": {"a": 1}, **ROW},
        {"id": 7, **ROW},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = list(read_structures([tmp_path]))
    assert [item.source_id for item in found] == [
        r"keys.json#\ud834",
        "keys.json#b",
        r"\ud800",
        "x",
        "rows.jsonl#line3",
        "rows.jsonl#7",
    ]
    assert len(found) == count_entries([tmp_path])
    for item in found:
        texts = [item.source_id]
        if isinstance(item, Rejection):
            texts.append(item.message)
        else:
            texts += [str(value) for value in item.metadata.values()]
        for text in texts:
            text.encode()
        assert pickle.loads(pickle.dumps(item)) == item or isinstance(item, StructureRecord)


def test_tar_members_of_any_bytes(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("caf\udce9.vasp")
        info.size = len(POSCAR)
        archive.addfile(info, io.BytesIO(POSCAR.encode()))
    (entry,) = iter_raw_entries([tmp_path])
    assert entry.source_id == r"a.tar/caf\xe9.vasp"


def test_entries_of_every_source_have_names_that_can_be_stored() -> None:
    entry = RawEntry(
        source="s", source_id="a\ud800\n", format="cif", text="", metadata={"reference": "\udcff"}
    )
    assert entry.source_id == r"a\ud800\n"
    assert entry.metadata == {"reference": r"\xff"}
    refusal = Rejection(
        source="s", source_id="\x00", stage="read", reason="r", message="line\n\udc80"
    )
    assert (refusal.source_id, refusal.message) == (r"\x00", r"line\n\x80")
    assert str(UnreadableStructureError("no \ud801")) == r"no \ud801"


@given(st.text(st.characters(codec=None, categories=None)))
def test_what_is_escaped_can_be_encoded(text: str) -> None:
    for escaped in (printable_name(text), storable_text(text)):
        escaped.encode()
        assert "\x00" not in escaped
    assert len(printable_name(text).splitlines()) <= 1
    json_text({text: text}).encode()
    assert json.loads(json_text([text])) == [text]


def test_a_path_that_cannot_exist_is_an_input_error(tmp_path: Path) -> None:
    from dualion.structures.errors import InputError

    for name in ("a\0b", "x" * 5000, "~nobody-of-that-name/x"):
        with pytest.raises(InputError):
            list(read_structures([tmp_path / name if "\0" not in name else name]))
