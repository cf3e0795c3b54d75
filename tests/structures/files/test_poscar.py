"""POSCAR as VASP's manual defines it (https://www.vasp.at/wiki/POSCAR), and line ends."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dualion.structures.errors import UnreadableStructureError
from dualion.structures.files import parse_entry, read_structures
from dualion.structures.records import RawEntry, StructureRecord

HEAD = "LiCl\n{scale}\n4 0 0\n0 5 0\n0 0 6\n"
DIRECT = HEAD.format(scale="1.0") + "Li Cl\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"
FRAME = (
    '2\nLattice="4 0 0 0 5 0 0 0 6" Properties=species:S:1:pos:R:3 stress="0 0 0 0 0 0 0 0 0"\n'
    "Li 0 0 0\nCl 2 2.5 3\n"
)
CIF = (
    "data_x\n_cell_length_a 4\n_cell_length_b 5\n_cell_length_c 6\n_cell_angle_alpha 90\n"
    "_cell_angle_beta 90\n_cell_angle_gamma 90\n_publ_text\n;\nfree text\n;\nloop_\n"
    "_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    "Li1 0 0 0\nCl1 0.5 0.5 0.5\n"
)


def parse(text: str) -> StructureRecord:
    return parse_entry(RawEntry(source="t", source_id="t", format="poscar", text=text))


def shape(record: StructureRecord) -> tuple[list[float], dict[str, float], list[list[float]]]:
    structure = record.structure
    return (
        np.round(structure.lattice.abc, 6).tolist(),
        dict(structure.composition.as_dict()),
        np.round(structure.frac_coords, 6).tolist(),
    )


EXPECTED = ([4.0, 5.0, 6.0], {"Li": 1.0, "Cl": 1.0}, [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])


@pytest.mark.parametrize(
    "text",
    [
        DIRECT,
        DIRECT.replace("1.0\n", "1.0 ! scale\n"),
        DIRECT.replace("1 1\n", "1 1 ! number of ions\n"),
        DIRECT.replace("1 1\n", "1 1 # ions\n"),
        DIRECT.replace("1 1\n", "1 1 in all 2\n"),
        DIRECT.replace("Li Cl\n", "Li_sv Cl\n"),
        DIRECT.replace("Li Cl\n", "Li/1a2b3c4d Cl/99\n"),
        DIRECT.replace("Li Cl\n", "Li Cl ! species\n"),
        DIRECT.replace("Li Cl\n", "Li Cl relaxed In vacuo\n"),
        DIRECT.replace("Li Cl\n1 1\n", "Li\nCl\n1\n1\n"),
        DIRECT.replace("direct", "Direct configuration=  1"),
        DIRECT.replace("direct\n0 0 0\n", "Selective dynamics\ndirect\n0 0 0 T T F\n"),
        DIRECT.replace("0.5 0.5 0.5", "5.0d-1 0.5 0.5E0 Cl1 ! last"),
        DIRECT + "\n0 0 0\n0 0 0\n",
        DIRECT.replace("direct\n0 0 0\n0.5 0.5 0.5", "Kartesisch\n0 0 0\n2 2.5 3"),
        DIRECT.replace("LiCl\n", "Li Cl\n", 1).replace("Li Cl\n1 1", "1 1"),
        DIRECT.replace("Li Cl\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5", "1 1\ns\nc\n0 0 0 T T F Li\n"
                       "2 2.5 3 T T F Cl"),
    ],
)  # fmt: skip
def test_every_way_to_write_the_same_poscar(text: str) -> None:
    assert shape(parse(text)) == EXPECTED


def test_three_scale_factors_scale_the_cartesian_components() -> None:
    body = "Li Cl\n1 1\n{mode}\n0 0 0\n{second}\n"
    cell = "LiCl\n2.0 1.0 0.5\n2 0 0\n1 5 0\n0 1 12\n"
    direct = parse(cell + body.format(mode="direct", second="0.5 0.5 0.5")).structure
    # Each lattice vector (x, y, z) becomes (2x, y, z/2).
    assert np.allclose(direct.lattice.matrix, [[4, 0, 0], [2, 5, 0], [0, 1, 6]])
    cartesian = parse(cell + body.format(mode="cartesian", second="1.5 3 6")).structure
    assert np.allclose(cartesian.cart_coords[1], [3.0, 3.0, 3.0])
    assert np.allclose(cartesian.frac_coords[1], [0.5, 0.5, 0.5])


def test_one_scale_factor_scales_and_a_negative_one_is_the_volume() -> None:
    twice = parse(DIRECT.replace("1.0\n", "2.0\n")).structure
    assert twice.lattice.abc == pytest.approx((8, 10, 12))
    volume = parse(DIRECT.replace("1.0\n", "-960\n")).structure
    assert volume.lattice.abc == pytest.approx((8, 10, 12))  # 960 = 2³ · 120


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (DIRECT.replace("1.0\n", "1.0 2.0\n"), "bad_poscar"),
        (DIRECT.replace("1.0\n", "1.0 -2.0 1.0\n"), "bad_poscar"),
        (DIRECT.replace("1.0\n", "0\n"), "bad_cell"),
        (DIRECT.replace("0 5 0\n", "0 5\n"), "bad_poscar"),
        (DIRECT.replace("1 1\n", "1 1 1\n"), "bad_poscar"),
        (DIRECT.replace("1 1\n", "0 0\n"), "bad_poscar"),
        # a count that is damaged must not take its atoms along in silence
        (DIRECT.replace("1 1\n", "1 ****\n"), "bad_poscar"),
        (DIRECT.replace("1 1\n", "1 x\n"), "bad_poscar"),
        (DIRECT.replace("1 1\n", "1 4000000000\n"), "bad_poscar"),
        (DIRECT.replace("1 1\n", "1 1.0\n"), "bad_poscar"),
        (DIRECT.replace("Li Cl\n", "Li Cl O\n"), "bad_poscar"),
        (DIRECT.replace("0.5 0.5 0.5\n", ""), "bad_poscar"),
        (DIRECT.replace("0.5 0.5 0.5", "0.5 **** 0.5"), "bad_poscar"),
        (DIRECT.replace("Li Cl\n", "Xx Cl\n"), "unknown_element"),
        (DIRECT.replace("1 1\n", "999999999 1\n"), "too_many_sites"),
        ("LiCl\n1.0\n", "bad_poscar"),
    ],
)
def test_what_is_no_poscar_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(UnreadableStructureError) as caught:
        parse(text)
    assert caught.value.reason == reason


ENDS = {"LF": "\n", "CR LF": "\r\n", "CR": "\r", "CR CR LF": "\r\r\n"}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("packed", ["plain", "zip", "tar"])
def test_any_line_ends_in_every_format(tmp_path: Path, end: str, packed: str) -> None:
    files = {"a.vasp": DIRECT, "CONTCAR": DIRECT, "b.extxyz": FRAME * 2, "c.cif": CIF}
    data = {name: text.replace("\n", end).encode() for name, text in files.items()}
    if packed == "plain":
        for name, content in data.items():
            (tmp_path / name).write_bytes(content)
    elif packed == "zip":
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            for name, content in data.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(tmp_path / "x.tar", "w") as archive:
            for name, content in data.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    found = list(read_structures([tmp_path]))
    assert len(found) == 5
    for record in found:
        assert isinstance(record, StructureRecord), record
        assert shape(record) == EXPECTED


def test_a_line_end_that_is_cut_in_two_by_the_reading_is_one(tmp_path: Path) -> None:
    # 256 KiB are read at once; the comment puts the CR last in the first piece.
    path = tmp_path / "a.vasp"
    path.write_bytes(b"L" * (256 * 1024 - 1) + DIRECT[4:].replace("\n", "\r\n").encode())
    (record,) = read_structures([path])
    assert isinstance(record, StructureRecord)
    assert shape(record) == EXPECTED
    text = DIRECT.replace("\n", "\r\n")
    assert shape(parse(text)) == EXPECTED  # handed over as text, as other sources do
