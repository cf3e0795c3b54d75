"""Pre-filters, fingerprints and duplicates across sources."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from source_servers import rock_salt

from dualion.structures.errors import InputError
from dualion.structures.files import iter_raw_entries, parse_entry, reference_paths
from dualion.structures.records import RawEntry, Rejection
from dualion.structures.sources import (
    MatchOptions,
    Selection,
    SourceQuery,
    entries_of,
    select,
    standard_filters,
)
from dualion.structures.sources.duplicates import candidate_groups
from dualion.structures.sources.fingerprint import differences, fingerprint
from dualion.structures.sources.prefilters import ELEMENT_LISTS, Facts, first_rejection

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def raw(structure: Structure, name: str, *, source: str = "test", **metadata: object) -> RawEntry:
    return RawEntry(
        source=source,
        source_id=name,
        format="pymatgen_json",
        text=json.dumps(structure.as_dict(), default=float),
        metadata=metadata,  # type: ignore[arg-type]
    )


def rutile(a: float = 4.6, c: float = 2.95, u: float = 0.305) -> Structure:
    positions = [[0, 0, 0], [0.5, 0.5, 0.5]]
    positions += [[u, u, 0], [1 - u, 1 - u, 0], [0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    return Structure(Lattice.tetragonal(a, c), ["Mg"] * 2 + ["F"] * 4, positions)


def distorted(structure: Structure, rng: np.random.Generator) -> Structure:
    """Another setting: strained by 2 %, shaken by 0.05 Å, doubled, turned, shuffled."""
    strain = np.eye(3) + rng.uniform(-0.02, 0.02, (3, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    cell = structure.lattice.matrix @ strain @ turn
    copy = Structure(cell, structure.species_and_occu, structure.frac_coords)
    copy.make_supercell([[1, 1, 0], [0, 1, 0], [0, 0, 2]])
    copy.translate_sites(range(len(copy)), rng.uniform(0, 1, 3))
    shaken = copy.cart_coords + rng.uniform(-0.05, 0.05, (len(copy), 3))
    order = rng.permutation(len(copy))
    return Structure(
        copy.lattice, [copy[i].species for i in order], shaken[order], coords_are_cartesian=True
    )


def test_fingerprint_does_not_depend_on_the_cell() -> None:
    base = rutile()
    other = base.copy()
    other.make_supercell([[2, 1, 0], [0, 1, 0], [1, 0, 3]])
    other.translate_sites(range(len(other)), [0.13, 0.27, 0.41])
    one, two = fingerprint(base), fingerprint(other)
    assert one.key == two.key
    np.testing.assert_allclose(one.profiles, two.profiles, atol=1e-5)
    scaled = fingerprint(Structure(base.lattice.scale(200.0), base.species, base.frac_coords))
    np.testing.assert_allclose(one.profiles, scaled.profiles, atol=1e-5)


def test_fingerprint_against_counting_by_hand() -> None:
    """Rock salt: six unlike neighbours at a/2, twelve like at a/√2, eight unlike at a√3/2 …"""
    found = fingerprint(rock_salt(6.0)).profiles.reshape(2, 2, 2, 8)  # power, other, one, octile
    cutoff = 2.4 * (6.0**3 / 8) ** (1 / 3)
    shells = {"unlike": {3.0: 6, 3.0 * 3**0.5: 8, 3.0 * 5**0.5: 24}, "like": {}}
    shells["like"] = {3.0 * 2**0.5: 12, 6.0: 6}
    for place, power in enumerate((2, 8)):
        expected = {
            kind: sum(n * max(0.0, 1 - (r / cutoff) ** 2) ** power for r, n in shell.items())
            for kind, shell in shells.items()
        }
        np.testing.assert_allclose(found[place, 0, 0], expected["like"], rtol=1e-5)
        np.testing.assert_allclose(found[place, 0, 1], expected["unlike"], rtol=1e-5)


def test_settings_of_the_reference_set_are_found_and_nothing_else_is() -> None:
    """Every ordered bundled structure, and a distorted setting of each, come out as pairs."""
    rng = np.random.default_rng(4)
    structures = []
    for entry in iter_raw_entries(reference_paths()):
        record = parse_entry(entry)  # type: ignore[arg-type]
        if record.structure.is_ordered and len(record.structure) <= 24:
            structures.append((entry.source_id, record.structure))
    assert len(structures) > 15
    originals = [raw(s, name, r_value=0.01) for name, s in structures]
    settings = [raw(distorted(s, rng), f"{name}'") for name, s in structures]
    outcome = list(select([*settings, *originals], Selection(deduplicate=True)))
    dropped = {entry.source_id for entry in outcome if isinstance(entry, Rejection)}
    missed = {entry.source_id for entry in settings} - dropped
    assert not missed
    assert dropped == {entry.source_id for entry in settings}


def test_different_structures_of_one_composition_stay() -> None:
    cesium_chloride = Structure(Lattice.cubic(3.6), ["Li", "I"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    fluorite = Structure(
        Lattice.cubic(5.0),
        ["Mg"] * 4 + ["F"] * 8,
        [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
        + [[x, y, z] for x in (0.25, 0.75) for y in (0.25, 0.75) for z in (0.25, 0.75)],
    )
    entries = [
        raw(rock_salt(), "a"),
        raw(cesium_chloride, "b"),
        raw(rutile(), "c"),
        raw(fluorite, "d"),
        raw(rock_salt(anion="Br"), "e"),
    ]
    outcome = list(select(entries, Selection(deduplicate=True)))
    assert [type(entry) for entry in outcome] == [RawEntry] * 5


def test_best_provenance_is_kept_and_takes_over_energies() -> None:
    entries = [
        raw(rock_salt(6.05), "mp-9", source="materials_project", theoretical=True),
        raw(
            rock_salt(6.03),
            "mp-1",
            source="materials_project",
            theoretical=False,
            energy_above_hull_ev_atom=0.0,
            band_gap_ev=4.4,
        ),
        raw(rock_salt(6.0), "icsd-5", source="icsd", temperature_k=293.0, r_value=0.02),
    ]
    *others, kept = select(entries, Selection(deduplicate=True))
    assert isinstance(kept, RawEntry) and kept.source_id == "icsd-5"
    assert [entry.reason for entry in others] == ["duplicate"] * 2  # type: ignore[union-attr]
    assert kept.metadata["duplicates"] == "materials_project:mp-1; materials_project:mp-9"
    assert kept.metadata["band_gap_ev"] == 4.4
    assert kept.metadata["properties_from"] == "materials_project:mp-1"


def test_disordered_crystals_match_within_the_tolerance_of_occupancies() -> None:
    def mixed(share: float) -> Structure:
        structure = rock_salt()
        for index in range(4, 8):
            structure[index] = {"I": share, "Br": 1.0 - share}
        return structure

    entries = [raw(mixed(0.5), "a"), raw(mixed(0.5 + 1e-4), "b"), raw(mixed(0.7), "c")]
    outcome = list(select(entries, Selection(deduplicate=True)))
    assert [type(entry) for entry in outcome] == [RawEntry, Rejection, RawEntry]
    both = select([raw(rock_salt(), "x"), raw(mixed(0.98), "y")], Selection(deduplicate=True))
    assert all(isinstance(entry, RawEntry) for entry in both)  # one of them is ordered


def test_candidates_hold_every_pair_that_the_matcher_finds() -> None:
    """On public rows: fingerprints must not sort out what StructureMatcher calls one structure."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    path = DATA / "mp_nak.jsonl.gz"
    if not path.exists():
        pytest.skip("the public data set is not beside the checkout")
    by_formula: dict[str, list[tuple[RawEntry, Structure]]] = {}
    for entry in iter_raw_entries([path]):
        if json.loads(entry.text)["nsites"] <= 14:  # type: ignore[union-attr]
            structure = parse_entry(entry).structure  # type: ignore[arg-type]
            formula = structure.composition.reduced_formula
            by_formula.setdefault(formula, []).append((entry, structure))  # type: ignore[arg-type]
    groups = [group for group in by_formula.values() if 2 <= len(group) <= 6][:60]
    matcher = StructureMatcher(stol=MatchOptions().site_tolerance)
    matches, missed = 0, []
    for group in groups:
        prints = [fingerprint(structure) for _, structure in group]
        allowed = {pair for _, pairs in candidate_groups(prints) for pair in pairs}
        for i, (one, first) in enumerate(group):
            for j, (two, second) in enumerate(group[i + 1 :], start=i + 1):
                if matcher.fit(first, second):
                    matches += 1
                    if (i, j) not in allowed:
                        missed.append((one.source_id, two.source_id))
    assert matches >= 3
    assert not missed


