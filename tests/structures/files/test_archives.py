"""Archives and compressed files: good ones, cut ones, hostile ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from dualion.structures.files import ReadLimits, iter_raw_entries, read_structures
from dualion.structures.records import RawEntry, Rejection, StructureRecord

CIF = """data_NaCl
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 0 0 0
Cl1 0.5 0.5 0.5
"""
ROW = (
    '{{"material_id": "m{0}", "lattice": [4, 4, 4, 90, 90, 90], '
    '"species": [["Na", 1], ["Cl", 1]], "coords": [0, 0, 0, 0.5, 0.5, {1}]}}\n'
)


def outcome(*paths: Path, limits: ReadLimits | None = None) -> list[tuple[str, str]]:
    """Name and ``ok`` or the reason, of everything that is found."""
    found = read_structures(paths, limits=limits or ReadLimits())
    return [
        (item.source_id, item.reason if isinstance(item, Rejection) else "ok") for item in found
    ]


def make_zip(path: Path | io.BytesIO, members: dict[str, str | bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)


def make_tar(path: Path, mode: str, members: dict[str, str]) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


def test_zip_members_are_named_by_their_path(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    make_zip(path, {"x/1.cif": CIF, "notes.txt": "hi", "__MACOSX/x/._1.cif": b"\0", "2.cif": CIF})
    assert outcome(path) == [("a.zip/x/1.cif#NaCl", "ok"), ("a.zip/2.cif#NaCl", "ok")]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.tar", "w"),
        ("a.tar.gz", "w:gz"),
        ("a.tgz", "w:gz"),
        ("a.tar.bz2", "w:bz2"),
        ("a.tar.xz", "w:xz"),
    ],
)
def test_tar_in_every_compression(tmp_path: Path, name: str, mode: str) -> None:
    path = tmp_path / name
    make_tar(path, mode, {"x/1.cif": CIF, "strange.dat": "?", "y/2.cif": CIF})
    assert outcome(path) == [
        (f"{name}/x/1.cif#NaCl", "ok"),
        (f"{name}/strange.dat", "unknown_format"),
        (f"{name}/y/2.cif#NaCl", "ok"),
    ]


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_single_files(tmp_path: Path, suffix: str, compress: object) -> None:
    path = tmp_path / f"x.cif{suffix}"
    path.write_bytes(compress(CIF.encode()))  # type: ignore[operator]
    assert outcome(path) == [(f"x.cif{suffix}#NaCl", "ok")]


@pytest.mark.parametrize(
    "name", ["/etc/1.cif", "../1.cif", "x/../../1.cif", "..\\1.cif", "C:1.cif"]
)
def test_members_that_lead_out_are_refused_and_the_rest_goes_on(tmp_path: Path, name: str) -> None:
    zipped, tarred = tmp_path / "a.zip", tmp_path / "b.tar"
    make_zip(zipped, {name: CIF, "2.cif": CIF})
    make_tar(tarred, "w", {name: CIF, "2.cif": CIF})
    assert [reason for _, reason in outcome(zipped, tarred)] == ["unsafe_path", "ok"] * 2


def test_links_and_special_members_are_refused(tmp_path: Path) -> None:
    zipped, tarred = tmp_path / "a.zip", tmp_path / "b.tar"
    link = zipfile.ZipInfo("link.cif")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("2.cif", CIF)
    with tarfile.open(tarred, "w") as archive:
        for name, kind in (("s.cif", tarfile.SYMTYPE), ("f.cif", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert [reason for _, reason in outcome(zipped, tarred)] == [
        "link_member",
        "ok",
        "link_member",
        "special_member",
    ]


def test_one_archive_in_another_is_read_and_a_third_level_is_not(tmp_path: Path) -> None:
    inner, middle = io.BytesIO(), io.BytesIO()
    make_zip(inner, {"1.cif": CIF})
    make_zip(middle, {"inner.zip": inner.getvalue(), "2.cif": CIF})
    path = tmp_path / "outer.zip"
    make_zip(path, {"middle.zip": middle.getvalue(), "3.cif": CIF})
    assert outcome(path) == [
        ("outer.zip/middle.zip/inner.zip", "nested_archive"),
        ("outer.zip/middle.zip/2.cif#NaCl", "ok"),
        ("outer.zip/3.cif#NaCl", "ok"),
    ]


def test_bombs_are_stopped(tmp_path: Path) -> None:
    limits = ReadLimits(ratio=50, ratio_from_bytes=100_000, entry_bytes=10_000_000)
    flood = b"data_x\n" + b"# nothing\n" * 200_000
    make_zip(tmp_path / "a.zip", {"bomb.cif": flood, "2.cif": CIF})
    (tmp_path / "b.cif.gz").write_bytes(gzip.compress(flood))
    make_tar(tmp_path / "c.tar.gz", "w:gz", {"1.cif": CIF, "bomb.cif": flood.decode()})
    assert outcome(tmp_path, limits=limits) == [
        ("a.zip/bomb.cif", "zip_bomb"),
        ("a.zip/2.cif#NaCl", "ok"),
        ("b.cif.gz", "zip_bomb"),
        ("c.tar.gz/1.cif#NaCl", "ok"),
        ("c.tar.gz/bomb.cif", "zip_bomb"),
        ("c.tar.gz", "zip_bomb"),
    ]


def test_an_entry_that_is_too_large_is_left_out_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.cif"
    path.write_text("data_big\n_cell_length_a 5\n" + "# filler\n" * 3000 + CIF)
    limits = ReadLimits(entry_bytes=20_000)
    assert outcome(path, limits=limits) == [("x.cif#big", "too_large"), ("x.cif#NaCl", "ok")]


def test_the_whole_of_an_archive_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress("".join(ROW.format(i, 0.5) for i in range(20_000)).encode()))
    found = outcome(path, limits=ReadLimits(archive_bytes=1_000_000))
    assert found[-1] == ("x.jsonl.gz", "too_large")
    assert all(reason == "ok" for _, reason in found[:-1])


def test_a_cut_gzip_keeps_the_rows_before_the_cut(tmp_path: Path) -> None:
    # Random digits, so that the cut falls where many rows are already out.
    numbers = random.Random(1)
    data = "".join(ROW.format(i, numbers.random()) for i in range(5000)).encode()
    packed = gzip.compress(data)
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    *rows, last = iter_raw_entries([path])
    assert isinstance(last, Rejection)
    assert last.reason == "truncated"
    assert all(isinstance(row, RawEntry) for row in rows)
    assert 2000 < len(rows) < 3000
    assert rows[-1].source_id == f"m{len(rows) - 1}"


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip", "a.tar", "a.tar.xz", "x.cif.gz", "x.json"])
def test_noise_is_a_rejection_and_the_next_file_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(random.Random(2).randbytes(5000))
    (tmp_path / "z.cif").write_text(CIF)
    first, second = read_structures([tmp_path])
    assert isinstance(first, Rejection)
    assert first.reason in {"damaged", "bad_json", "not_text", "truncated"}
    assert isinstance(second, StructureRecord)


def test_a_zip_with_a_damaged_member_gives_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:  # stored, so that the text can be found
        archive.writestr("1.cif", CIF)
        archive.writestr("2.cif", CIF.replace("5.64", "5.65"))
    path.write_bytes(path.read_bytes().replace(b"5.65", b"5.66"))
    names = outcome(path)
    assert names[0] == ("a.zip/1.cif#NaCl", "ok")
    assert names[-1] == ("a.zip/2.cif", "damaged")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    make_zip(path, {"1.cif": CIF})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1  # the bit that says so, in the central directory
    path.write_bytes(data)
    assert outcome(path) == [("a.zip/1.cif", "encrypted")]


@pytest.mark.parametrize("name", ["x.cif", "x.vasp", "x.xyz", "x.json", "x.jsonl", "x.zip"])
def test_an_empty_file_is_a_rejection(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert outcome(tmp_path) == [(name, "empty")]


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.jsonl"
        padding = " " * 2000
        path.write_text("".join(padding + ROW.format(i, 0.5) for i in range(rows)))
        tracemalloc.start()
        for _ in iter_raw_entries([path]):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(100)
    # 9 000 rows more are 19 MB of text; the hashes of their names need 100 to 200 bytes each.
    assert peak(10_000) - peak(1_000) < 2_000_000


def overlapping_zip(path: Path, names: int, text: bytes) -> None:
    """A zip whose directory names one member many times (all of the same bytes)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a000.cif", text)
    data = buffer.getvalue()
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    entries = b"".join(entry.replace(b"a000", f"a{i:03d}".encode()) for i in range(names))
    tail = bytearray(data[end:])
    tail[8:12] = names.to_bytes(2, "little") * 2
    tail[12:16] = len(entries).to_bytes(4, "little")
    path.write_bytes(data[:start] + entries + bytes(tail))


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    overlapping_zip(path, 50, CIF.encode())
    found = outcome(path)
    assert found[0] == ("a.zip/a000.cif#NaCl", "ok")
    assert found[1:] == [(f"a.zip/a{i:03d}.cif", "overlapping_members") for i in range(1, 50)]


