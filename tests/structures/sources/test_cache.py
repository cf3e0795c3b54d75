"""The cache: whole or absent, private, shared by processes, told apart by request."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dualion.structures.errors import InputError
from dualion.structures.sources import Access, Cache, OfflineError
from dualion.structures.sources.cache import default_folder


def test_what_is_put_comes_back_with_its_date(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    assert cache.get("mp", "question") is None
    cache.put("mp", "question", b"answer \x00\xff")
    found = cache.get("mp", "question")
    assert found is not None and found.data == b"answer \x00\xff"
    assert found.retrieved.startswith("20") and found.retrieved.endswith("+00:00")
    assert cache.get("mp", "Question") is None and cache.get("other", "question") is None


def test_equal_answers_are_stored_once_and_clearing_keeps_what_others_use(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for source, key in (("a", "1"), ("a", "2"), ("b", "1")):
        cache.put(source, key, b"the same")
    objects = list((tmp_path / "objects").glob("*/*"))
    assert len(objects) == 1
    assert cache.use()["a"].answers == 2
    assert cache.use()["a"].stored_bytes == 2 * objects[0].stat().st_size
    cache.clear("a")
    assert set(cache.use()) == {"b"} and cache.get("b", "1") is not None
    cache.clear()
    assert cache.use() == {} and not list((tmp_path / "objects").glob("*/*"))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_damaged_objects_are_noticed_and_removed(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path)
    cache.put("mp", "k", bytes(range(256)) * 40)
    cache.put("mp", "other", b"something else")
    paths = sorted((tmp_path / "objects").glob("*/*"), key=lambda path: path.stat().st_size)
    small, large = paths
    data = bytearray(large.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 0xFF
    replaced = {"cut": bytes(data[:-9]), "flip": bytes(data), "empty": b"", "other": b""}
    large.write_bytes(small.read_bytes() if damage == "other" else replaced[damage])
    assert cache.get("mp", "k") is None
    assert not large.exists()
    assert cache.get("mp", "other") is not None
    cache.put("mp", "k", b"new")
    assert cache.get("mp", "k").data == b"new"  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"object": "../../etc/passwd"}', "null"])
def test_damaged_or_forged_index_files_count_as_absent(tmp_path: Path, text: str) -> None:
    cache = Cache(tmp_path)
    cache.put("mp", "k", b"x")
    (index,) = (tmp_path / "index").glob("*/*/*.json")
    index.write_text(text)
    assert cache.get("mp", "k") is None
    cache.put("mp", "k", b"y")
    assert cache.get("mp", "k").data == b"y"  # type: ignore[union-attr]


def test_an_index_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    (tmp_path / "secret.gz").write_bytes(b"x")
    cache.put("mp", "k", b"x")
    (index,) = (tmp_path / "c" / "index").glob("*/*/*.json")
    content = json.loads(index.read_text())
    index.write_text(json.dumps({**content, "object": "../../secret"}))
    assert cache.get("mp", "k") is None and (tmp_path / "secret.gz").exists()


def test_names_of_sources_stay_inside_the_folder(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    for name in ("../../x", "optimade:a.org/b", ".hidden", "a" * 500):
        cache.put(name, "k", b"v")
        assert cache.get(name, "k").data == b"v"  # type: ignore[union-attr]
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_the_folder_is_for_its_owner_only_and_holds_no_half_files(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    cache.put("icsd", "k", b"licensed")
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o700
    assert all(
        stat.S_IMODE(path.stat().st_mode) == 0o600
        for path in (tmp_path / "c").rglob("*")
        if path.is_file()
    )
    assert not list((tmp_path / "c").rglob(".part-*"))


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="DUALION_CACHE"):
        Cache(tmp_path / "file" / "cache").put("mp", "k", b"x")


def test_the_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALION_CACHE", "~/somewhere")
    assert default_folder() == Path.home() / "somewhere"
    monkeypatch.delenv("DUALION_CACHE")
    assert default_folder().name == "dualion"


FETCH_ONCE = """
import sys, time
from pathlib import Path
from dualion.structures.sources import Access, Cache

def slow():
    with open(sys.argv[2], "a") as stream:
        stream.write("fetched\\n")
    time.sleep(0.3)
    return b"answer" * 1000

for _ in range(5):
    answer = Access(cache=Cache(Path(sys.argv[1]))).answer("mp", "k", slow)
    assert answer.data == b"answer" * 1000
"""


def test_several_processes_fetch_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", FETCH_ONCE, str(tmp_path / "cache"), str(log)]
    root = Path(__file__).resolve().parents[3]
    processes = [subprocess.Popen(command, cwd=root) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert log.read_text() == "fetched\n"


def test_offline_refresh_and_invalid_answers(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    answers = iter([b"bad", b"good", b"newer"])
    fetch = lambda: next(answers)  # noqa: E731
    with pytest.raises(OfflineError, match="Run once without --offline"):
        Access(cache=cache, offline=True).answer("mp", "k", fetch)
    good = lambda data: data != b"bad"  # noqa: E731
    Access(cache=cache).answer("mp", "k", fetch)
    found = Access(cache=cache).answer("mp", "k", fetch, is_valid=good)
    assert found.data == b"good"  # what cannot be used is asked for again
    assert Access(cache=cache, refresh=True).answer("mp", "k", fetch).data == b"newer"
    assert Access(cache=cache, refresh=True, offline=True).answer("mp", "k", fetch).data == b"newer"
