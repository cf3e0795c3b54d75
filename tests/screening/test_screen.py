"""``screen`` on structures whose chemistry is known: pairs, flags, failures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from dualion.screening import screen as screen_module
from dualion.screening.barrier_types import IonBarriers, KnownBarriers
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.ions import MobileIon
from dualion.screening.screen import screen, screen_crystal
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import InputError, UnpreparableStructureError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare


def structure_of(name: str) -> Structure:
    path = next(path for path in reference_paths() if path.stem == name)
    return next(iter(read_structures([path]))).structure


def test_only_rock_salt_like_ratios_are_forced():
    assert "ratio_forced_by_symmetry" in screen(structure_of("LiBr")).pairs[0].flags
    assert "ratio_forced_by_symmetry" not in screen(structure_of("Li2O")).pairs[0].flags
    assert "ratio_forced_by_symmetry" not in screen(structure_of("Li3OCl")).pairs[0].flags


def test_every_anion_is_judged_and_none_twice():
    pairs = screen(structure_of("Li3OCl")).pairs
    assert [str(pair.anion.ion) for pair in pairs] == ["O2-", "Cl-"]


def test_chosen_anion_only():
    pairs = screen(structure_of("Li3OCl"), anions=["Cl"]).pairs
    assert [str(pair.anion.ion) for pair in pairs] == ["Cl-"]


def test_several_cations():
    cell = Structure(
        Lattice.cubic(4.2), ["Li", "Na", "O"], [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0.5]]
    )
    pairs = screen(cell, options=ScreenOptions(cations=("Li", "Na", "K"))).pairs
    assert [str(pair.cation.ion) for pair in pairs] == ["Li+", "Na+"]
    assert pairs[0].anion == pairs[1].anion


def test_ase_atoms_give_the_same_as_pymatgen():
    structure = structure_of("LiAlCl4")
    structure.remove_oxidation_states()
    atoms = AseAtomsAdaptor.get_atoms(structure)
    from_atoms, from_structure = screen(atoms).pairs[0], screen(structure).pairs[0]
    assert from_atoms.cation.barriers_ev == pytest.approx(from_structure.cation.barriers_ev)


def test_disorder_is_flagged():
    flags = screen(structure_of("Li10GeP2S12")).pairs[0].flags
    assert "weighted_occupancies" in flags


@pytest.mark.slow
def test_bvlain_engine_gives_the_same_verdict():
    from dualion.screening.barrier_types import BarrierOptions

    structure = structure_of("Li3OCl")
    options = ScreenOptions(
        barriers=BarrierOptions(engine="bvlain"), deciding_anion=None, judged="grid"
    )
    peer = screen(structure, options=options)
    ours = screen(structure)
    for theirs, native in zip(peer.pairs, ours.pairs, strict=True):
        assert theirs.verdict.dai == native.verdict.dai
        assert theirs.cation.barriers_ev == pytest.approx(native.cation.barriers_ev, abs=0.06)


def test_missing_cation_says_what_is_there():
    with pytest.raises(UnpreparableStructureError, match=r"no cation Na.*Li.*--cation"):
        screen(structure_of("LiCl"), "Na")


def test_missing_anion_says_what_is_there():
    with pytest.raises(UnpreparableStructureError, match=r"no anion Br.*Cl"):
        screen(structure_of("LiCl"), anions=["Br"])


def test_unknown_element_is_an_input_error():
    with pytest.raises(InputError, match="no chemical element"):
        screen(structure_of("LiCl"), "Xx")


def test_field_of_an_ion_is_computed_once(monkeypatch):
    from dualion.screening import screen as pairs

    seen = []
    original = pairs.mechanism_barriers
    monkeypatch.setattr(
        pairs,
        "mechanism_barriers",
        lambda c, ion, o: seen.append(f"{ion} {o.mechanism}") or original(c, ion, o),
    )
    screen(structure_of("Li3OCl"), options=ScreenOptions(cations=("Li", "Na")))
    fields = [f"{ion} empty_lattice" for ion in ("Cl-", "Li+", "O2-")]
    assert sorted(seen) == sorted([*fields, "Cl- vacancy", "O2- vacancy"])


def test_the_deciding_mechanism_stands_beside_the_published_recipe():
    structure = structure_of("Li3OCl")
    published = screen(structure, options=ScreenOptions.of_preset("bvlain"))
    both = screen(structure)
    for alone, pair in zip(published.pairs, both.pairs, strict=True):
        assert alone.anion is alone.published_anion
        assert alone.anion.mechanism == alone.cation.mechanism == "empty_lattice"
        assert pair.published_anion == alone.anion
        assert pair.published_verdict == alone.verdict
        assert pair.anion.mechanism == "vacancy"
        assert pair.cation_ev == pair.cation.refined_ev
        expected = pair.anion.barriers_ev[2] / pair.cation.refined_ev[2]
        assert pair.verdict.ratios[2] == pytest.approx(expected)


def test_known_barriers_of_a_deciding_mechanism_are_not_computed_again():
    options = ScreenOptions()
    crystal = prepare(structure_of("LiCl"))
    computed = screen_crystal(crystal, options).pairs[0]
    known = {
        str(found.ion) + ("" if found.mechanism == "empty_lattice" else f" {found.mechanism}"):
        KnownBarriers(
            barriers_ev=found.barriers_ev,
            from_region_ev=found.from_region_ev,
            refined_ev=found.refined_ev,
            rigid_ev=found.rigid_ev,
        )
        for found in (computed.cation, computed.published_anion, computed.anion)
    }  # fmt: skip
    assert sorted(known) == ["Cl-", "Cl- vacancy", "Li+"]
    recalled = screen_crystal(crystal, options, known=known).pairs[0]
    assert recalled.anion == computed.anion
    assert recalled.verdict == computed.verdict


def test_memory_of_a_large_cell_stays_small():
    """A 400-ion cell: grid, tables and union–find stay far under 500 MB."""
    import tracemalloc

    from dualion.screening.barrier_types import BarrierOptions
    from dualion.screening.barriers import native_barriers
    from dualion.structures.crystal import IonicCrystal

    small = prepare(structure_of("LiCl"))
    repeat = np.array([3, 4, 4])
    images = np.array(list(np.ndindex(*repeat)))
    names = ("numbers", "charges", "occupancies")
    large = IonicCrystal(
        cell=small.cell * repeat[:, None],
        frac=(small.frac[None] + images[:, None]).reshape(-1, 3) / repeat,
        **{n: np.tile(getattr(small, n), len(images)) for n in names},
    )
    assert len(large.numbers) == 384
    native_barriers(small, MobileIon(3, 1.0), BarrierOptions())  # compile outside the count
    tracemalloc.start()
    native_barriers(large, MobileIon(3, 1.0), BarrierOptions())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150e6


def barriers_of(ion: MobileIon, energy_ev: float, quality=ParameterQuality.TABULATED, refined=None):
    triple = (energy_ev,) * 3
    return IonBarriers(
        ion=ion,
        barriers_ev=triple,
        from_region_ev=triple,
        refined_ev=triple if refined is None else (refined,) * 3,
        quality=quality,
        shape=(4, 4, 4),
    )


def flags_of(
    monkeypatch,
    crystal,
    *,
    bound=0.0,
    quality=ParameterQuality.TABULATED,
    refined=None,
    options=None,
):
    """Flags of the first pair of a crystal whose barriers are 0.4 eV for every ion."""
    monkeypatch.setattr(screen_module, "bound_fraction", lambda *_: bound)
    monkeypatch.setattr(
        screen_module,
        "mechanism_barriers",
        lambda _, ion, __: barriers_of(
            ion,
            0.4,
            quality if ion.charge < 0 else ParameterQuality.TABULATED,
            refined if ion.charge < 0 else None,
        ),
    )
    return screen_module.screen_crystal(
        crystal, options or ScreenOptions.of_preset("bvlain")
    ).pairs[0]


@pytest.mark.parametrize(
    ("share", "flag"),
    [
        (0.0, None),
        (0.01, "anion_partly_bound"),
        (0.499, "anion_partly_bound"),
        (0.5, "anion_bound"),
        (1.0, "anion_bound"),
    ],
)
def test_bound_anions_are_flagged_by_their_share(monkeypatch, triclinic, share, flag):
    pair = flags_of(monkeypatch, triclinic, bound=share)
    assert set(pair.flags) & {"anion_bound", "anion_partly_bound"} == ({flag} if flag else set())
    assert pair.anion_bound is (share >= 0.5)
    assert pair.bound_fraction == share


@pytest.mark.parametrize(
    ("quality", "flag"),
    [
        (ParameterQuality.TABULATED, None),
        (ParameterQuality.NEAREST_STATE, "nearest_state_parameters"),
        (ParameterQuality.ESTIMATED, "estimated_parameters"),
    ],
)
def test_the_worse_of_both_ions_parameters_is_flagged(monkeypatch, triclinic, quality, flag):
    flags = flags_of(monkeypatch, triclinic, quality=quality).flags
    found = {name for name in flags if name.endswith("_parameters")}
    assert found == ({flag} if flag else set())


@pytest.mark.parametrize(("refined", "flagged"), [(0.59, False), (0.61, True)])
def test_refined_barriers_that_judge_otherwise_are_flagged(
    monkeypatch, triclinic, refined, flagged
):
    """1.5 times the cation's 0.4 eV is 0.6 eV."""
    flags = flags_of(monkeypatch, triclinic, refined=refined).flags
    assert ("grid_error_decides" in flags) is flagged


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"occupancies": np.array([1.0, 1.0, 1.0, 0.5, 0.6, 0.4])}, "weighted_occupancies"),
        ({"oxidation_method": "composition"}, "oxidation_states_guessed"),
        ({"charges": np.array([1.0, 3.0, 1.0, -2.0, -1.0, -1.0])}, "anion_element_also_cation"),
        ({"flags": ("of_the_crystal",)}, "of_the_crystal"),
    ],
)
def test_flags_of_the_crystal_are_there_only_where_it_has_the_cause(
    monkeypatch, triclinic, change, flag
):
    plain = replace(triclinic, occupancies=np.ones(6), oxidation_method="given")
    assert flag not in flags_of(monkeypatch, plain).flags
    assert flag in flags_of(monkeypatch, replace(plain, **change)).flags


