"""Formation energies of pairs of defects, against pair sums and cells that ASE relaxes alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.optimize import FIRE
from rigid_ions import RigidIons

from dualion.screening.ions import MobileIon
from dualion.structures.conversion import to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.workflows.doping.relaxation import RelaxOptions, StopRequested, relax
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.carriers import carrier_energies
from dualion.workflows.neb.cell import hop_cell
from dualion.workflows.neb.folder import NebFolder
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.run import NebOptions
from dualion.workflows.neb.salt import PROTOTYPES, prototype, relaxed_salt, salt_of

LITHIUM, CHLORIDE = MobileIon(3, 1.0), MobileIon(17, -1.0)
IONS = (MobileIon(11, 1.0), MobileIon(17, -1.0))
WIDTH_ANGSTROM = 7.0
EPSILON_EV, SIGMA_ANGSTROM, CUTOFF_ANGSTROM = 1e-4, 2.3, 3.9
ROCK_SALT_ANGSTROM = 5.2

pytestmark = pytest.mark.slow  # relaxes cells of defects for half a minute in all


def options() -> NebOptions:
    band = BandOptions(end_force_ev_angstrom=0.05, most_steps=300)
    return NebOptions(band=band, smallest_width_angstrom=WIDTH_ANGSTROM)


def rigid() -> Potential:
    return Potential(name="rigid", calculator=RigidIons())


def soft() -> Potential:
    """Pairs that attract each other so weakly that no force reaches the limit."""
    calculator = LennardJones(epsilon=EPSILON_EV, sigma=SIGMA_ANGSTROM, rc=CUTOFF_ANGSTROM)
    return Potential(name="lj", calculator=calculator)


def kept(path: Path, crystal: IonicCrystal) -> NebFolder:
    folder = NebFolder(path / "structure")
    folder.claim({})
    folder.save_host(crystal, {})
    return folder


def rock_salt() -> IonicCrystal:
    faces = ROCK_SALT_ANGSTROM * PROTOTYPES["rock salt"][0]
    return IonicCrystal(
        cell=faces, frac=np.array([[0.0] * 3, [0.5] * 3]), numbers=np.array([3, 17]),
        charges=np.array([1.0, -1.0]), occupancies=np.ones(2),
    )  # fmt: skip


def pair_ev(distance: float) -> float:
    """Lennard-Jones energy of a pair, shifted to zero at the cutoff."""

    def plain(r: float) -> float:
        sixth = (SIGMA_ANGSTROM / r) ** 6
        return 4.0 * EPSILON_EV * (sixth * sixth - sixth)

    return plain(distance) - plain(CUTOFF_ANGSTROM)


def test_a_pair_potential_costs_the_bonds_that_are_not_restored(tmp_path: Path) -> None:
    """Each ion has 6 neighbours at a/2 and 12 at a/√2: taking out both costs 18 bonds each, and the
    formula unit gets half of them back; next to each other, both share one bond."""
    near, far = ROCK_SALT_ANGSTROM / 2.0, ROCK_SALT_ANGSTROM / np.sqrt(2.0)
    unit = 6.0 * pair_ev(near) + 12.0 * pair_ev(far)
    found = carrier_energies(
        kept(tmp_path, rock_salt()), (LITHIUM, CHLORIDE), soft(), options(), carriers="vacancies"
    )
    assert (found.problems, found.flags) == ({}, ("pairs_unproven",))
    assert found.pairs_ev["schottky"] == pytest.approx(-unit, rel=1e-6)
    assert found.pairs_ev["schottky_associated"] == pytest.approx(-unit + pair_ev(near), rel=1e-6)
    assert found.salt == "LiCl (the crystal)"


def sodium_chloride() -> IonicCrystal:
    """Rock salt at the lattice constant of the rigid ions."""
    return IonicCrystal(
        cell=5.62 * PROTOTYPES["rock salt"][0], frac=np.array([[0.0] * 3, [0.5] * 3]),
        numbers=np.array([11, 17]), charges=np.array([1.0, -1.0]), occupancies=np.ones(2),
    )  # fmt: skip


@pytest.fixture(scope="module")
def salt(tmp_path_factory: pytest.TempPathFactory):
    folder = kept(tmp_path_factory.mktemp("salt"), sodium_chloride())
    found = carrier_energies(folder, IONS, rigid(), options(), carriers="all")
    return folder, found


def plain_energy(atoms) -> float:
    atoms.calc = RigidIons()
    FIRE(atoms, logfile=None).run(fmax=0.05, steps=300)
    return float(atoms.get_potential_energy())


def perfect_cell(folder: NebFolder):
    cell = hop_cell(folder.host()[0], IONS[0], smallest_width_angstrom=WIDTH_ANGSTROM)
    atoms = to_atoms(cell.large)
    atoms.calc = RigidIons()
    return atoms, float(atoms.get_potential_energy())


def test_vacancies_cost_what_a_cell_relaxed_alone_does(salt) -> None:
    """Next to each other and as far apart as the cell allows, which costs more: they attract."""
    folder, found = salt
    perfect, whole = perfect_cell(folder)
    gaps = perfect.get_distances(0, range(len(perfect)), mic=True)
    anions = np.flatnonzero(perfect.numbers == 17)
    for kind, pick in (("schottky_associated", np.argmin), ("schottky", np.argmax)):
        cell = perfect.copy()
        partner = int(anions[pick(np.round(gaps[anions], 3))])
        assert found.apart_angstrom[kind] == pytest.approx(gaps[partner], abs=1e-6)
        del cell[[0, partner]]
        expected = plain_energy(cell) - whole + 2.0 * whole / len(perfect)
        assert found.pairs_ev[kind] == pytest.approx(expected, abs=0.01)
    assert 0.5 < found.pairs_ev["schottky_associated"] < found.pairs_ev["schottky"] < 4.0


def test_interstitials_cost_what_a_cell_relaxed_alone_does(salt) -> None:
    """The only gap of rock salt is the middle of a small cube, between four ions of each kind."""
    folder, found = salt
    perfect, whole = perfect_cell(folder)
    eighth = np.linalg.inv(perfect.cell.array)
    middle = 5.62 * np.array([0.25, 0.25, 0.25])
    best = []
    for steps in np.ndindex(4, 4, 4):
        place = (middle + 2.81 * np.array(steps)) @ eighth % 1.0 @ perfect.cell.array
        probe = perfect + Atoms("Cl", positions=[place])
        best.append((probe.get_distance(0, -1, mic=True), tuple(place)))
    assert found.problems == {}
    distance, place = max(best)
    anion = int(np.flatnonzero(perfect.numbers == 17)[0])
    cell = perfect.copy()
    shift = perfect.positions[anion] - perfect.positions[0]
    del cell[anion]
    cell += Atoms("Cl", positions=[np.array(place) + shift])
    expected = plain_energy(cell) - whole
    assert found.apart_angstrom["anion_frenkel"] == pytest.approx(distance, abs=0.05)
    assert found.pairs_ev["anion_frenkel"] == pytest.approx(expected, abs=0.1)
    assert found.pairs_ev["anion_frenkel"] > found.pairs_ev["schottky"]  # rock salts are Schottky
    assert found.pairs_ev["insertion"] > 0.0


def test_nothing_is_relaxed_twice(salt) -> None:
    folder, found = salt
    dead = Potential(name="rigid", calculator=None)
    again = carrier_energies(folder, IONS, dead, options(), carriers="all")
    assert (again.pairs_ev, again.salt) == (found.pairs_ev, found.salt)


def test_none_and_a_structure_without_host_cost_nothing(tmp_path: Path) -> None:
    folder = NebFolder(tmp_path / "structure")
    folder.claim({})
    found = carrier_energies(folder, (LITHIUM, CHLORIDE), soft(), options())
    assert (found.pairs_ev, found.problems) == ({}, {})


def test_an_ion_that_is_not_in_the_crystal_is_told(tmp_path: Path) -> None:
    folder = kept(tmp_path, sodium_chloride())
    found = carrier_energies(folder, (IONS[0], MobileIon(53, -1.0)), rigid(), options())
    assert found.pairs_ev == {} and "holds no I-" in found.problems["schottky"]


def test_a_stop_between_steps_keeps_what_is_there(tmp_path: Path) -> None:
    folder = kept(tmp_path, sodium_chloride())
    with pytest.raises(StopRequested):
        carrier_energies(folder, IONS, rigid(), options(), stop=lambda: True)
    assert {path.name for path in (folder.path / "carriers").iterdir()} <= {
        "request.json", "perfect.json"
    }  # fmt: skip


def test_the_salt_is_the_lowest_prototype_or_a_bundled_structure() -> None:
    ions = (MobileIon(37, 1.0), MobileIon(53, -1.0))  # RbI is not bundled
    limits = RelaxOptions(force_ev_angstrom=0.01)
    strong = LennardJones(epsilon=0.2, sigma=3.2, rc=9.0)
    found = relaxed_salt(salt_of(*ions), Potential(name="lj", calculator=strong), limits)
    energies = {
        name: relax(prototype(name, *ions), strong, limits).energy_ev for name in PROTOTYPES
    }
    assert found.what == min(energies, key=lambda name: energies[name]) == "caesium chloride"
    assert found.energy_ev == pytest.approx(energies[found.what])
    bundled = relaxed_salt(salt_of(LITHIUM, MobileIon(8, -2.0)), soft(), limits)
    assert bundled.what == "Li2O"


def test_a_salt_without_structure_is_one_sentence() -> None:
    salt = salt_of(MobileIon(30, 2.0), MobileIon(35, -1.0))
    with pytest.raises(StructureError, match="salt ZnBr2 is not known"):
        relaxed_salt(salt, soft(), RelaxOptions())


def test_a_prototype_has_its_ions_in_touch() -> None:
    for name in PROTOTYPES:
        atoms = to_atoms(prototype(name, LITHIUM, CHLORIDE))
        distance = atoms.repeat(2).get_all_distances(mic=True)
        nearest = distance[distance > 0.1].min()
        assert nearest == pytest.approx(0.90 + 1.67, abs=1e-6)  # Shannon's crystal radii
    assert bulk("LiCl", "rocksalt", a=2 * 2.57).get_volume() == pytest.approx(
        prototype("rock salt", LITHIUM, CHLORIDE).volume_cubic_angstrom
    )
