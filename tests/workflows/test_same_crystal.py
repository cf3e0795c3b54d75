"""Tables, report pages, paths, doping and MD runs are of the same crystal."""

from __future__ import annotations

import ast
import dataclasses
import gzip
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.ranking import rank_candidates
from dualion.results.report import candidate as page
from dualion.results.report.candidate import HOPS_DECIDE, DetailOptions, candidate_detail
from dualion.results.tables import write_table
from dualion.screening.percolation import pathways
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import StructureError
from dualion.structures.files import iter_raw_entries
from dualion.workflows.campaign import tasks
from dualion.workflows.campaign.anode_stability import interphase_barriers
from dualion.workflows.campaign.tasks import Job, screen_job
from dualion.workflows.cli.dope import command as dope_command
from dualion.workflows.cli.path import command as path_command
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.selection import select_candidates, select_file

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data" / "mp_li.jsonl.gz"
ROWS = 200
ROOMS = ("structures", "screening", "results", "workflows")

CHLORIDE = {
    "material_id": "chloride",
    "formula": "Li4Cl3",
    "nsites": 7,
    "lattice": [5.2, 5.2, 5.2, 90.0, 90.0, 90.0],
    "species": [["Li", 4], ["Cl", 3]],
    "coords": [0, 0, 0, 0.5, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0.5, 0, 0.5, 0],
    "e_above_hull": 0.0,
}
"""Rock salt with a chlorine missing. A computed cell has all its atoms, so that the anions take the
surplus electron (-4/3 each); in a cell of unknown origin a quarter of the Li is taken away."""


@pytest.fixture
def crystals(monkeypatch):
    """The crystals that each part would compute with, by its name; none of them computes."""
    found: dict[str, list] = {"table": [], "page": [], "path": []}

    def recorder(name):
        def record(crystal, *_, **__):
            found[name].append(crystal)
            raise StructureError("recorded", reason="recorded")

        return record

    monkeypatch.setattr(tasks, "screen_crystal", recorder("table"))
    monkeypatch.setattr(page, "map_ion", recorder("page"))
    monkeypatch.setattr(pathways, "map_ion", recorder("path"))
    return found


def assert_same_crystal(one, other):
    for name in ("cell", "frac", "numbers", "charges", "occupancies"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.flags, one.note) == (other.flags, other.note)
    assert one.oxidation_method == other.oxidation_method


def write_inputs(folder, rows):
    """One file of the rows, and its entries."""
    inputs = folder / "rows.jsonl"
    inputs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return inputs, list(iter_raw_entries([inputs]))


def write_run(folder, inputs, names, *, options):
    """A run's folder in which every structure is a candidate."""
    row = {"source": "file", "cation": "Li+", "anion": "Cl-", "status": "ok", "dai": True}
    row |= {"reduced_formula": "X", "e3d_cation_ev": 0.3, "e3d_anion_ev": 0.3, "ratio_3d": 1.0}
    rows = [row | {"source_id": name, "key": f"{n:016x}-Li+-Cl-"} for n, name in enumerate(names)]
    write_table(folder / "screened.csv", rows, SCREENED)
    write_table(folder / "candidates.csv", rank_candidates(rows), CANDIDATES)
    sidecar = {"inputs": [str(inputs)], "options": options}
    (folder / "run.json").write_text(json.dumps(sidecar))


def call_path(*words):
    app = typer.Typer()
    path_command.register(app)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["path", *map(str, words)])


def check_all_parts(folder, rows, crystals):
    """Send every row through each part; how many structures could be prepared."""
    inputs, entries = write_inputs(folder, rows)
    names = []
    for index, entry in enumerate(entries):
        before = len(crystals["table"])
        screen_job(Job(index=index, entry=entry, options=ScreenOptions()))
        if len(crystals["table"]) > before:
            names.append(entry.source_id)
    by_name = dict(zip(names, crystals["table"], strict=True))
    write_run(folder, inputs, names, options={"strict": False})
    options = DetailOptions(barriers=ScreenOptions().barriers, criterion=ScreenOptions().criterion)
    for entry in entries:
        if entry.source_id not in by_name:
            continue
        own = by_name[entry.source_id]
        with pytest.raises(StructureError, match="recorded"):
            candidate_detail({"cation": "Li+", "anion": "Cl-"}, entry, options)
        host, *_ = dope_command._load_host(f"{inputs}#{entry.source_id}", None)
        call_path(f"{inputs}#{entry.source_id}", "--ion", "Li")
        for other in (crystals["page"].pop(), host, crystals["path"].pop()):
            assert_same_crystal(own, other)
    subjects, skipped = select_candidates(folder, MdBlock(), ids=names)
    assert not skipped
    for subject in subjects:
        assert_same_crystal(by_name[subject.source_id], subject.crystal)
    return len(names)