def test_the_work_of_all_members_together_is_bounded(tmp_path: Path) -> None:
    """Each member is within its bounds; together they unpack to more than the whole may."""
    comments = b"".join(b"# %d\n" % (i * 7919) for i in range(6000))
    members = {f"{i:02d}.cif": CIF.encode() + comments for i in range(20)}
    path, inner = tmp_path / "a.zip", io.BytesIO()
    make_zip(path, members)
    size = len(members["00.cif"])
    limits = ReadLimits(archive_bytes=5 * size)
    found = outcome(path, limits=limits)
    assert found == [
        *((f"a.zip/{i:02d}.cif#NaCl", "ok") for i in range(5)),
        ("a.zip/05.cif", "zip_bomb"),
        ("a.zip", "zip_bomb"),
    ]
    make_zip(inner, members)
    nested = tmp_path / "b.tar"
    with tarfile.open(nested, "w") as archive:
        info = tarfile.TarInfo("inner.zip")
        info.size = len(inner.getvalue())
        archive.addfile(info, io.BytesIO(inner.getvalue()))
    nested_found = outcome(nested, limits=limits)
    assert nested_found[-1] == ("b.tar", "zip_bomb")
    assert sum(reason == "ok" for _, reason in nested_found) <= 5


def sparse_tar(path: Path, records: dict[str, str], data: bytes) -> None:
    """A tar with a member whose extended header says that it is sparse, and a sound one."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("s.cif")
        info.size = len(data)
        info.pax_headers = records
        archive.addfile(info, io.BytesIO(data))
        good = tarfile.TarInfo("good.cif")
        good.size = len(CIF)
        archive.addfile(good, io.BytesIO(CIF.encode()))


VERSION_1 = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "99999999999"}


@pytest.mark.parametrize(
    "records",
    [
        VERSION_1,
        VERSION_1 | {"GNU.sparse.name": "s.cif"},
        {"GNU.sparse.map": "0,1,x"},
        {"GNU.sparse.map": "0,512"},
        {"GNU.sparse.size": "99999999999", "GNU.sparse.numblocks": "1"},
        {"GNU.sparse.size": "many", "GNU.sparse.offset": "zero", "GNU.sparse.numbytes": "x"},
        VERSION_1 | {"GNU.sparse.realsize": "-1"},
    ],
    ids=str,
)
@pytest.mark.parametrize("data", [b"data_ok\n", b"1\n0\n512\n", b"9" * 600])
def test_sparse_members_are_one_row_and_the_next_is_read(
    tmp_path: Path, records: dict[str, str], data: bytes
) -> None:
    path = tmp_path / "a.tar"
    sparse_tar(path, records, data)
    found = outcome(path)
    assert found[-1] == ("a.tar/good.cif#NaCl", "ok")
    assert len(found) == 2
    assert found[0][1] in {"special_member", "empty", "no_structure", "damaged", "truncated"}


def test_a_sparse_member_without_its_map_ends_the_archive_with_a_row(tmp_path: Path) -> None:
    # The map is looked for in what is the next header, behind which nothing can be found.
    path = tmp_path / "a.tar"
    sparse_tar(path, VERSION_1, b"")
    assert outcome(path) == [("a.tar/s.cif", "special_member"), ("a.tar", "damaged")]


@pytest.mark.parametrize("at", [148, 124, 0])
def test_a_spoilt_header_in_the_middle_is_said(tmp_path: Path, at: int) -> None:
    path = tmp_path / "a.tar"
    make_tar(path, "w", {f"{i}.cif": CIF for i in range(3)})
    data = bytearray(path.read_bytes())
    data[1024 + at : 1024 + at + 4] = b"\xffzzz"  # the second header
    path.write_bytes(data)
    assert outcome(path) == [("a.tar/0.cif#NaCl", "ok"), ("a.tar", "damaged")]


def test_a_tar_that_is_cut_in_a_header_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    make_tar(path, "w", {f"{i}.cif": CIF for i in range(3)})
    path.write_bytes(path.read_bytes()[:1224])
    assert outcome(path) == [("a.tar/0.cif#NaCl", "ok"), ("a.tar", "truncated")]


@pytest.mark.parametrize("seed", range(40))
def test_mutated_archives_give_rows(tmp_path: Path, seed: int) -> None:
    numbers = random.Random(seed)
    name = numbers.choice(["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
    path = tmp_path / name
    members = {f"{i}.cif": CIF for i in range(4)}
    if name == "a.zip":
        make_zip(path, members)
    else:
        make_tar(path, {"a.tar": "w", "a.tar.gz": "w:gz", "a.tar.xz": "w:xz"}[name], members)
    data = bytearray(path.read_bytes())
    for _ in range(numbers.randint(1, 8)):
        data[numbers.randrange(len(data))] = numbers.randrange(256)
    path.write_bytes(data[: numbers.choice([len(data), numbers.randrange(1, len(data))])])
    assert outcome(path)