def test_a_guest_that_is_no_anion_is_refused_at_once():
    with pytest.raises(InputError):
        ScreenOptions(guests=("Xx",))
    with pytest.raises(InputError):
        ScreenOptions(guests=("S2-", "S-"))  # one element, two charges
    assert ScreenOptions(guests=("I", "I-")).guest_anions == (MobileIon(53, -1.0),)


def test_a_neutral_element_is_no_cation(triclinic):
    """Lithium without a charge, of a metal: named as a cation it is not one."""
    metal = replace(triclinic, charges=np.array([0.0, 3.0, -2.0, -2.0, -1.0, -1.0]))
    with pytest.raises(UnpreparableStructureError, match="no cation Li") as refused:
        screen_module.screen_crystal(metal, ScreenOptions())
    assert refused.value.reason == "no_cation"


@pytest.mark.parametrize(("reason", "falls_back"), [("cell_too_large", True), ("other", False)])
def test_only_a_cell_too_large_for_hops_is_judged_by_the_published_recipe(
    monkeypatch, triclinic, reason, falls_back
):
    def mechanism(_, ion, options):
        if options.mechanism == "vacancy":
            raise UnpreparableStructureError("Not so.", reason=reason)
        return barriers_of(ion, 0.4)

    monkeypatch.setattr(screen_module, "mechanism_barriers", mechanism)
    result = screen_module.screen_crystal(triclinic, ScreenOptions())
    if falls_back:
        pair = result.pairs[0]
        assert pair.anion is pair.published_anion
        assert pair.anion_ev == (0.4, 0.4, 0.4)
    else:
        failure = result.failures[0]
        assert result.pairs == ()
        assert (failure.reason, failure.message) == ("other", "Not so.")
        assert failure.published_anion == barriers_of(failure.anion, 0.4)


