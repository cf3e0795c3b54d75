"""Files that are replaced as a whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dualion.structures.atomic_write import replacing_bytes, replacing_text, write_bytes, write_text


def test_the_old_file_stands_after_an_exception(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old\r\n")
    assert path.read_bytes() == b"old\r\n"
    with pytest.raises(RuntimeError), replacing_text(path) as handle:
        handle.write("half")
        raise RuntimeError
    assert path.read_bytes() == b"old\r\n" and list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_no_part(tmp_path: Path) -> None:
    path = tmp_path / "data"
    write_bytes(path, b"old")
    with replacing_bytes(path) as handle:
        handle.write(b"new")
        handle.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append(f"sync {size(fd)}"), fsync(fd)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (calls.append("replace"), replace(self, to))[1]
    )

    def size(descriptor: int) -> str:
        found = os.fstat(descriptor)
        return "folder" if stat.S_ISDIR(found.st_mode) else str(found.st_size)

    write_text(tmp_path / "file", "1234")
    assert calls == ["sync 4", "replace", "sync folder"]


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replacing_text(path) as first, replacing_text(path) as second:
        first.write("first")
        second.write("second")
    assert path.read_text() == "first"  # the outer one ends last
    assert list(tmp_path.iterdir()) == [path]


def test_rights_follow_the_umask_or_what_is_asked(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_text(tmp_path / "table", "")
        write_bytes(tmp_path / "secret", b"", mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "table").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_long_names_have_a_part_too(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)  # 254 bytes; file systems take 255
    write_text(path, "x")
    assert path.read_text() == "x"
