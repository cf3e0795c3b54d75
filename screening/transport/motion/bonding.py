"""Polyanions of a trajectory: which atoms are bound to which centres, and for how long.

A bond is a centre–ligand pair closer than 1.2 times the sum of the covalent radii (Cordero
et al., Dalton Trans. 2008, 2832, doi:10.1039/b801115j) in the mean of the first frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BOND_FACTOR = 1.2
"""Longest bond over the sum of the covalent radii: P–S 2.54 Å, P–O 2.08 Å."""

BROKEN_FACTOR = 1.3
"""A bond counts as broken beyond this multiple of its longest allowed length."""

FIRST_FRAMES = 20
"""Frames whose mean decides on the bonds."""

MOBILE_CATIONS = frozenset(
    ["Li", "Na", "K", "Rb", "Cs", "Ag", "Cu", "Mg", "Ca", "Sr", "Ba", "Zn", "Tl"]
)
LIGANDS = frozenset(["N", "O", "F", "S", "Cl", "Se", "Br", "Te", "I", "H"])
SELF_CENTRES = frozenset(["S", "Cl", "N", "Se", "Br", "I", "Te"])
"""Ligand elements that can be centres too, of a lighter anion (SO4, ClO4, NO3, BH4's H not)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Polyanions:
    """Bound groups found in the first frames.

    Attributes:
        centres: shape (b,), atom index of the centre of each bond.
        ligands: shape (b,), atom index of the ligand of each bond.
        lengths_angstrom: shape (b,), bond lengths in the first frames, Å.
        limit_angstrom: shape (b,), length at which a bond counts as broken, Å.
        formula: for example ``PS4``; several kinds are joined by a comma.
    """

    centres: NDArray[np.int64]
    ligands: NDArray[np.int64]
    lengths_angstrom: NDArray[np.float64]
    limit_angstrom: NDArray[np.float64]
    formula: str

    @property
    def centre_atoms(self) -> NDArray[np.int64]:
        """Distinct centres, ascending."""
        return np.unique(self.centres)

    @property
    def ligand_atoms(self) -> NDArray[np.int64]:
        """Distinct ligands, ascending."""
        return np.unique(self.ligands)


def nearest_image(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fold fractional difference vectors of any shape (…, 3) to the nearest cell."""
    return np.asarray(vectors - np.rint(vectors))


def find_polyanions(
    fractional: NDArray[np.float64], cell: NDArray[np.float64], symbols: Sequence[str]
) -> Polyanions:
    """Find the bound groups of a trajectory.

    Args:
        fractional: shape (frames, n, 3), unwrapped fractional coordinates.
        cell: shape (3, 3), Å, mean cell.
        symbols: chemical symbol of each atom.

    Returns:
        All bonds; none where there is no polyanion.
    """
    from ase.data import atomic_numbers, covalent_radii

    mean = fractional[:FIRST_FRAMES].mean(axis=0)
    radii = np.array([covalent_radii[atomic_numbers[s]] for s in symbols])
    pairs: list[tuple[int, int, float, float]] = []
    ligand_like = np.array([i for i, s in enumerate(symbols) if s in LIGANDS], dtype=np.int64)
    for centre, symbol in enumerate(symbols):
        if symbol in MOBILE_CATIONS or symbol == "H" or len(ligand_like) == 0:
            continue
        others = _ligands_of(centre, symbol, symbols, ligand_like)
        steps = nearest_image(mean[others] - mean[centre]) @ cell
        lengths = np.linalg.norm(steps, axis=1)
        limits = BOND_FACTOR * (radii[others] + radii[centre])
        pairs += [
            (centre, int(o), float(d), float(m))
            for o, d, m in zip(others, lengths, limits, strict=True)
            if 0.3 < d < m
        ]
    return _collect_bonds(pairs, symbols)


def _ligands_of(
    centre: int, symbol: str, symbols: Sequence[str], ligand_like: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Atoms that may be ligands of a centre: an anion is a centre of lighter anions only."""
    if symbol not in LIGANDS:
        return ligand_like
    if symbol not in SELF_CENTRES:
        return np.empty(0, dtype=np.int64)
    return np.array([i for i in ligand_like if symbols[i] in ("O", "F")], dtype=np.int64)


def _collect_bonds(
    pairs: list[tuple[int, int, float, float]], symbols: Sequence[str]
) -> Polyanions:
    by_centre: dict[int, list[int]] = {}
    for centre, ligand, _, _ in pairs:
        by_centre.setdefault(centre, []).append(ligand)
    names = []
    for centre, ligands in by_centre.items():
        kinds = [symbols[i] for i in ligands]
        parts = "".join(
            f"{kind}{kinds.count(kind) if kinds.count(kind) > 1 else ''}"
            for kind in sorted(set(kinds))
        )
        names.append(f"{symbols[centre]}{parts}")
    return Polyanions(
        centres=np.array([p[0] for p in pairs], dtype=np.int64),
        ligands=np.array([p[1] for p in pairs], dtype=np.int64),
        lengths_angstrom=np.array([p[2] for p in pairs]),
        limit_angstrom=np.array([p[3] for p in pairs]) * BROKEN_FACTOR,
        formula=", ".join(dict.fromkeys(names)),
    )