def test_neutral_atoms_are_not_told_as_cations(triclinic):
    """Of neutral lithium and Al³⁺ the latter alone can be chosen."""
    metal = replace(triclinic, charges=np.array([0.0, 3.0, -2.0, -2.0, -1.0, -1.0]))
    with pytest.raises(UnpreparableStructureError, match=r"its cations: Al\. Choose"):
        screen_module.screen_crystal(metal, ScreenOptions())


def test_a_neutral_site_of_the_anion_is_no_cation(monkeypatch, triclinic):
    """The middle of a chain of an anion's atoms has no charge."""
    neutral = replace(triclinic, charges=np.array([1.0, 3.0, 0.0, -2.0, -1.0, -1.0]))
    assert "anion_element_also_cation" not in flags_of(monkeypatch, neutral).flags


@pytest.mark.parametrize(
    ("disorder", "ev", "disordered", "drawn"),
    [
        ("shortlist", 0.4, True, True),
        ("shortlist", 1.6, True, False),  # hopeless
        ("ensemble", 1.6, True, True),
        ("weighted", 0.4, True, False),
        ("ensemble", 0.4, False, False),
    ],
)
def test_which_pairs_are_drawn_as_ordered_configurations(
    monkeypatch, triclinic, disorder, ev, disordered, drawn
):
    """Cations by the published recipe, anions by the mechanism that decides."""
    asked = []

    def ensemble(_, ions, *, judged):
        asked.append((dict(ions), judged))
        return {ion: np.full((2, 3), 0.4) for ion in ions}

    monkeypatch.setattr(
        screen_module, "mechanism_barriers", lambda _, ion, __: barriers_of(ion, ev)
    )
    monkeypatch.setattr(screen_module, "ensemble_barriers", ensemble)
    options = replace(ScreenOptions(), disorder=disorder)
    crystal = triclinic if disordered else replace(triclinic, occupancies=np.ones(6))
    pairs = screen_module.screen_crystal(crystal, options).pairs
    assert len(pairs) == 3
    assert {pair.ensemble is not None for pair in pairs} == {drawn}
    assert len(asked) == int(drawn)
    for ions, judged in asked:
        assert judged == options.judged
        assert ions == {
            **{pair.cation.ion: options.barriers for pair in pairs},
            **{pair.anion.ion: options.deciding_anion for pair in pairs},
        }
    for pair in pairs:
        assert ("disorder_decides" in pair.flags) is (drawn and not pair.verdict.dai)


