"""Barriers of a run in its table, its store and every export: the same, and ranked by them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dualion.results.columns import NEB
from dualion.results.neb.pair import NebPair
from dualion.results.store import Store, read_neb_pairs
from dualion.results.tables import read_table
from dualion.workflows.cli.main import app
from dualion.workflows.neb.collect import collect_run
from dualion.workflows.neb.pairs import read_pairs

STRUCTURES = (("mp-1", "Cl", 5.13), ("mp-2", "Br", 5.5))


def command(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


def words_of(folder: Path) -> tuple[str, ...]:
    """Two rock salts, so that both pass with a ratio near 1."""
    coords = [0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0]
    coords += [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0.5, 0, 0, 0, 0.5]
    lines = [
        {"material_id": name, "lattice": [a] * 3 + [90] * 3, "species": [["Li", 4], [anion, 4]],
         "coords": coords}
        for name, anion, a in STRUCTURES
    ]  # fmt: skip
    file = folder / "salts.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    out = str(folder / "out")
    return "screen", str(file), "--spacing", "0.4", "--workers", "1", "--output", out


def computed(run: Path, row: dict, barriers: tuple[float, float]) -> NebPair:
    """What ``dualion neb`` leaves of a candidate, one barrier in all dimensionalities."""
    pair = NebPair(
        structure_key=str(row["key"]).split("-")[0],
        cation=str(row["cation"]),
        anion=str(row["anion"]),
        potential="chgnet",
        cation_ev=(barriers[0],) * 3,
        anion_ev=(barriers[1],) * 3,
        hops=2,
        flags=("end_not_converged",),
        pairs_ev={"schottky": 0.2},
    )
    folder = run / "neb" / str(row["source_id"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "neb.json").write_text(json.dumps({"pair": pair.plain()}))
    return pair


@pytest.fixture
def run(tmp_path: Path, shared_workers: None) -> Path:
    command(*words_of(tmp_path))
    return tmp_path / "out"


def test_bands_are_joined_ranked_by_and_joined_again(run: Path) -> None:
    first, second = read_table(run / "candidates.csv")
    assert all(first[column.key] in (None, "") for column in NEB)
    pair = computed(run, first, (1.3, 1.2))
    collected = collect_run(run)
    assert (collected.rows, collected.problems) == (1, [])
    one, other = read_table(run / "candidates.csv")
    assert (one["source_id"], other["source_id"]) == (second["source_id"], first["source_id"])
    assert [row["rank"] for row in (one, other)] == [1, 2]
    assert one["score"] == second["score"]
    assert (other["e3d_anion_neb_ev"], other["ratio_3d_neb"]) == (1.2, round(1.2 / 1.3, 4))
    assert (other["dai_neb"], other["dai"]) == (False, True)
    assert other["e_activation_cation_ev"] == 1.4
    store = Store.read_only(run / "campaign.db")
    assert [one.key for one in read_neb_pairs(store)] == [pair.key]
    store.close()

    before = (run / "candidates.csv").read_bytes()
    assert collect_run(run).rows == 1
    assert (run / "candidates.csv").read_bytes() == before
    command(*words_of(run.parent), "--avoid", "Br")  # the tables are written anew
    kept = [row["source_id"] for row in read_table(run / "candidates.csv")]
    assert kept == ["mp-1"]
    command(*words_of(run.parent))
    again = read_table(run / "candidates.csv")
    neb = [column.key for column in NEB]
    assert [[row[key] for key in neb] for row in again] == [
        [row[key] for key in neb] for row in (one, other)
    ]
    assert [row["score"] for row in again] == pytest.approx(
        [row["score"] for row in (one, other)], abs=2e-6
    )


def test_the_verdict_follows_the_criterion_of_the_run_and_is_shown(run: Path) -> None:
    first, _ = read_table(run / "candidates.csv")
    computed(run, first, (0.5, 0.7))
    collect_run(run)
    sidecar = json.loads((run / "run.json").read_text())
    said = command("show", str(first["source_id"]), str(run))
    assert "by elastic bands with chgnet: passes; with its own vacancies alone: passes" in said
    assert "Li+ 0.600 eV" in said and "0.700" in said and "end not converged" in said
    (shown,) = json.loads(command("show", str(first["source_id"]), str(run), "--json"))
    assert (shown["dai_neb"], shown["e3d_anion_neb_ev"]) == (True, 0.7)

    sidecar["options"]["criterion"]["max_cation_barrier_ev"] = 0.45
    (run / "run.json").write_text(json.dumps(sidecar))
    collect_run(run)
    rows = {row["source_id"]: row for row in read_table(run / "candidates.csv")}
    assert rows[first["source_id"]]["dai_neb"] is False


def test_the_order_follows_the_weights_of_the_run(run: Path) -> None:
    first, second = read_table(run / "candidates.csv")
    computed(run, first, (0.5, 1.2))
    computed(run, second, (0.9, 0.9))
    sidecar = json.loads((run / "run.json").read_text())
    for part, leader in (("cation_moves", first), ("anion_moves", second)):
        sidecar["ranking"] = dict.fromkeys(sidecar["ranking"], 0.0) | {part: 1.0}
        (run / "run.json").write_text(json.dumps(sidecar))
        collect_run(run)
        assert read_table(run / "candidates.csv")[0]["source_id"] == leader["source_id"]


def test_a_damaged_file_is_told_and_keeps_what_the_store_knows(run: Path) -> None:
    first, _ = read_table(run / "candidates.csv")
    computed(run, first, (0.5, 0.7))
    collect_run(run)
    (damaged,) = (run / "neb").glob("*/neb.json")
    for text in ("{", "[]", '{"pair": {}}', json.dumps({"pair": {"structure_key": "a"}})):
        damaged.write_text(text)
        collected = collect_run(run)
        assert collected.rows == 1
        (problem,) = collected.problems
        assert str(damaged) in problem and "dualion neb" in problem


def test_a_folder_without_bands_holds_no_pair(tmp_path: Path) -> None:
    assert read_pairs(tmp_path / "neb") == ([], [])


def test_a_copy_of_the_tables_alone_is_joined_too(run: Path) -> None:
    first, _ = read_table(run / "candidates.csv")
    pair = computed(run, first, (0.5, 0.7))
    (run / "campaign.db").unlink()
    assert collect_run(run).rows == 1
    rows = {row["source_id"]: row for row in read_table(run / "candidates.csv")}
    assert rows[first["source_id"]]["e1d_cation_neb_ev"] == pair.cation_ev[0]
    assert replace(pair, potential="other").key == pair.key
