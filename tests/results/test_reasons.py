"""What speaks for a candidate and against it, on both sides of each threshold."""

from __future__ import annotations

import math

import pytest

from dualion.results.reasons import reasons
from dualion.results.vocabulary import FLAGS

MEANING = {term.name: term.meaning for term in FLAGS}
BASE = {"cation": "Li+", "anion": "I-", "mechanism_anion": "vacancy"}


def told(**row: object) -> list[tuple[bool, str]]:
    """Sentences that a bare row does not have already."""

    def every(given: dict[str, object]) -> list[tuple[bool, str]]:
        found = reasons(given)
        return [(True, t) for t in found.speaks_for] + [(False, t) for t in found.against]

    bare = every(BASE)
    return [sentence for sentence in every(BASE | row) if sentence not in bare]


@pytest.mark.parametrize(
    ("probability", "speaks_for", "text"),
    [
        (0.7, True, "I- likely moves (probability 0.70)."),
        (0.699, False, "Whether I- moves is open (probability 0.70)."),
        (0.3, False, "Whether I- moves is open (probability 0.30)."),
        (0.299, False, "I- hardly moves (probability 0.30)."),
    ],
)
def test_motion(probability: float, speaks_for: bool, text: str) -> None:
    assert (speaks_for, text) in told(score_anion_moves=probability)
    other = text.replace("I-", "Li+")
    assert (speaks_for, other) in told(score_cation_moves=probability)
    unknown = "Whether cation moves is unknown: no calibration covers its barrier."
    assert unknown in reasons({}).against


@pytest.mark.parametrize(
    ("strength", "found"),
    [
        (0.5, [(False, "I- is bound in a polyanion: it may turn with it, not leave it.")]),
        (0.499, []),
        (0.1, []),
        (0.099, [(True, "I- is free: it is no ligand of a polyanion.")]),
        (None, []),
    ],
)
def test_bonds(strength: float | None, found: list[tuple[bool, str]]) -> None:
    assert told(bound_strength=strength) == found
    nameless = reasons({"bound_strength": 0.0}).speaks_for
    assert "The anion is free: it is no ligand of a polyanion." in nameless


@pytest.mark.parametrize(
    ("agreement", "found"),
    [
        (0.7, [(True, "The published recipe gives the anion much the same chance.")]),
        (0.699, [(False, "The published recipe gives the anion another chance.")]),
        (None, []),
    ],
)
def test_the_published_recipe(agreement: float | None, found: list[tuple[bool, str]]) -> None:
    assert told(score_agreement=agreement) == found
    empty = told(score_agreement=agreement, mechanism_anion="empty_lattice")
    assert empty == [
        (False, "The anion's barrier is that of the empty lattice alone, the weakest evidence.")
    ]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"gii_vu": 0.2}, (True, "Its bonds are sound: global instability index 0.20 v.u.")),
        ({"gii_vu": 0.201}, (False, "Its bonds are strained: global instability index 0.20 v.u.")),
        ({"ensemble_pass_share": 0.7}, (True, "70% of its ordered configurations pass.")),
        ({"ensemble_pass_share": 0.69}, (False, "69% of its ordered configurations pass.")),
        ({"energy_above_hull_ev_atom": 0.025}, (True, "Stable: 0.025 eV/atom above the hull.")),
        ({"energy_above_hull_ev_atom": -0.01}, (True, "Stable: 0.000 eV/atom above the hull.")),
        ({"energy_above_hull_ev_atom": 0.026},
         (False, "Metastable: 0.026 eV/atom above the hull.")),
        ({"energy_above_hull_ev_atom": 0.099},
         (False, "Metastable: 0.099 eV/atom above the hull.")),
        ({"energy_above_hull_ev_atom": 0.1}, (False, "Unstable: 0.100 eV/atom above the hull.")),
        ({"band_gap_ev": 3.0}, (True, "Band gap 3.0 eV.")),
        ({"band_gap_ev": 2.9}, (False, "Band gap 2.9 eV.")),
        ({"anode_reaction_ev_atom": 0.0}, (True, "It does not react with the metal anode.")),
        ({"anode_reaction_ev_atom": -0.5, "anode_products": "LiI;Li3P"},
         (False, "It reacts with the metal anode (-0.50 eV/atom) to LiI, Li3P.")),
        ({"oxidation_states": "Li+;Ti4+;O2-"},
         (False, "Ti4+ is redox-active: it may be reduced.")),
        ({"oxidation_states": "Li+;Fe2+;O2-"},
         (False, "Fe2+ is redox-active: it may pass electrons on.")),
        ({"md_verdict_anion": "diffusing"}, (True, "Molecular dynamics: I- is diffusing.")),
        ({"md_verdict_cation": "not_resolved"},
         (False, "Molecular dynamics: Li+ is not resolved.")),
        ({"flags": "anion_bound;ratio_forced_by_symmetry"},
         (False, MEANING["ratio_forced_by_symmetry"])),
        ({"flags": "estimated_parameters"}, (False, MEANING["estimated_parameters"])),
    ],
)  # fmt: skip
def test_each_rule_tells_its_own_sentence_alone(row, found) -> None:
    assert told(**row) == [found]


def test_what_is_unknown_speaks_against_once_and_the_rest_keeps_silent() -> None:
    bare = reasons(BASE)
    assert bare.speaks_for == ()
    assert bare.against == (
        "Whether Li+ moves is unknown: no calibration covers its barrier.",
        "Whether I- moves is unknown: no calibration covers its barrier.",
        "Its stability is unknown: no energy above the hull was given.",
    )
    assert told(gii_vu=math.nan, anode_reaction_ev_atom=None, md_verdict_anion="") == []
    assert told(oxidation_states="Li+;P5+;S2-", flags="anion_bound") == []
