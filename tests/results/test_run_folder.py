"""A finished run read back: its tables, its settings, what is damaged."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from dualion.results import run_folder
from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.run_folder import RunFolder, identity, read_candidates, read_run_folder
from dualion.results.tables import write_table
from dualion.screening.criterion import DaiCriterion
from dualion.structures.errors import InputError

ROWS = [
    {
        "source": "file",
        "source_id": "a",
        "cation": "Li+",
        "anion": "I-",
        "status": "ok",
        "dai": True,
    },
    {
        "source": "file",
        "source_id": "b",
        "cation": "Li+",
        "anion": "S2-",
        "status": "ok",
        "dai": False,
    },
]


def folder_of(path: Path, sidecar: object = None, rows=ROWS, *, candidates: bool = True) -> Path:
    path.mkdir()
    write_table(path / "screened.csv", rows, SCREENED)
    if candidates:
        ranked = [ROWS[0] | {"rank": 1}]
        write_table(path / "candidates.csv", ranked, CANDIDATES)
    (path / "run.json").write_text(json.dumps({} if sidecar is None else sidecar))
    return path


def run_of(options: object) -> RunFolder:
    return RunFolder(folder=Path("x"), rows=[], candidates=[], sidecar={"options": options})


def test_a_run_is_read_with_its_ranks(tmp_path: Path) -> None:
    run = read_run_folder(folder_of(tmp_path / "mine"))
    assert run.name == "mine"
    assert [row["source_id"] for row in run.rows] == ["a", "b"]
    assert run.ranks == {("file", "a", "Li+", "I-"): 1}
    alone = read_candidates(tmp_path / "mine")
    assert (alone.rows, [row["source_id"] for row in alone.candidates]) == ([], ["a"])
    unranked = RunFolder(folder=Path(), rows=[], candidates=[ROWS[0] | {"rank": None}], sidecar={})
    assert list(unranked.ranks.values()) == [0]
    assert identity({}) == ("", "", "", "")


def test_settings_of_older_runs_are_completed() -> None:
    usual = asdict(DaiCriterion())
    assert run_of(None).criterion == run_of({"criterion": "x"}).criterion == usual
    assert run_of({"criterion": {"max_ratio": 9.0}}).criterion == usual | {"max_ratio": 9.0}
    for n in (1, 2, 3):
        assert run_of({"criterion": {"dimensionality": n}}).dimensionality == n
    for wrong in (0, 4, "2", None):
        assert run_of({"criterion": {"dimensionality": wrong}}).dimensionality == 3
    assert [run_of({"strict": value}).strict for value in (True, False, 1, None)] == [
        True, False, False, False,
    ]  # fmt: skip


def test_a_run_without_candidates_is_whole_where_nothing_passed(tmp_path: Path) -> None:
    failing = [ROWS[1], ROWS[0] | {"set_aside": "costly"}, ROWS[0] | {"dai": None}]
    run = read_run_folder(folder_of(tmp_path / "none", rows=failing, candidates=False))
    assert run.candidates == []
    folder_of(tmp_path / "lost", rows=[*ROWS, ROWS[0]], candidates=False)
    with pytest.raises(InputError, match=r"candidates.csv is missing, though .*pass \(2\)"):
        read_run_folder(tmp_path / "lost")


@pytest.mark.parametrize(
    ("text", "message"),
    [("[1]", "not the sidecar"), ("{", "no valid JSON"), (None, "no readable run.json")],
)
def test_a_damaged_sidecar_is_told(tmp_path: Path, text: str | None, message: str) -> None:
    folder = folder_of(tmp_path / "run")
    (folder / "run.json").unlink()
    if text is not None:
        (folder / "run.json").write_text(text)
    for read in (read_run_folder, read_candidates):
        with pytest.raises(InputError, match=message):
            read(folder)


def test_a_missing_folder_and_a_damaged_table_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        read_run_folder(tmp_path / "nothing")
    folder = folder_of(tmp_path / "run")
    (folder / "screened.csv").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(InputError, match="is damaged"):
        read_run_folder(folder)


def test_a_sidecar_may_be_as_large_as_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "run", {"inputs": ["x"]})
    size = (folder / "run.json").stat().st_size
    monkeypatch.setattr(run_folder, "LARGEST_SIDECAR_BYTES", size)
    assert read_run_folder(folder).sidecar == {"inputs": ["x"]}
    monkeypatch.setattr(run_folder, "LARGEST_SIDECAR_BYTES", size - 1)
    with pytest.raises(InputError, match="too large"):
        read_run_folder(folder)
