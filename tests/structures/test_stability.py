"""Reactions with the metal anode, against balances by hand and pymatgen's own interface module."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_servers import MP_KEY, materials_project, mp_document, rock_salt, serving

from dualion.structures.errors import InputError
from dualion.structures.sources import Access, Cache
from dualion.structures.sources.materials_project.phases import stable_phases
from dualion.structures.stability import Phase, anode_reaction, interphase

# Formation energies in eV/atom, rounded; the arithmetic below does not depend on their accuracy.
PHASES = [
    Phase(formula="Li3PS4", formation_energy_ev_atom=-1.0),
    Phase(formula="Li2S", formation_energy_ev_atom=-1.45),
    Phase(formula="Li3P", formation_energy_ev_atom=-0.85),
    Phase(formula="LiI", formation_energy_ev_atom=-1.4),
    Phase(formula="P2S5", formation_energy_ev_atom=-0.3),
    Phase(formula="Na2S", formation_energy_ev_atom=-1.2),
]


def test_thiophosphate_is_reduced_to_sulfide_and_phosphide() -> None:
    """Li3PS4 + 8 Li -> 4 Li2S + Li3P: 16 atoms, (12·(−1.45) + 4·(−0.85) + 8·1.0) / 16 eV."""
    found = anode_reaction("Li3PS4", metal="Li", phases=PHASES)
    assert found.equation == "Li3PS4 + 8 Li -> 4 Li2S + Li3P"
    assert found.products == ("Li2S", "Li3P")
    assert found.metal_per_formula_unit == pytest.approx(8.0)
    assert found.energy_ev_atom == pytest.approx((12 * -1.45 + 4 * -0.85 + 8.0) / 16)
    assert not found.is_stable and found.is_complete


def test_the_energy_of_the_solid_itself_can_be_given() -> None:
    """0.1 eV/atom above the hull on 8 of 16 atoms lowers the reaction energy by 0.05 eV/atom."""
    stable = anode_reaction("Li3PS4", metal="Li", phases=PHASES)
    above = anode_reaction("Li3PS4", metal="Li", phases=PHASES, formation_energy_ev_atom=-0.9)
    assert above.energy_ev_atom - stable.energy_ev_atom == pytest.approx(-0.05)


def test_binary_halide_does_not_react_and_keeps_its_interphase() -> None:
    found = anode_reaction("LiI", metal="Li", phases=PHASES)
    assert found.is_stable and found.energy_ev_atom == 0.0 and found.equation == ""


def test_mixture_of_thiophosphate_and_iodide() -> None:
    """Li3PS4 + LiI is not listed: its hull energy is taken, and LiI stays as it is."""
    found = anode_reaction("Li4PS4I", metal="Li", phases=PHASES)
    assert found.equation == "Li4PS4I + 8 Li -> 4 Li2S + Li3P + LiI"
    solid = (8 * -1.0 + 2 * -1.4) / 10
    products = 12 * -1.45 + 4 * -0.85 + 2 * -1.4
    assert found.energy_ev_atom == pytest.approx((products - 10 * solid) / 18)


@pytest.mark.parametrize("formula", ["Li3PS4", "P2S5", "Li4PS4I", "Li7PS6", "PI3"])
def test_agrees_with_pymatgens_interfacial_reactivity(formula: str) -> None:
    from pymatgen.analysis.interface_reactions import InterfacialReactivity
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition

    symbols = {kind.symbol for kind in Composition(formula)} | {"Li"}
    entries = [PDEntry(Composition(symbol), 0.0) for symbol in symbols]
    for phase in PHASES:
        composition = Composition(phase.formula)
        if {kind.symbol for kind in composition} <= symbols:
            energy = phase.formation_energy_ev_atom * composition.num_atoms
            entries.append(PDEntry(composition, energy))
    peer = InterfacialReactivity(
        Composition(formula), Composition("Li"), PhaseDiagram(entries), use_hull_energy=True
    )
    found = anode_reaction(formula, metal="Li", phases=PHASES)
    fraction, energy = peer.minimum
    assert found.energy_ev_atom == pytest.approx(energy, abs=1e-6)
    atoms = Composition(formula).reduced_composition.num_atoms
    share = atoms / (atoms + found.metal_per_formula_unit)  # the peer counts atoms of the solid
    assert share == pytest.approx(fraction, abs=1e-6)


def test_other_metals_and_missing_energies() -> None:
    sodium = anode_reaction("Li2S", metal="Na", phases=PHASES)
    assert sodium.is_stable  # Li2S lies deeper than Na2S
    assert not anode_reaction("K2Te", metal="K", phases=PHASES).is_complete
    with pytest.raises(InputError, match="no chemical element"):
        anode_reaction("Li2S", metal="Xx", phases=PHASES)
    with pytest.raises(InputError, match="no chemical formula"):
        anode_reaction("not a formula!", metal="Li", phases=PHASES)


@pytest.mark.parametrize(
    ("metal", "anion", "formula"),
    [("Li", "I-", "LiI"), ("Li", "S2-", "Li2S"), ("Na", "N", "Na3N"), ("Mg", "N3-", "Mg3N2")],
)
def test_interphase_is_charge_balanced(metal: str, anion: str, formula: str) -> None:
    assert interphase(metal, anion).formula == formula


def test_interphases_of_lithium_have_bundled_structures() -> None:
    for anion in ("F", "Cl", "Br", "I", "O", "S"):
        reference = interphase("Li", anion).reference
        assert reference is not None and reference.is_file()
    assert interphase("Mg", "N").reference is None
    with pytest.raises(InputError, match="is not known"):
        interphase("Li", "Xe")


def test_phases_come_from_the_materials_project_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MP_API_KEY", MP_KEY)
    documents = {
        "mp-1": mp_document("mp-1", rock_salt(), formation_energy_per_atom=-1.4),
        "mp-2": mp_document("mp-2", rock_salt(anion="Cl")),
    }
    with serving(materials_project(documents)) as server:
        for _ in range(2):
            access = Access(cache=Cache(tmp_path))
            phases = stable_phases({"Li", "I", "S"}, access=access, endpoint=server.url)
        assert server.count("summary") == 1
        (request,) = (r for r in server.requests if "summary" in r.path)
    assert request.first("chemsys") == "I-Li,I-S,Li-S,I-Li-S"
    assert request.first("is_stable").lower() == "true"
    assert phases == [Phase(formula="LiI", formation_energy_ev_atom=-1.4)]
