"""Starting cells of MD runs: the perfect supercell, and cells with defects, each by its name."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from structures.crystal import IonicCrystal
from structures.elements import atomic_number, symbol
from structures.errors import InputError
from structures.supercells import make_supercell, near_cubic_supercell

if TYPE_CHECKING:
    from screening.change_units import ChangeUnit
    from screening.ions import MobileIon
    from workflows.md.md_config import MdBlock

PERFECT = "perfect"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCell:
    """A cell to start from.

    Attributes:
        name: perfect, or its defects; part of the run's place.
        text: extended XYZ.
        n_atoms: atoms in it.
        elements: symbols of what is in it.
        charges_e: element → oxidation state, e.
        note: what a reader should know of how it was made; usually empty.
    """

    name: str
    text: str
    n_atoms: int
    elements: tuple[str, ...]
    charges_e: dict[str, float]
    note: str = ""

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def start_cells(
    crystal: IonicCrystal, *, cation: str, anion: str, block: MdBlock
) -> Iterator[StartCell]:
    """The cells of a candidate that a block asks for.

    Args:
        crystal: the candidate.
        cation: symbol of the mobile cation.
        anion: symbol of the mobile anion.
        block: which cells, how large, with which seed.

    Raises:
        InputError: no cell under the limit is wide enough, or a defect cannot be made.
    """
    large, notes = _supercell(crystal, block)
    for name in block.cells:
        if name == PERFECT:
            yield cell_of(large, PERFECT, note="; ".join(notes))
        else:
            yield _with_defects(large, _unit(large, name, cation, anion), name, block, notes)


def _supercell(crystal: IonicCrystal, block: MdBlock) -> tuple[IonicCrystal, list[str]]:
    """The supercell, ordered, and what had to be chosen for that."""
    found = near_cubic_supercell(
        crystal,
        smallest_width_angstrom=block.smallest_width_angstrom,
        most_atoms=block.most_atoms,
    )
    large, notes = make_supercell(crystal, found.matrix), []
    if not found.wide_enough:
        notes.append(
            f"the cell is {found.widths_angstrom.min():.1f} Å wide, less than "
            f"{block.smallest_width_angstrom:g} Å; more needs more than {block.most_atoms} atoms"
        )
    if crystal.is_disordered:
        large, note = _ordered(large, block)
        notes.append(note)
    return large, notes


def _ordered(crystal: IonicCrystal, block: MdBlock) -> tuple[IonicCrystal, str]:
    """The ordered configuration of lowest electrostatic energy among some, the neutral first."""
    from pymatgen.analysis.ewald import EwaldSummation

    from structures.conversion import to_structure
    from structures.ordered_configurations import sample_configurations

    drawn = list(sample_configurations(crystal, count=block.configurations, seed=block.seed))
    least = min(abs(one.net_charge) for one in drawn)
    near = [one for one in drawn if abs(one.net_charge) < least + 1e-6]
    energies = [EwaldSummation(to_structure(one.crystal)).total_energy for one in near]
    best = near[int(np.argmin(energies))]
    missed = [
        f"{symbol(z)} {best.placed[z]} for {wanted:.2f}"
        for z, wanted in best.wanted.items()
        if abs(best.placed[z] - wanted) > 0.005
    ]
    counts = f", whole numbers of ions: {', '.join(missed)}" if missed else ""
    charge = f", net charge {best.net_charge:+.2g} e" if abs(best.net_charge) > 1e-3 else ""
    return best.crystal, (
        f"ordered: the lowest by Ewald of {len(near)} configurations, seed {block.seed}"
        f"{counts}{charge}"
    )


def _ion(crystal: IonicCrystal, name: str) -> MobileIon:
    """An ion of the crystal, with the charge of its element.

    Raises:
        InputError: the element is not there, or has several charges.
    """
    from screening.ions import MobileIon

    charges = crystal.charges[crystal.numbers == atomic_number(name)]
    if not len(charges):
        raise InputError(f"The cell holds no {name}; a defect of it cannot be made.")
    if np.ptp(charges) > 1e-3:
        raise InputError(
            f"{name} has several charges in this cell; choose --cells perfect, or give a cell of "
            "your own with --cell."
        )
    return MobileIon(atomic_number(name), float(charges[0]))


def _unit(crystal: IonicCrystal, name: str, cation: str, anion: str) -> ChangeUnit:
    """The smallest neutral defect of a kind."""
    from screening.change_units import ChangeUnit

    positive = _ion(crystal, cation)
    if name == "frenkel":
        one = ((positive, 1),)
        return ChangeUnit(name=f"V_{cation}+{cation}_i", inserted=one, removed=one)
    negative = _ion(crystal, anion)
    charges = round(abs(positive.charge)), round(abs(negative.charge))
    shared = gcd(*charges) or 1
    counts = charges[1] // shared, charges[0] // shared
    words = [
        f"{count if count > 1 else ''}V_{ion}"
        for count, ion in zip(counts, (cation, anion), strict=True)
    ]
    return ChangeUnit(name="+".join(words), removed=((positive, counts[0]), (negative, counts[1])))


def _with_defects(
    large: IonicCrystal, unit: ChangeUnit, kind: str, block: MdBlock, notes: list[str]
) -> StartCell:
    """The likeliest of the distinct ways to put defects into a cell, by bond valence energy."""
    from screening.doping import DopingOptions, doped_configurations

    found = doped_configurations(
        large,
        np.eye(3, dtype=np.int64),
        unit,
        block.defect_pairs,
        most=1,
        options=DopingOptions(seed=block.seed),
    )
    times = f"{block.defect_pairs}x" if block.defect_pairs > 1 else ""
    best = found.configurations[0].configuration.crystal
    return cell_of(best, f"{kind}-{times}{unit.name}", note="; ".join(notes))


def cell_of(crystal: IonicCrystal, name: str, *, note: str = "") -> StartCell:
    """A cell of an ordered crystal, its atoms by element."""
    from ase import Atoms

    order = np.argsort(crystal.numbers, kind="stable")
    atoms = Atoms(
        numbers=crystal.numbers[order],
        scaled_positions=crystal.frac[order],
        cell=np.round(crystal.cell, 8) + 0.0,  # the same text on every machine
        pbc=True,
    )
    symbols = [symbol(int(z)) for z in crystal.numbers]
    charges = {
        name: round(float(np.mean(crystal.charges[np.array(symbols) == name])), 4)
        for name in dict.fromkeys(symbols)
    }
    return StartCell(
        name=name,
        text=extxyz_of(atoms),
        n_atoms=len(symbols),
        elements=tuple(sorted(charges)),
        charges_e=charges,
        note=note,
    )


def extxyz_of(atoms: object) -> str:
    """Atoms as extended XYZ: cell, species, positions and nothing else."""
    from ase.io.extxyz import write_extxyz

    text = io.StringIO()
    write_extxyz(text, [atoms], columns=["symbols", "positions"], write_info=False)
    return text.getvalue()
