"""Campaigns: run, resume, change, share, break."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import work_samples

from dualion.results.columns import Row
from dualion.results.score import PARTS
from dualion.results.store import Store
from dualion.results.store.database import StoreError
from dualion.screening import screen as pairs
from dualion.structures.errors import InputError
from dualion.structures.files import reference_paths
from dualion.workflows.campaign import run as campaign_run
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.plan import jobs_left
from dualion.workflows.campaign.preview import preview
from dualion.workflows.campaign.run import run_campaign
from dualion.workflows.campaign.screen_run import screen_paths
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.tasks import screen_job
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.execution.locks import folder_lock

NAMES = ("LiF", "LiI", "Li3N", "NaCl", "CaF2", "Li6PS5Cl", "LiAlCl4", "Li2MgCl4")


pytestmark = pytest.mark.usefixtures("shared_workers")

COARSE = "barriers: {spacing_angstrom: 0.4}"


def campaign(folder: Path, changes: str = "", names: tuple[str, ...] = NAMES) -> Campaign:
    """A campaign over copies of some reference structures, and one file that is none.

    On a coarse grid, unless the changes speak of barriers.
    """
    inputs = folder / "in"
    if not inputs.exists():
        inputs.mkdir(parents=True)
        for path in reference_paths():
            if path.stem in names:
                shutil.copy(path, inputs)
        (inputs / "nothing.cif").write_text("")
    file = folder / "campaign.yaml"
    changes = changes or "ions: {cations: [Li, Na]}"
    barriers = "" if "barriers: {" in changes else COARSE
    file.write_text(f"sources:\n  - files: [in]\n{changes}\n{barriers}\n")
    return load_campaign(file)


def table(folder: Path, name: str = "screened.csv") -> list[dict[str, str]]:
    with (folder / name).open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(handle)]


def jobs_of(asked: Campaign) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Ions that are left to compute, by structure."""
    store, _ = Store.open(asked.store_at)
    try:
        plan = int(store.note("plan") or 0)
        jobs = list(jobs_left(store, plan, asked.options()))
        return {
            job.entry.source_id.split(".")[0]: (job.options.cations, job.options.anions)
            for job in jobs
        }
    finally:
        store.close()


def fresh(asked: Campaign, tmp_path: Path) -> list[dict[str, str]]:
    """What ``dualion screen`` gives for the same."""
    screen_paths([asked.folder / "in"], asked.options(), output=tmp_path / "fresh", workers=2)
    return table(tmp_path / "fresh")


def test_a_campaign_gives_the_tables_of_a_plain_screening(tmp_path: Path) -> None:
    asked = campaign(tmp_path / "c")
    result = run_campaign(asked)
    assert (result.computed, result.left) == (len(NAMES), 0)
    assert table(asked.folder) == fresh(asked, tmp_path)
    assert table(asked.folder, "candidates.csv") == table(tmp_path / "fresh", "candidates.csv")
    assert json.loads(result.files.sidecar.read_text())["funnel"]["read"] == len(NAMES) + 1


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    asked = campaign(tmp_path)
    run_campaign(asked)
    before = (tmp_path / "screened.csv").stat().st_mtime_ns
    result = run_campaign(asked)
    assert (result.computed, result.left, result.summary) == (0, 0, None)
    assert (tmp_path / "screened.csv").stat().st_mtime_ns == before


def test_a_changed_criterion_judges_anew_and_computes_nothing(tmp_path: Path) -> None:
    run_campaign(campaign(tmp_path / "c"))
    wide = campaign(
        tmp_path / "c",
        "ions: {cations: [Li, Na]}\n"
        "criterion: {max_ratio: 9, min_ratio: 0.1, dimensionality: 1, reading: cation_over_anion}",
    )
    result = run_campaign(wide)
    assert result.computed == 0
    assert table(wide.folder) == fresh(wide, tmp_path)