def test_every_part_prepares_the_crystal_of_the_table(tmp_path, crystals):
    assert check_all_parts(tmp_path, [CHLORIDE], crystals) == 1
    assert crystals["table"][0].charges.min() == pytest.approx(-4 / 3)


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="the Materials Project rows are not here")
def test_every_part_prepares_the_crystals_of_many_computed_cells(tmp_path, crystals):
    with gzip.open(SHARED, "rt", encoding="utf-8") as handle:
        chosen = [json.loads(line) for line in itertools.islice(handle, 0, None, 15_793 // ROWS)]
    rows = [row | {"e_above_hull": 0.01} for row in chosen if row["nsites"] <= 60][:ROWS]
    assert check_all_parts(tmp_path, rows, crystals) > 0.9 * len(rows)


def test_the_page_finds_the_barriers_of_the_table(tmp_path):
    """The page computes them anew; it complains where they differ by more than 0.011 eV."""
    _, (entry,) = write_inputs(tmp_path, [CHLORIDE])
    asked = ScreenOptions()
    (row,) = screen_job(Job(index=0, entry=entry, options=asked)).rows
    assert row["anion"] == "Cl1.3-"  # a label rounds the charge of -4/3, which the page must not
    options = DetailOptions(barriers=asked.barriers, criterion=asked.criterion, sensitivity=False)
    # the page says whose paths it shows, and nothing of other numbers
    assert candidate_detail(row, entry, options).content["notes"] == [HOPS_DECIDE]


def test_a_strict_run_is_strict_on_its_pages_and_paths(tmp_path):
    inputs, (entry,) = write_inputs(tmp_path, [CHLORIDE])
    asked = ScreenOptions(strict=True)
    (row,) = screen_job(Job(index=0, entry=entry, options=asked)).rows
    assert (row["status"], row["reason"]) == ("rejected", "occupancies_lost")
    options = DetailOptions(barriers=asked.barriers, criterion=asked.criterion, strict=True)
    with pytest.raises(StructureError) as refused:
        candidate_detail(row | {"anion": "Cl-", "cation": "Li+"}, entry, options)
    assert refused.value.reason == "occupancies_lost"
    write_run(tmp_path, inputs, [entry.source_id], options=dataclasses.asdict(asked))
    _, skipped = select_candidates(tmp_path, MdBlock(), ids=[entry.source_id])
    assert len(skipped) == 1
    refused_path = call_path(entry.source_id, "--run", tmp_path, "--ion", "Li").exception
    assert isinstance(refused_path, StructureError)
    assert refused_path.reason == "occupancies_lost"


def test_a_structure_without_a_run_is_prepared_as_a_screening_does(tmp_path):
    inputs, _ = write_inputs(tmp_path, [CHLORIDE])
    subject = select_file(f"{inputs}#chloride")
    assert subject.crystal.charges.min() == pytest.approx(-4 / 3)
    assert subject.anion == "Cl1.3-"


def test_interphases_have_the_barriers_of_the_bundled_structure():
    from dualion.structures.files import reference_paths

    path = next(path for path in reference_paths() if path.stem == "LiI")
    (entry,) = iter_raw_entries([path])
    options = ScreenOptions(anions=("S",))
    (row,) = screen_job(Job(index=0, entry=entry, options=ScreenOptions())).rows
    found = interphase_barriers("Li", "I", options)
    assert (found.cation_ev, found.anion_ev) == (row["e3d_cation_ev"], row["e3d_anion_ev"])


def test_nothing_else_parses_and_prepares():
    """``prepare`` is called by ``structures/entry.py``, and where there is no entry.

    That is by ``screen`` and ``paths`` for a bare structure, and for the frames of a trajectory.
    """
    callers = set()
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == (
                "dualion.structures.preparation"
            ):
                names = {alias.name for alias in node.names}
                callers |= {str(path.relative_to(ROOT))} if "prepare" in names else set()
    assert callers == {
        "structures/entry.py",
        "screening/screen.py",
        "screening/transport/motion/bonding.py",
        "workflows/library.py",
    }