def test_several_processes_give_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    entries: list[RawEntry | Rejection] = [
        raw(distorted(rock_salt(), rng), f"s{n}") for n in range(3)
    ]
    entries.insert(1, raw(rutile(), "other"))
    bad = RawEntry(source="test", source_id="bad", format="cif", text="nothing")
    entries.append(bad)
    selection = Selection(filters=standard_filters(SourceQuery(max_sites=50)), deduplicate=True)
    alone = list(select(entries, selection, workers=1))
    assert list(select(entries, selection, workers=2)) == alone
    assert [getattr(e, "reason", "ok") for e in alone][-1] == "no_coordinates" or isinstance(
        alone[-1], Rejection
    )
    assert len(alone) == len(entries)


def test_nothing_asked_passes_everything_without_parsing() -> None:
    bad = RawEntry(source="test", source_id="bad", format="cif", text="nothing")
    assert list(select([bad], Selection())) == [bad]


FACTS = Facts(elements=frozenset({"Li", "Pb", "I"}), n_sites=20, metadata={"is_metal": True})


@pytest.mark.parametrize(
    ("query", "options", "reason"),
    [
        (SourceQuery(), {"cation": "Na"}, "no_cation"),
        (SourceQuery(), {"cation": "Li"}, None),
        (SourceQuery(elements=("Na",)), {}, "element_missing"),
        (SourceQuery(any_of=("F", "Cl")), {}, "no_wanted_element"),
        (SourceQuery(exclude=("I",)), {}, "excluded_element"),
        (SourceQuery(), {"avoid": ["toxic"]}, "toxic_element"),
        (SourceQuery(), {"avoid": ["radioactive", "costly"]}, None),
        (SourceQuery(max_sites=10), {}, "too_many_sites"),
        (SourceQuery(nonmetals_only=True), {}, "metallic"),
        (SourceQuery(min_band_gap_ev=1.0), {}, None),  # the entry does not say
        (SourceQuery(theoretical=False), {}, None),
    ],
)
def test_filters_name_themselves_and_pass_what_they_cannot_judge(
    query: SourceQuery, options: dict[str, object], reason: str | None
) -> None:
    filters = standard_filters(query, **options)  # type: ignore[arg-type]
    found = first_rejection(filters, "test", "x", FACTS)
    assert (found.reason if found else None) == reason
    if found:
        assert found.stage == "filter" and found.message.endswith(".")