def test_no_configurations_leave_the_pairs_as_they_are(monkeypatch, triclinic):
    """Nothing is drawn of too large a crystal; a pair without a common one has no ensemble."""
    monkeypatch.setattr(
        screen_module, "mechanism_barriers", lambda _, ion, __: barriers_of(ion, 0.4)
    )
    unknown = {}
    for found in ({}, unknown):
        monkeypatch.setattr(screen_module, "ensemble_barriers", lambda *_, found=found, **__: found)
        pairs = screen_module.screen_crystal(triclinic, ScreenOptions()).pairs
        assert [pair.ensemble for pair in pairs] == [None] * 3
        unknown |= {pair.anion.ion: np.full((1, 3), math.nan) for pair in pairs}
        unknown[pairs[0].cation.ion] = np.full((1, 3), 0.4)


@pytest.mark.parametrize("lost", ["Li", "O", "Al"])
def test_a_failed_pair_keeps_what_is_known_of_its_ions(monkeypatch, triclinic, lost):
    """One ion's failure is that of its pairs alone, which tell the other ion's barriers."""

    def mechanism(_, ion, __):
        if ion.element == lost:
            raise UnpreparableStructureError("Not so.", reason="other")
        return barriers_of(ion, 0.4)

    monkeypatch.setattr(screen_module, "mechanism_barriers", mechanism)
    result = screen_module.screen_crystal(triclinic, replace(ScreenOptions(), cations=("Li", "Al")))
    assert len(result.pairs) == (4 if lost == "O" else 3)
    assert len(result.failures) == 6 - len(result.pairs)
    for failure in result.failures:
        assert lost in (failure.cation.element, failure.anion.element)
        assert (failure.reason, failure.message) == ("other", "Not so.")
        if lost == "O":
            assert failure.cation_barriers == barriers_of(failure.cation, 0.4)
            assert failure.cation_ev == (0.4, 0.4, 0.4)
            assert failure.published_anion is None
        else:
            assert failure.cation_barriers is None
            assert all(math.isnan(barrier) for barrier in failure.cation_ev)
            assert failure.published_anion == barriers_of(failure.anion, 0.4)
    assert all(lost not in (p.cation.ion.element, p.anion.ion.element) for p in result.pairs)


def test_known_barriers_are_taken_by_label_and_mechanism(monkeypatch, triclinic):
    """What is known is recalled and the rest computed, each under its own conventions."""
    computed, recalled = [], []
    monkeypatch.setattr(
        screen_module,
        "mechanism_barriers",
        lambda _, ion, how: computed.append((str(ion), how.mechanism)) or barriers_of(ion, 0.4),
    )
    monkeypatch.setattr(
        screen_module,
        "recalled_barriers",
        lambda _, ion, how, __: recalled.append((str(ion), how.mechanism)) or barriers_of(ion, 0.4),
    )
    triple = (0.4, 0.4, 0.4)
    numbers = KnownBarriers(barriers_ev=triple, from_region_ev=triple, refined_ev=triple)
    screen_module.screen_crystal(
        triclinic, ScreenOptions(anions=("O", "F")), known={"Li+": numbers, "O2- vacancy": numbers}
    )
    assert recalled == [("Li+", "empty_lattice"), ("O2-", "vacancy")]
    assert computed == [("O2-", "empty_lattice"), ("F-", "empty_lattice"), ("F-", "vacancy")]