def test_weights_of_the_ranking_change_the_order_and_compute_nothing(tmp_path: Path) -> None:
    names = ("LiI", "Li3InCl6", "LiGaBr4")
    asked = campaign(tmp_path, names=names)
    run_campaign(asked)
    usual = [row["source_id"] for row in table(tmp_path, "candidates.csv")]
    others = ", ".join(f"{part}: 0" for part in PARTS if part != "ratio")
    weights = f"ranking: {{ratio: 1, {others}}}"
    done = run_campaign(campaign(tmp_path, weights, names=names))
    assert done.computed == 0
    rows = table(tmp_path, "candidates.csv")
    assert sorted(row["source_id"] for row in rows) == sorted(usual)
    scores = [float(row["score_ratio"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    with pytest.raises(InputError, match="free_anion"):
        campaign(tmp_path, "ranking: {fre_anion: 1}", names=names).weights()


def test_another_cation_computes_the_structures_that_have_it(tmp_path: Path) -> None:
    run_campaign(campaign(tmp_path / "c", "ions: {cations: [Li]}"))
    both = campaign(tmp_path / "c", "ions: {cations: [Li, Na]}")
    left = jobs_of(both)
    assert set(left) == {"NaCl", "CaF2"}  # those that were rejected for want of lithium
    run_campaign(both)
    assert table(both.folder) == fresh(both, tmp_path)


def test_another_anion_computes_its_pairs_alone(tmp_path: Path) -> None:
    run_campaign(campaign(tmp_path / "c", "ions: {cations: [Li], anions: [S]}"))
    more = campaign(tmp_path / "c", "ions: {cations: [Li], anions: [S, Cl]}")
    left = jobs_of(more)
    assert left["Li6PS5Cl"] == (("Li",), ("Cl",))
    run_campaign(more)
    assert table(more.folder) == fresh(more, tmp_path)


def exactly(rows: list[Row]) -> list[dict[str, str]]:
    """Rows with every digit, without the timing."""
    return [{key: repr(value) for key, value in row.items() if key != "seconds"} for row in rows]


def test_an_added_ion_computes_its_own_field_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields are counted in this process; every digit is that of an undisturbed run."""
    names = ("Li6PS5Cl", "Li2MgCl4", "NaCl")
    run_campaign(campaign(tmp_path / "c", "ions: {cations: [Li], anions: [S]}", names))
    more = campaign(tmp_path / "c", "ions: {cations: [Li, Na], anions: [S, Cl]}", names)
    computed: list[str] = []
    compute = pairs.mechanism_barriers

    def counted(crystal: Any, ion: Any, options: Any) -> Any:
        computed.append(f"{ion} {options.mechanism}")
        return compute(crystal, ion, options)

    monkeypatch.setattr(pairs, "mechanism_barriers", counted)
    store, _ = Store.open(more.store_at)
    jobs = list(jobs_left(store, int(store.note("plan") or 0), more.options()))
    store.close()
    partly = next(job for job in jobs if job.entry.source_id.startswith("Li6PS5Cl"))
    again = screen_job(partly)
    chloride = ["Cl- empty_lattice", "Cl- vacancy"]
    assert computed == chloride
    whole = screen_job(dataclasses.replace(partly, known={}))
    assert computed == [*chloride, "Li+ empty_lattice", *chloride]
    assert exactly(again.rows) == exactly(whole.rows)
    run_campaign(more)
    assert table(more.folder) == fresh(more, tmp_path)


def test_other_conventions_compute_everything_and_going_back_nothing(tmp_path: Path) -> None:
    first = campaign(tmp_path / "c")
    run_campaign(first)
    before = table(first.folder)
    coarser = campaign(
        tmp_path / "c", "ions: {cations: [Li, Na]}\nbarriers: {spacing_angstrom: 0.5}"
    )
    assert len(jobs_of(coarser)) == len(NAMES) - 1  # CaF2 has no such cation on any grid
    run_campaign(coarser)
    assert table(first.folder) != before
    back = campaign(tmp_path / "c")
    assert run_campaign(back).computed == 0
    assert table(back.folder) == before


def test_sources_are_read_again_when_a_file_changes(tmp_path: Path) -> None:
    asked = campaign(tmp_path / "c")
    run_campaign(asked)
    (asked.folder / "in" / "LiF.cif").unlink()
    shutil.copy(next(p for p in reference_paths() if p.stem == "LiCl"), asked.folder / "in")
    result = run_campaign(asked)
    assert result.computed == 1
    assert table(asked.folder) == fresh(asked, tmp_path)


def test_equal_structures_are_computed_once(tmp_path: Path) -> None:
    asked = campaign(tmp_path)
    for copy in ("a", "b"):
        shutil.copy(asked.folder / "in" / "LiF.cif", asked.folder / "in" / f"LiF_{copy}.cif")
    assert run_campaign(asked).computed == len(NAMES)
    names = [r["source_id"].split("#")[0] for r in table(tmp_path) if r["reduced_formula"] == "LiF"]
    assert names == ["LiF.cif", "LiF_a.cif", "LiF_b.cif"]


def texts(folder: Path, harms: list[str], more: str = "") -> Campaign:
    """A campaign whose structures say what to do to the worker."""
    inputs = folder / "in"
    inputs.mkdir(parents=True)
    for index, harm in enumerate(harms):
        (inputs / f"{index}.vasp").write_text(harm)
    file = folder / "campaign.yaml"
    file.write_text(f"sources:\n  - files: [in]\n{more}\n")
    return load_campaign(file)


@pytest.mark.slow
def test_structures_that_kill_their_worker_are_recorded_and_tried_when_asked(
    tmp_path: Path,
) -> None:
    asked = texts(tmp_path, ["a", "segfault", "b", "memory_error", "c", "hang"])
    asked = asked.model_copy(update={"run": asked.run.model_copy(update={"time_limit_s": 1.0})})
    result = run_campaign(asked, work=work_samples.row_as_told)
    assert (result.computed, result.left) == (6, 0)
    reasons = {r["source_id"]: (r["status"], r["reason"]) for r in table(tmp_path)}
    assert reasons["1.vasp"] == ("failed", "crashed")
    assert reasons["3.vasp"] == ("failed", "out_of_memory")
    assert reasons["5.vasp"] == ("failed", "time_limit")
    assert [status for status, _ in reasons.values()].count("ok") == 3
    rows = campaign_status(asked)["rows"]
    assert rows["failed: crashed"] == 1
    logged = (tmp_path / "campaign.log.jsonl").read_text()
    assert logged.count('"event": "failed"') == 3
    assert run_campaign(asked, work=work_samples.row_tame).computed == 0
    again = run_campaign(asked, work=work_samples.row_tame, retry_failed=True)
    assert again.computed == 3
    assert {r["status"] for r in table(tmp_path)} == {"ok"}


def test_a_stop_saves_and_the_next_run_goes_on(tmp_path: Path) -> None:
    asked = texts(tmp_path, [f"{i}" for i in range(300)])
    stop = threading.Event()
    first = run_campaign(
        asked, work=work_samples.row_tame, stop=stop, on_progress=lambda _: stop.set()
    )
    assert first.left > 0
    assert first.computed + first.left == 300
    assert len(table(tmp_path)) == first.computed
    second = run_campaign(asked, work=work_samples.row_tame)
    assert (second.computed, second.left) == (first.left, 0)
    assert len(table(tmp_path)) == 300


@pytest.mark.slow
def test_a_driver_that_is_killed_loses_nothing_that_was_written(tmp_path: Path) -> None:
    asked = texts(tmp_path, [f"{i}" for i in range(400)], "cluster: {workers: 1}")
    code = (
        "from pathlib import Path; import sys, work_samples\n"
        "from dualion.workflows.campaign.yaml_reader import load_campaign\n"
        "from dualion.workflows.campaign.run import run_campaign\n"
        "run_campaign(load_campaign(Path(sys.argv[1])), work=work_samples.row_slow)\n"
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "campaign.yaml")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    end = time.monotonic() + 300  # a busy machine starts slowly
    try:
        while campaign_status(asked)["done"] < 20 and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    done = campaign_status(asked)["done"]
    assert 20 <= done < 400
    result = run_campaign(asked, work=work_samples.row_tame)
    assert result.computed == 400 - done
    assert len(table(tmp_path)) == 400


def test_the_same_campaign_twice_at_once_is_refused(tmp_path: Path) -> None:
    asked = campaign(tmp_path)
    with folder_lock(tmp_path), pytest.raises(InputError, match="already being run by process"):
        run_campaign(asked)


def test_two_campaigns_in_one_folder_are_refused(tmp_path: Path) -> None:
    run_campaign(texts(tmp_path, ["a"]), work=work_samples.row_tame)
    other = tmp_path / "other.yaml"
    shutil.copy(tmp_path / "campaign.yaml", other)
    with pytest.raises(InputError, match=r"already holds the campaign campaign.yaml"):
        run_campaign(load_campaign(other))


def test_a_missing_path_makes_no_tables(tmp_path: Path) -> None:
    asked = campaign(tmp_path)
    shutil.rmtree(tmp_path / "in")
    with pytest.raises(InputError, match="does not exist"):
        run_campaign(asked)
    assert not (tmp_path / "screened.csv").exists()


def test_a_read_only_store_gives_one_sentence(tmp_path: Path) -> None:
    asked = campaign(tmp_path)
    (tmp_path / "campaign.db").mkdir()
    with pytest.raises(StoreError) as caught:
        run_campaign(asked)
    assert "\n" not in str(caught.value)


def test_a_full_disk_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own bound on the file's size stands in for the disk's end."""
    asked = texts(tmp_path, [f"{i}" for i in range(400)])
    run_campaign(asked, work=work_samples.row_tame, merge_only=True)
    open_store = Store.open

    def bounded(*args: Any, **kwargs: Any) -> tuple[Store, int]:
        from sqlalchemy import event

        store, found = open_store(*args, **kwargs)
        pages = (tmp_path / "campaign.db").stat().st_size // 4096 + 8
        store.engine.dispose()
        event.listen(
            store.engine, "connect", lambda c, _: c.execute(f"PRAGMA max_page_count={pages}")
        )
        return store, found

    with monkeypatch.context() as patch:
        patch.setattr(campaign_run.Store, "open", bounded)
        with pytest.raises(StoreError, match=r"full.*Free some space.*kept"):
            run_campaign(asked, work=work_samples.row_tame)
    done = campaign_status(asked)["done"]
    result = run_campaign(asked, work=work_samples.row_tame)
    assert result.computed == 400 - done
    assert len(table(tmp_path)) == 400


def test_the_plan_is_shown_without_computing(tmp_path: Path) -> None:
    asked = campaign(tmp_path)
    shown = dict(preview(asked))
    assert f"{len(NAMES)} structures" in shown["source"]
    assert "1 rejected (empty)" in shown["source"]
    assert shown["tasks"] == f"{len(NAMES)} different structures, none done"
    assert "this machine" in shown["runs on"]
    assert not (tmp_path / "campaign.db").exists()
