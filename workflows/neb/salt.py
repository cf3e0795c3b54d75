"""Energy of the salt of two ions with a potential: where ions go that leave a crystal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dualion.screening.doping.formula_unit_changes import salt_formula
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.voids import crystal_radius_angstrom
from dualion.structures.crystal import IonicCrystal
from dualion.structures.entry import prepare_entry
from dualion.structures.errors import StructureError
from dualion.structures.files import iter_raw_entries, reference_paths
from dualion.structures.records import RawEntry
from dualion.structures.symmetry import primitive_crystal
from dualion.workflows.doping.relaxation import RelaxOptions, relax
from dualion.workflows.neb.band_steps import Stop
from dualion.workflows.neb.folder import DefectEnergy
from dualion.workflows.neb.forces import Potential

FACES = np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
PROTOTYPES = {
    "rock salt": (FACES, (0.5, 0.5, 0.5), 0.5),
    "caesium chloride": (np.eye(3), (0.5, 0.5, 0.5), np.sqrt(0.75)),
    "zinc blende": (FACES, (0.25, 0.25, 0.25), np.sqrt(3.0) / 4.0),
}
"""Structures of salts of one cation and one anion: cell and place of the anion as parts of the
cubic lattice constant, and their distance over that constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salt:
    """A salt of a cation and an anion.

    Attributes:
        cation, anion: its ions.
        formula: reduced formula.
        cations, anions: ions in a formula unit.
    """

    cation: MobileIon
    anion: MobileIon
    formula: str
    cations: int
    anions: int

    @property
    def ions(self) -> int:
        """Ions in a formula unit."""
        return self.cations + self.anions

    def is_all_of(self, crystal: IonicCrystal) -> bool:
        """Whether a crystal is this salt and nothing else.

        Args:
            crystal: ordered.
        """
        held = [int((crystal.numbers == ion.number).sum()) for ion in (self.cation, self.anion)]
        whole = sum(held) == len(crystal.numbers) and min(held) > 0
        return whole and held[0] * self.anions == held[1] * self.cations


def salt_of(cation: MobileIon, anion: MobileIon) -> Salt:
    """Return the salt of two ions.

    Raises:
        InputError: the charges make no salt of small whole numbers.
    """
    from pymatgen.core import Composition

    formula = salt_formula(cation, anion)
    counts = Composition(formula)
    cations, anions = (round(counts[ion.element]) for ion in (cation, anion))
    return Salt(cation=cation, anion=anion, formula=formula, cations=cations, anions=anions)


def relaxed_salt(
    salt: Salt, potential: Potential, options: RelaxOptions, *, stop: Stop | None = None
) -> DefectEnergy:
    """Relax a salt; of several structures the one of lowest energy counts.

    They are the ordered ones of the bundled set with that composition; where it has none,
    prototypes of a salt of one cation and one anion.

    Args:
        salt: the salt.
        potential: what computes it.
        options: limits.
        stop: asked after every step.

    Returns:
        Energy of a formula unit.

    Raises:
        StructureError: no structure of it is known, or the potential holds none together.
        StopRequested: ``stop`` returned True.
    """
    found: list[DefectEnergy] = []
    problem = "no structure of it is bundled"
    for name, crystal in _structures(salt):
        try:
            relaxed = relax(crystal, potential.calculator, options, stop=stop)
        except StructureError as error:
            problem = str(error)
            continue
        energy = relaxed.energy_ev * salt.ions / len(crystal.numbers)
        found.append(DefectEnergy(energy_ev=energy, converged=relaxed.converged, what=name))
    if not found:
        raise StructureError(
            f"The energy of the salt {salt.formula} is not known ({problem}); without it there is "
            "no formation energy of vacancies.",
            reason="no_salt",
        )
    return min(found, key=lambda one: one.energy_ev)


def _structures(salt: Salt) -> Iterator[tuple[str, IonicCrystal]]:
    bundled = list(_bundled(salt.formula))
    yield from bundled
    if not bundled and salt.ions == 2:
        for name in PROTOTYPES:
            yield name, prototype(name, salt.cation, salt.anion)


def prototype(name: str, cation: MobileIon, anion: MobileIon) -> IonicCrystal:
    """Build a salt of one cation and one anion, its ions in touch.

    Args:
        name: of ``PROTOTYPES``.
        cation, anion: the ions.
    """
    cell, place, share = PROTOTYPES[name]
    touching = sum(crystal_radius_angstrom(ion.number, ion.charge) for ion in (cation, anion))
    cubic = touching / share
    frac = np.array([[0.0, 0.0, 0.0], np.array(place) @ np.linalg.inv(cell)])
    return IonicCrystal(
        cell=cell * cubic,
        frac=frac - np.floor(frac),
        numbers=np.array([cation.number, anion.number]),
        charges=np.array([cation.charge, anion.charge]),
        occupancies=np.ones(2),
    )


def _bundled(formula: str) -> Iterator[tuple[str, IonicCrystal]]:
    """The ordered structures of the bundled set of a composition."""
    from pymatgen.core import Composition

    wanted = Composition(formula).reduced_formula
    for path in reference_paths():
        if Composition(path.stem.split("_")[0]).reduced_formula != wanted:
            continue
        for entry in iter_raw_entries([path]):
            if isinstance(entry, RawEntry):
                crystal = prepare_entry(entry).crystal
                if not crystal.is_disordered:
                    yield path.stem, primitive_crystal(crystal)
