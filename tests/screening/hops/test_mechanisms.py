"""Mechanisms by name, and the radii that their presets use."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crystals import reference_crystal

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import landscape, native_barriers
from dualion.screening.bvse.field import bvse_field, framework_of
from dualion.screening.bvse.potential import CoulombPair, pair_of, preset
from dualion.screening.bvse.softbv import anion_radius_angstrom, ase_covalent_radii
from dualion.screening.conventions import pair_conventions
from dualion.screening.hops.mechanisms import mechanism_barriers
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.thresholds import percolation
from dualion.structures.errors import InputError
from dualion.structures.supercells import make_supercell

DUALION = preset("dualion")
BVLAIN = preset("bvlain")
LITHIUM = MobileIon(3, 1.0)
OXIDE = MobileIon(8, -2.0)
CHLORIDE = MobileIon(17, -1.0)
IODIDE = MobileIon(53, -1.0)


def screening_length(ion, number, charge, options):
    pair, _ = pair_of(ion, number, charge, options)
    assert isinstance(pair, CoulombPair)
    return pair.screening_length_angstrom


# --- radii


@pytest.mark.parametrize(
    ("ion", "radius"), [(OXIDE, 1.33), (CHLORIDE, 1.74), (MobileIon(9, -1.0), 1.26)], ids=str
)
def test_anions_have_softbv_s_radii_among_themselves(ion, radius):
    """Radii of Chen, Wong, Adams (10.1107/S2052520618015718), table of softBV."""
    assert screening_length(ion, ion.number, ion.charge, DUALION) == pytest.approx(
        0.74 * 2 * radius
    )


def test_unlike_anions_have_one_radius_each():
    assert screening_length(CHLORIDE, 8, -2.0, DUALION) == pytest.approx(0.74 * (1.74 + 1.33))


@pytest.mark.parametrize(("number", "charge"), [(3, 1.0), (22, 4.0), (40, 4.0), (57, 3.0)])
def test_cations_keep_the_radii_of_their_atoms(number, charge):
    assert pair_of(LITHIUM, number, charge, DUALION) == pair_of(LITHIUM, number, charge, BVLAIN)


def test_attraction_has_no_radii():
    assert pair_of(LITHIUM, 8, -2.0, DUALION) == pair_of(LITHIUM, 8, -2.0, BVLAIN)


def test_two_oxides_at_an_octahedron_s_edge_repel_each_other():
    """At 2.6 Å: 0.002 eV with the radii of atoms, 0.68 eV with those of anions."""
    r = np.array([2.6])
    assert pair_of(OXIDE, 8, -2.0, BVLAIN)[0].energy_ev(r) == pytest.approx(0.002, abs=1e-3)
    assert pair_of(OXIDE, 8, -2.0, DUALION)[0].energy_ev(r) == pytest.approx(0.68, abs=0.01)


def test_an_anion_without_a_tabulated_radius_is_that_much_larger_than_its_atom():
    """Tabulated anions exceed their atoms by 0.66 to 0.92 Å; carbide is no cation of 0.77 Å."""
    excess = anion_radius_angstrom(6, -4.0) - float(ase_covalent_radii()[6])
    assert 0.66 < excess < 0.92


# --- mechanisms


def test_every_barrier_names_its_mechanism():
    crystal = reference_crystal("LiCl")
    for mechanism in ("empty_lattice", "vacancy", "interstitial"):
        options = BarrierOptions(potential=DUALION, mechanism=mechanism)
        assert mechanism_barriers(crystal, CHLORIDE, options).mechanism == mechanism


def test_the_interstitial_sees_its_own_sublattice():
    crystal = reference_crystal("LiCl")
    options = BarrierOptions(potential=DUALION, mechanism="interstitial", refined=False)
    found = landscape(crystal, CHLORIDE, options)
    framework = framework_of(crystal, CHLORIDE, DUALION, own_element_stays=True)
    whole = bvse_field(framework, found.barriers.shape, cutoff_angstrom=10.0)
    assert found.barriers.barriers_ev == percolation(whole).barriers_ev
    cl_alone = native_barriers(
        crystal, CHLORIDE, dataclasses.replace(options, mechanism="empty_lattice")
    )
    assert found.barriers.barriers_ev[2] > cl_alone.barriers_ev[2]


def test_a_guest_has_no_sublattice_to_leave():
    """I⁻ in Li2O: one ion more, whether or not its own element leaves."""
    crystal = reference_crystal("Li2O")
    guest, classical = (
        mechanism_barriers(crystal, IODIDE, BarrierOptions(potential=DUALION, mechanism=name))
        for name in ("interstitial", "empty_lattice")
    )
    assert guest.barriers_ev == classical.barriers_ev


def test_rigid_barriers_stand_beside_the_relaxing_ones():
    crystal = reference_crystal("NaCl")
    relaxing, rigid = (
        mechanism_barriers(
            crystal, CHLORIDE,
            BarrierOptions(potential=DUALION, mechanism="vacancy", lattice=lattice),
        )
        for lattice in ("relaxing", "rigid")
    )  # fmt: skip
    assert rigid.barriers_ev == rigid.rigid_ev == relaxing.rigid_ev
    assert relaxing.barriers_ev[2] < rigid.barriers_ev[2]
    assert relaxing.refined_ev == relaxing.barriers_ev


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mechanism": "kick_out"}, "no mechanism 'kick_out'"),
        ({"lattice": "soft"}, "no lattice 'soft'"),
        ({"mechanism": "vacancy", "engine": "bvlain"}, "engine bvlain has no mechanism"),
    ],
)
def test_what_there_is_not_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        BarrierOptions(**change)


def test_a_vacancy_has_no_landscape_of_the_cell():
    with pytest.raises(InputError, match="hops, each with a landscape"):
        landscape(reference_crystal("LiCl"), CHLORIDE, BarrierOptions(mechanism="vacancy"))


def test_named_conventions_of_a_pair():
    published, ours = pair_conventions("bvlain"), pair_conventions("dualion")
    assert published.published == ours.published == BarrierOptions()
    assert published.deciding_anion is None
    assert (published.judged, ours.judged) == ("grid", "refined")
    assert ours.deciding_anion.mechanism == "vacancy"
    assert ours.deciding_anion.potential == DUALION
    with pytest.raises(InputError, match="did you mean 'dualion'"):
        pair_conventions("dualoin")


def test_a_supercell_has_the_hops_of_its_primitive_cell():
    """A cell of 1,728 ions has 13,824 symmetry operations; its hops are those of the pair."""
    unit = reference_crystal("LiCl")
    large = make_supercell(unit, [[6, 0, 0], [0, 6, 0], [0, 0, 6]])
    options = pair_conventions("dualion").deciding_anion
    one, many = (mechanism_barriers(crystal, CHLORIDE, options) for crystal in (unit, large))
    assert many.barriers_ev == pytest.approx(one.barriers_ev, abs=1e-9)
    assert many.rigid_ev == pytest.approx(one.rigid_ev, abs=1e-9)
