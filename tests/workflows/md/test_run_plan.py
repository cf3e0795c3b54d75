"""From candidates to runs: cells, filters, refusals, cost; queueing twice; the md block."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
from queue_folders import WELLS, block_of, folder_of, queued, reconcile_runs
from typer.testing import CliRunner

from dualion.results.columns import CANDIDATES, Row
from dualion.results.tables import write_table
from dualion.structures.errors import InputError
from dualion.workflows.cli.main import app
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.enqueue import enqueue_runs
from dualion.workflows.md.plan.run_plan import EngineChecks, estimate, plan_runs
from dualion.workflows.md.plan.selection import select_candidates, select_file
from dualion.workflows.md.plan.speeds import Speeds, measure_force_calls
from dualion.workflows.md.states import RunState
from dualion.workflows.potentials.cards import CARDS
from dualion.workflows.potentials.load import require_elements


def candidate(rank: int, name: str, anion: str, *, bound: bool = False) -> Row:
    return {
        "rank": rank,
        "source": "file",
        "source_id": f"{name}.cif#{name}",
        "reduced_formula": name,
        "cation": "Li+",
        "anion": anion,
        "status": "ok",
        "anion_bound": bound,
        "key": f"{rank:016x}-Li+-{anion}",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What dualion screen leaves, with three candidates of the bundled set."""
    rows = [
        candidate(1, "LiCl", "Cl-", bound=True),
        candidate(2, "LiI", "I-"),
        candidate(3, "LiBr", "Br-"),
    ]
    write_table(tmp_path / "candidates.csv", rows, CANDIDATES)
    sidecar = {"inputs": ["bundled reference set"], "options": {}}
    (tmp_path / "run.json").write_text(json.dumps(sidecar))
    return tmp_path


def names(folder: Path, **changes: object) -> list[str]:
    block = MdBlock.model_validate(changes)
    return [subject.formula for subject in select_candidates(folder, block)[0]]


def test_candidates_are_taken_from_the_top_and_filtered(folder: Path) -> None:
    assert names(folder) == ["LiI", "LiBr"]
    assert names(folder, candidates=1) == ["LiI"]
    assert names(folder, free_anions_only=False) == ["LiCl", "LiI", "LiBr"]
    assert names(folder, anions=["Br"]) == ["LiBr"]
    with pytest.raises(InputError, match="passes the filters"):
        names(folder, anions=["S"])


def test_ids_go_around_the_filters_and_unknown_ones_name_the_closest(folder: Path) -> None:
    (found,), skipped = select_candidates(folder, MdBlock(), ids=["LiCl.cif#LiCl"])  # type: ignore[call-arg]
    assert (found.formula, found.structure_key, skipped) == ("LiCl", f"{1:016x}", [])
    with pytest.raises(InputError, match=r"did you mean 'LiI.cif#LiI'"):
        select_candidates(folder, MdBlock(), ids=["LiI.cif"])  # type: ignore[call-arg]


def test_a_folder_without_candidates_says_so(folder: Path, tmp_path: Path) -> None:
    write_table(folder / "candidates.csv", [], CANDIDATES)
    with pytest.raises(InputError, match="holds no candidate"):
        names(folder)
    with pytest.raises(InputError, match=r"holds no candidates\.csv"):
        MdFolder.open(tmp_path / "nowhere")


def test_each_cell_temperature_and_replica_is_a_run_with_a_seed_of_its_own() -> None:
    block = block_of(
        cells=["perfect", "schottky"], protocol={"temperatures_k": [300.0, 400.0], "replicas": 2}
    )
    runs = plan_runs([select_file("LiI")], block).runs
    assert len({run.spec.key for run in runs}) == len({run.spec.seed for run in runs}) == 8
    assert {run.spec.cell for run in runs} == {"perfect", "schottky_Li1_I1"}
    assert {run.cell.n_atoms for run in runs} == {8, 6}
    assert all(run.spec.charges_e == {"Li": 1.0, "I": -1.0} for run in runs)
    again = plan_runs([select_file("LiI")], block).runs
    assert [run.spec for run in again] == [run.spec for run in runs]
    other = plan_runs([select_file("LiI")], block.model_copy(update={"seed": 2})).runs
    assert not {run.spec.seed for run in other} & {run.spec.seed for run in runs}


