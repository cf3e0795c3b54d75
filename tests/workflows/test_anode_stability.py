"""Columns of the reaction with the anode and of the interphase."""

from __future__ import annotations

import pytest

from screening.pairs import ScreenOptions, screen
from structures.files import parse_entry, reference_paths
from structures.records import RawEntry
from structures.stability import Phase
from workflows.anode_stability import COLUMN_MEANINGS, anode_columns, interphase_barriers

PHASES = [
    Phase(formula="Li3PS4", formation_energy_ev_atom=-1.0),
    Phase(formula="Li2S", formation_energy_ev_atom=-1.45),
    Phase(formula="Li3P", formation_energy_ev_atom=-0.85),
]


def test_columns_of_a_thiophosphate() -> None:
    columns = anode_columns("Li3PS4", metal="Li", anion="S", phases=PHASES, options=ScreenOptions())
    assert set(columns) == set(COLUMN_MEANINGS)
    assert columns["anode_products"] == "Li2S; Li3P"
    assert columns["anode_reaction_ev_atom"] == pytest.approx(-0.8)
    assert columns["interphase"] == "Li2S"
    assert 0.0 < columns["interphase_e3d_cation_ev"] < columns["interphase_e3d_anion_ev"]  # type: ignore[operator]


def test_interphase_barriers_are_those_of_the_bundled_structure() -> None:
    (path,) = (path for path in reference_paths() if path.stem == "LiI")
    entry = RawEntry(source="file", source_id="LiI", format="cif", text=path.read_text())
    pair = screen(parse_entry(entry).structure, "Li").pairs[0]
    found = interphase_barriers("Li", "I", ScreenOptions())
    assert found.cation_ev == pytest.approx(pair.cation.barriers_ev[2], abs=1e-9)
    assert found.anion_ev == pytest.approx(pair.anion.barriers_ev[2], abs=1e-9)


def test_what_is_not_known_is_empty() -> None:
    columns = anode_columns("MgO", metal="Mg", anion="N", phases=[], options=ScreenOptions())
    assert columns["anode_reaction_ev_atom"] is None and columns["anode_products"] is None
    assert columns["interphase"] == "Mg3N2" and columns["interphase_e3d_anion_ev"] is None
