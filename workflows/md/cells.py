"""Starting cells of MD runs: the perfect supercell, and cells with defects, each by its name."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from structures.crystal import IonicCrystal
from structures.elements import symbol
from structures.errors import InputError
from structures.ordered_configurations import sample_configurations, supercell

if TYPE_CHECKING:
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
    large, note = _supercell(crystal, block)
    for name in block.cells:
        if name == PERFECT:
            yield cell_of(large, PERFECT, note=note)
        elif name == "schottky":
            yield _schottky(large, cation, anion, block, note)
        else:
            raise InputError(f"Cells of kind {name} cannot be made yet.")


def _supercell(crystal: IonicCrystal, block: MdBlock) -> tuple[IonicCrystal, str]:
    """The supercell, ordered, and what had to be chosen for that."""
    widths = 1.0 / np.linalg.norm(np.linalg.inv(crystal.cell), axis=0)
    repeat = np.ceil(block.smallest_width_angstrom / widths - 1e-9).astype(int)
    atoms = float(crystal.occupancies.sum()) * int(np.prod(repeat))
    if atoms > block.most_atoms:
        raise InputError(
            f"A cell of {block.smallest_width_angstrom:g} Å has {atoms:.0f} atoms, more than "
            f"{block.most_atoms}; raise md.most_atoms (--most-atoms) or take a narrower cell."
        )
    if not crystal.is_disordered:
        return supercell(crystal, repeat.tolist()), ""
    (found,) = sample_configurations(crystal, count=1, seed=block.seed, repeat=repeat.tolist())
    note = f"one ordered configuration of a disordered crystal, seed {block.seed}"
    return found.crystal, note


def _schottky(
    crystal: IonicCrystal, cation: str, anion: str, block: MdBlock, note: str
) -> StartCell:
    """Vacancies of both mobile ions, in numbers that keep the cell neutral."""
    symbols = np.array([symbol(int(z)) for z in crystal.numbers])
    sites = {name: np.flatnonzero(symbols == name) for name in (cation, anion)}
    charges = {}
    for name, found in sites.items():
        if not len(found):
            raise InputError(f"The cell holds no {name}; a vacancy of it cannot be made.")
        charges[name] = round(abs(float(crystal.charges[found].mean())))
    shared = gcd(*charges.values()) or 1
    counts = {
        cation: block.defect_pairs * charges[anion] // shared,
        anion: block.defect_pairs * charges[cation] // shared,
    }
    random = np.random.default_rng(block.seed)
    gone: list[int] = []
    for name, count in counts.items():
        if count >= len(sites[name]):
            raise InputError(f"The cell has too few {name} for {count} vacancies; take a larger.")
        gone += sorted(random.choice(sites[name], size=count, replace=False).tolist())
    kept = np.setdiff1d(np.arange(len(symbols)), gone)
    made = replace(
        crystal,
        frac=crystal.frac[kept],
        numbers=crystal.numbers[kept],
        charges=crystal.charges[kept],
        occupancies=crystal.occupancies[kept],
    )
    parts = "+".join(f"{count}V_{name}" for name, count in counts.items())
    return cell_of(made, f"schottky-{parts}", note=note)


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