def test_a_further_temperature_leaves_the_others_as_they_are() -> None:
    one = plan_runs([select_file("LiI")], block_of(protocol={"temperatures_k": [300.0]})).runs
    two = plan_runs(
        [select_file("LiI")], block_of(protocol={"temperatures_k": [300.0, 400.0]})
    ).runs
    assert one[0].spec == two[0].spec


def test_what_the_engine_or_the_cell_cannot_do_is_left_out_with_the_reason() -> None:
    plan = plan_runs([select_file("LiI")], block_of("no_such_module:Thing"))
    assert not plan.runs and "package that is not installed" in plan.skipped[0].message
    plan = plan_runs([select_file("LiI")], block_of(most_atoms=4))
    assert not plan.runs and "allow more atoms" in plan.skipped[0].message
    with pytest.raises(InputError, match="did you mean 'chgnet'"):
        plan_runs([select_file("LiI")], block_of("chgnett"))


def test_costs_follow_from_steps_and_atoms() -> None:
    runs = plan_runs([select_file("LiI")], block_of(protocol={"budget_ps": 4.0})).runs
    known = Speeds(of_runs={WELLS: 1e-3})
    cost = estimate(runs, speeds=known)
    assert cost.seconds == pytest.approx(200 * 8 * 1e-3)  # 0.4 ps at 2 fs, 8 atoms
    assert estimate(runs, speeds=known, most=True).seconds == pytest.approx(16.0)
    assert cost.sources == ("runs",)
    assert math.isnan(estimate(runs).seconds)  # nobody knows this engine
    assert estimate(runs).sources == ("unknown",)


def test_a_force_call_of_each_cell_is_measured_where_no_run_tells_its_time() -> None:
    """The clock advances by 1 s with each look, so every call takes 1 s and each budget one."""
    block = block_of(cells=["perfect", "schottky"], protocol={"budget_ps": 4.0})
    runs = plan_runs([select_file("LiI")], block).runs
    assert {run.cell.n_atoms for run in runs} == {8, 6}
    checks, ticks = EngineChecks(), itertools.count()

    def measure(**options: Any) -> Speeds:
        clock = lambda: float(next(ticks))  # noqa: E731
        return measure_force_calls(runs, checks.engine, cores=1, clock=clock, **options)

    both = measure(of_runs={}, budget_s=100.0)
    assert sorted(both.of_cells.values()) == [1.0, 1.0]
    assert estimate(runs, speeds=both).seconds == pytest.approx(2 * 200 * 1.0)
    assert estimate(runs, speeds=both).sources == ("force_call",)
    largest = measure(of_runs={}, budget_s=0.5)  # no time for the second cell: scaled by atoms
    assert estimate(runs, speeds=largest).seconds == pytest.approx(200 * (1.0 + 6 / 8))
    told = measure(of_runs={WELLS: 1e-3}, budget_s=100.0)
    assert not told.of_cells and estimate(runs, speeds=told).sources == ("runs",)


def test_where_nothing_can_be_measured_the_card_tells_the_time() -> None:
    runs = plan_runs([select_file("LiI")], block_of("chgnet"), check=lambda *_: None).runs
    cost = estimate(runs)
    assert cost.sources == ("card",)
    steps = sum(run.steps(most=False) for run in runs)
    assert cost.seconds == pytest.approx(CARDS["chgnet"].s_per_atom * 8 * steps)
    cp2k = plan_runs([select_file("LiI")], block_of("cp2k"), check=lambda *_: None).runs
    assert estimate(cp2k).sources == ("card",) and estimate(cp2k).seconds > cost.seconds


def test_several_potentials_run_the_same_cell_with_the_same_seed() -> None:
    block = block_of(potentials=["7net-0", "chgnet"])
    runs = plan_runs([select_file("LiI")], block, check=lambda *_: None).runs
    assert [run.spec.engine for run in runs] == ["7net-0", "chgnet"]
    first, second = (run.spec.model_dump(exclude={"engine"}) for run in runs)
    assert first == second
    assert len({run.spec.key for run in runs}) == len({run.spec.place for run in runs}) == 2
    with pytest.raises(InputError, match="did you mean '7net-0'"):
        plan_runs([select_file("LiI")], block_of(potentials=["7net-O", "chgnet"]))


