"""Which compounds a page opens on, with which words and links."""

from __future__ import annotations

import pytest

from dualion.results.reasons import reasons
from dualion.results.report.picks import PICKED, material_links, picks
from dualion.results.run_folder import identity

ROW = {
    "source": "file", "source_id": "mp-1", "reduced_formula": "Li3YBr6", "cation": "Li+",
    "anion": "Br-", "score_cation_moves": 0.9, "score_anion_moves": 0.8, "score_agreement": 0.9,
    "bound_strength": 0.0, "mechanism_anion": "vacancy", "gii_vu": 0.1, "flags": "",
    "energy_above_hull_ev_atom": 0.01, "band_gap_ev": 4.0, "oxidation_states": "Li+;Br-;Y3+",
}  # fmt: skip


def test_nothing_speaks_against_a_good_candidate() -> None:
    told = reasons(ROW)  # type: ignore[arg-type]
    assert told.against == ()
    assert "Li+ likely moves (probability 0.90)." in told.speaks_for
    assert "Stable: 0.010 eV/atom above the hull." in told.speaks_for


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"score_anion_moves": 0.5}, "Whether Br- moves is open (probability 0.50)."),
        ({"score_anion_moves": 0.2}, "Br- hardly moves (probability 0.20)."),
        ({"score_cation_moves": None}, "Whether Li+ moves is unknown"),
        ({"bound_strength": 0.9}, "Br- is bound in a polyanion"),
        ({"mechanism_anion": "empty_lattice"}, "the empty lattice alone"),
        ({"score_agreement": 0.4}, "The published recipe gives the anion another chance."),
        ({"gii_vu": 0.25}, "global instability index 0.25 v.u."),
        ({"energy_above_hull_ev_atom": None}, "Its stability is unknown"),
        ({"energy_above_hull_ev_atom": 0.05}, "Metastable: 0.050 eV/atom"),
        ({"energy_above_hull_ev_atom": 0.1}, "Unstable: 0.100 eV/atom"),
        ({"band_gap_ev": 1.0}, "Band gap 1.0 eV."),
        ({"oxidation_states": "Li+;Fe2+;Br-"}, "Fe2+ is redox-active: it may pass electrons on."),
        ({"oxidation_states": "Li+;Ti4+;Br-"}, "Ti4+ is redox-active: it may be reduced."),
        ({"ensemble_pass_share": 0.4}, "40% of its ordered configurations pass."),
        ({"anode_reaction_ev_atom": -0.3, "anode_products": "LiBr;Y"}, "to LiBr, Y."),
        ({"md_verdict_anion": "vibrating"}, "Molecular dynamics: Br- is vibrating."),
        ({"flags": "cations_missing"}, "Cations seem to be missing"),
    ],
)
def test_each_doubt_is_told(change: dict[str, object], sentence: str) -> None:
    told = reasons({**ROW, **change})  # type: ignore[arg-type]
    assert [text for text in told.against if sentence in text]


def test_ten_compounds_each_by_its_best_row() -> None:
    rows = [{**ROW, "source_id": f"mp-{i}", "reduced_formula": f"Li{i // 2}X"} for i in range(30)]
    places = {identity(row): i for i, row in enumerate(rows)}  # type: ignore[arg-type]
    found = picks(rows, places)  # type: ignore[arg-type]
    assert [pick["row"] for pick in found] == list(range(0, 2 * PICKED, 2))
    assert {pick["others"] for pick in found} == {1}


def test_links_are_of_material_ids_alone() -> None:
    rows = [
        {"source_id": "mp-12"},
        {"source_id": "mp-12~2"},
        {"source_id": "rows.jsonl#mp-7"},
        {"source_id": "icsd-5", "linked_ids": "x;mp-9"},
        {"source_id": "mp-12/../evil"},
        {"source_id": "smp-3"},
        {"source_id": "agm-4"},
    ]
    assert material_links(rows) == {  # type: ignore[arg-type]
        "mp-12": "mp-12", "mp-12~2": "mp-12", "rows.jsonl#mp-7": "mp-7", "icsd-5": "mp-9"
    }  # fmt: skip