def test_filters_on_energies_and_origin() -> None:
    facts = Facts(
        elements=frozenset({"Li", "O"}),
        n_sites=3,
        metadata={"energy_above_hull_ev_atom": 0.2, "band_gap_ev": 0.1, "theoretical": True},
    )
    for query, reason in [
        (SourceQuery(max_energy_above_hull_ev_atom=0.1), "above_hull"),
        (SourceQuery(min_band_gap_ev=0.5), "small_band_gap"),
        (SourceQuery(theoretical=False), "theoretical"),
    ]:
        found = first_rejection(standard_filters(query), "test", "x", facts)
        assert found is not None and found.reason == reason


def test_metal_without_an_anion_is_sorted_out() -> None:
    facts = Facts(elements=frozenset({"Li", "Mg"}), n_sites=2)
    found = first_rejection(standard_filters(SourceQuery(), cation="Li"), "test", "x", facts)
    assert found is not None and found.reason == "no_anion"


def test_wrong_words_are_refused() -> None:
    with pytest.raises(InputError, match="no list of elements"):
        standard_filters(SourceQuery(), avoid=["poison"])
    with pytest.raises(InputError, match="no chemical element"):
        SourceQuery(elements=("Lx",))
    with pytest.raises(InputError, match="both asked for and excluded"):
        SourceQuery(elements=("Li",), exclude=("Li",))
    with pytest.raises(InputError, match="must be at least 1"):
        SourceQuery(max_sites=0)


def test_lists_of_elements_hold_elements() -> None:
    from pymatgen.core import Element

    for symbols in ELEMENT_LISTS.values():
        assert all(Element.is_valid_symbol(symbol) for symbol in symbols)
    assert all(
        Element(symbol).is_radioactive if hasattr(Element(symbol), "is_radioactive") else True
        for symbol in ELEMENT_LISTS["radioactive"]
    )


def test_differences_of_equal_profiles_are_zero() -> None:
    one = fingerprint(rutile())
    largest, mean = differences(one, np.stack([one.profiles, one.profiles * 1.1]))
    assert largest[0] == mean[0] == 0.0 and largest[1] > mean[1] > 0.0


def test_entries_of_opens_filters_and_removes_duplicates(tmp_path: Path) -> None:
    for name, structure in (("a", rock_salt()), ("b", rock_salt(6.1)), ("c", rutile())):
        structure.to(str(tmp_path / f"{name}.cif"), fmt="cif")
    query = SourceQuery(elements=("Li",))
    found = list(
        entries_of(
            [f"file:{tmp_path}"],
            query,
            selection=Selection(filters=standard_filters(query), deduplicate=True),
        )
    )
    assert [getattr(e, "reason", "ok") for e in found] == ["ok", "duplicate", "element_missing"]
    with pytest.raises(InputError, match="Did you mean optimade"):
        entries_of(["optimad:cod"], query)