def test_a_potential_is_not_run_on_elements_that_it_has_not_seen() -> None:
    with pytest.raises(InputError, match="7net-0 was not trained on Po"):
        require_elements("7net-0", ("Li", "Po"))
    require_elements("7net-0", ("Li", "I", "Pu"))
    require_elements("mace", ("Li", "Po"))  # its file decides


def test_an_environment_of_its_own_is_part_of_a_run_and_its_absence_is_not() -> None:
    (run,) = plan_runs([select_file("LiI")], block_of()).runs
    assert run.spec.python is None
    content = run.spec.model_dump(mode="json", exclude={"python"})  # as earlier versions wrote it
    text = json.dumps(content, sort_keys=True)
    assert run.spec.key == hashlib.sha256(text.encode()).hexdigest()[:16]
    other = run.spec.model_copy(update={"python": "/envs/mace/bin/python"})
    assert other.key != run.spec.key
    each = {"mace": "/envs/mace/bin/python"}
    block = block_of(potentials=["chgnet", "mace"], python=each, model_path="m.model")
    found = plan_runs([select_file("LiI")], block, check=lambda *_: None).runs
    assert [one.spec.python for one in found] == [None, each["mace"]]
    assert [bool(one.spec.model_path) for one in found] == [False, True]  # chgnet has its own
    both = block.model_copy(update={"python": "~/bin/python"})
    found = plan_runs([select_file("LiI")], both, check=lambda *_: None).runs
    assert {one.spec.python for one in found} == {str(Path.home() / "bin/python")}


def test_queueing_twice_adds_nothing_and_other_numbers_add_runs(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f")
    assert (queued(folder).added, queued(folder).added) == (1, 0)
    assert queued(folder, protocol={"production_ps": 0.3}).added == 1
    assert len(reconcile_runs(folder)) == 2


def test_a_folder_that_cannot_be_written_leaves_the_run_planned(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f")
    plan = plan_runs([select_file("LiI")], block_of())
    folder.md.write_text("in the way")
    with pytest.raises(InputError, match="Cannot write the run"):
        enqueue_runs(folder, plan)
    with folder.reading() as runs:
        assert [run.state for run in runs.all()] == [RunState.PLANNED]
    folder.md.unlink()
    assert enqueue_runs(folder, plan).known == 1
    assert [one.state for one in reconcile_runs(folder)] == [RunState.PREPARED]


def test_settings_beside_the_candidates_are_read_and_their_faults_name_the_line(
    folder: Path,
) -> None:
    (folder / "md.yaml").write_text("md:\n  engine: cp2k\ncluster:\n  queue: normal\n")
    opened = MdFolder.open(folder)
    assert (opened.block.engine, opened.cluster.queue) == ("cp2k", "normal")
    for key in ("segments", "pieces"):  # the second is the key of earlier versions
        (folder / "md.yaml").write_text(f"md:\n  {key}: 3\n")
        assert MdFolder.open(folder).block.segments == 3
    (folder / "md.yaml").write_text("md:\n  engin: cp2k\n")
    with pytest.raises(InputError, match=r"line 2: unknown key 'engin'; did you mean 'engine'"):
        MdFolder.open(folder)
    (folder / "md.yaml").write_text("md:\n  cells: [perfect, shottky]\n")
    with pytest.raises(InputError, match=r"line 2.*no cell 'shottky'"):
        MdFolder.open(folder)


def cli(*words: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "120"})
    if isinstance(found.exception, InputError):
        return 2, str(found.exception)
    return found.exit_code, found.output


def test_the_command_prints_the_plan_and_writes_it(folder: Path) -> None:
    options = ["--engine", WELLS, "--cells", "perfect", "--temperatures", "300,400"]
    short = ["--production-ps", "0.4", "--budget-ps", "0.4", "--equilibration-ps", "0"]
    asked = ["md", "queue", folder, "--candidates", 1, *options, *short]
    status, said = cli(*asked, "--dry-run")
    assert status == 0 and "Nothing was written" in said and not (folder / "md").exists()
    status, said = cli(*asked)
    assert status == 0 and "Queued 2 runs" in said
    assert "Queued 0 runs" in cli(*asked)[1]
    status, said = cli("md", "status", folder, "--json")
    assert [one["state"] for one in json.loads(said)] == ["prepared", "prepared"]
    assert cli("md", "queue", folder, "--temperatures", "hot")[0] == 2
    assert "temperatures_k" in cli("md", "queue", folder, "--temperatures", "-5")[1]
