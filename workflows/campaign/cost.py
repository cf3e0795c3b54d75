"""Estimated computing time of a structure, from its text alone.

The order matters more than the value: costly structures start first, and shards are balanced by
the sum. Atoms are counted where the format states them, else estimated from the cell's volume.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dualion.screening.screen_options import ScreenOptions
    from dualion.structures.records import RawEntry

FIXED_S = 0.012
"""Reading, preparing and bookkeeping of the smallest structure, s."""

ATOM_S = 0.00075
"""Each further atom of the cell, at the usual grid and cutoff, s; see benchmarks."""

PAIR_S = 3.0e-6
"""Each pair of atoms: neighbour searches of the preparation, s."""

BVLAIN_FACTOR = 150.0
"""How much longer the engine bvlain takes."""

VOLUME_PER_ATOM = 15.0
"""Typical volume of an atom in a crystal, Å³."""

_NSITES = re.compile(r'"nsites"\s*:\s*(\d{1,6})')
_CELL = re.compile(r"_cell_length_[abc]\s+'?(\d+\.?\d*)")
_SITE = re.compile(r'"abc"\s*:')


def estimated_cost_s(entry: RawEntry, options: ScreenOptions) -> float:
    """Estimate the computing time of an entry, s.

    Args:
        entry: the structure as text; it is not parsed.
        options: grid spacing, cutoff and engine are taken from them.
    """
    atoms = atom_count(entry)
    barriers = options.barriers
    grid = (0.2 / barriers.spacing_angstrom) ** 3
    reach = (barriers.potential.cutoff_angstrom / 10.0) ** 3
    engine = BVLAIN_FACTOR if barriers.engine == "bvlain" else 1.0
    return FIXED_S + atoms * ATOM_S * grid * reach * engine + atoms * atoms * PAIR_S


def atom_count(entry: RawEntry) -> float:
    """Number of atoms of the cell, as far as a look at the text tells."""
    text = entry.text
    if entry.format == "jsonl_row" and (found := _NSITES.search(text)):
        return float(found.group(1))
    if entry.format == "cif":
        return _cif_atoms(text)
    if entry.format == "pymatgen_json":
        return float(len(_SITE.findall(text)))
    return float(max(1, text.count("\n") - 7))  # POSCAR and extxyz: a line for each atom


def _cif_atoms(text: str) -> float:
    """From the volume: a CIF lists one atom for each orbit."""
    lengths = [float(length) for length in _CELL.findall(text)[:3]]
    if len(lengths) < 3:
        return 1.0
    volume = lengths[0] * lengths[1] * lengths[2]
    return min(5000.0, max(1.0, volume / VOLUME_PER_ATOM))
