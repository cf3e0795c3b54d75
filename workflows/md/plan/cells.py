"""Starting cells of MD runs: the perfect supercell, and cells with defects."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.io.extxyz import write_extxyz

from dualion.screening.doping.defects import insert_defects, plan_defects
from dualion.screening.doping.doping_plan import DopingOptions
from dualion.structures.conversion import to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.simulation_cells import simulation_cell
from dualion.workflows.potentials.load import is_calculator, make_calculator

if TYPE_CHECKING:
    from dualion.workflows.md.plan.config import MdBlock

PERFECT = "perfect"
SALT = "salt:"
"""Prefix of the formula of an inserted salt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCell:
    """A starting cell.

    Attributes:
        name: perfect, or its defects; part of the run's path.
        text: extended XYZ.
        n_atoms: number of atoms.
        elements: symbols of its elements.
        charges_e: element → oxidation state, e.
        note: remark on how it was made; usually empty.
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


def make_start_cells(
    crystal: IonicCrystal, *, cation: str, anion: str, block: MdBlock
) -> Iterator[StartCell]:
    """Make the cells of a candidate that a block names.

    Args:
        crystal: the candidate.
        cation: symbol of the mobile cation.
        anion: symbol of the mobile anion.
        block: names of the cells, their size, the seed.

    Raises:
        InputError: no cell under the limit is wide enough, or a defect cannot be made.
    """
    large, note = _make_supercell(crystal, block)
    for name in block.cells:
        if name == PERFECT:
            yield make_start_cell(large, PERFECT, note=note)
        else:
            yield _make_defect_cell(large, name, (cation, anion), block, note)


def _make_supercell(crystal: IonicCrystal, block: MdBlock) -> tuple[IonicCrystal, str]:
    """Make the ordered supercell, and a remark on what had to be chosen."""
    found = simulation_cell(
        crystal,
        smallest_width_angstrom=block.smallest_width_angstrom,
        most_atoms=block.most_atoms,
        seed=block.seed,
        draws=block.configurations,
        energy=_make_energy_function(block) if crystal.is_disordered else None,
    )
    notable = found.ordering is not None or not found.supercell.wide_enough
    return found.crystal, found.note if notable else ""


def _make_energy_function(block: MdBlock) -> Callable[[IonicCrystal], float] | None:
    """Make a function that computes the engine's energy of a crystal, eV; None for a program."""
    block = block.for_engine(block.engines[0])
    if not is_calculator(block.engine):
        return None
    calculator = make_calculator(
        block.engine, model_path=block.model_path, device=block.device, python=block.interpreter
    )

    def energy_ev(crystal: IonicCrystal) -> float:
        atoms = to_atoms(crystal)
        atoms.calc = calculator
        return float(atoms.get_potential_energy())

    return energy_ev


def _make_defect_cell(
    large: IonicCrystal, kind: str, ions: tuple[str, str], block: MdBlock, note: str
) -> StartCell:
    """Make a cell with neutral defects, at sites chosen by symmetry, BVSE energy and the seed."""
    per_unit = block.defects_per_formula_unit
    plan = plan_defects(
        large,
        "salt" if kind.startswith(SALT) else kind,  # type: ignore[arg-type]
        ions={"schottky": ions, "frenkel": ions[:1]}.get(kind, ()),
        salt=kind.removeprefix(SALT),
        per_formula_unit=float("nan") if per_unit is None else per_unit,
        count=block.defect_pairs if per_unit is None else 0,
    )
    made = insert_defects(large, plan, DopingOptions(seed=block.seed))
    return make_start_cell(made.crystal, made.name, note=note)


def make_start_cell(crystal: IonicCrystal, name: str, *, note: str = "") -> StartCell:
    """Make a cell of an ordered crystal, with its atoms sorted by element.

    Args:
        crystal: the crystal.
        name: of the cell.
        note: remark on how it was made.
    """
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
        text=format_extxyz(atoms),
        n_atoms=len(symbols),
        elements=tuple(sorted(charges)),
        charges_e=charges,
        note=note,
    )


def format_extxyz(atoms: object) -> str:
    """Format atoms as extended XYZ: cell, species, positions and nothing else."""
    text = io.StringIO()
    write_extxyz(text, [atoms], columns=["symbols", "positions"], write_info=False)
    return text.getvalue()
