"""softBV pair parameters, read from the installed bvlain package (MIT licence).

Sources: Adams, Acta Cryst. B 57, 278 (2001), 10.1107/S0108768101003068; Chen, Wong, Adams,
Acta Cryst. B 75, 18 (2019), 10.1107/S2052520618015718.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from dualion.structures.errors import MissingDependencyError


@dataclass(frozen=True, slots=True, kw_only=True)
class MorseParameters:
    """Morse parameters of one cation–anion pair.

    Attributes:
        r_min_angstrom: distance of the minimum, Å.
        alpha_per_angstrom: inverse of the bond valence parameter b, 1/Å.
        d0_ev: bond breaking energy D0, eV.
        r0_angstrom: bond valence parameter R0 (a bond of valence 1), Å.
    """

    r_min_angstrom: float
    alpha_per_angstrom: float
    d0_ev: float
    r0_angstrom: float


MorseTable = dict[tuple[int, int], dict[tuple[int, int], MorseParameters]]
"""(cation number, charge) → (anion number, charge) → parameters."""


def _data_folder() -> Path:
    """Folder of bvlain's data files, found without importing the package (it is heavy)."""
    spec = find_spec("bvlain")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError(
            "The package bvlain, which ships the softBV parameters, is not installed; "
            "run: pip install bvlain"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _load(name: str) -> dict[Any, Any]:
    # A pickle from an installed package, never from a file that a user gives.
    with (_data_folder() / name).open("rb") as handle:
        table: dict[Any, Any] = pickle.load(handle)
    return table


@lru_cache(maxsize=1)
def parameters_version() -> str:
    """Name and version of the package whose table is in use."""
    return f"bvlain {version('bvlain')}"


@lru_cache(maxsize=1)
def morse_table() -> MorseTable:
    """All tabulated pairs."""
    table: MorseTable = {}
    for cation, by_charge in _load("cation.pkl").items():
        for charge, by_anion in by_charge.items():
            row = table.setdefault((int(cation), int(charge)), {})
            for anion, by_anion_charge in by_anion.items():
                for anion_charge, entry in by_anion_charge.items():
                    row[int(anion), int(anion_charge)] = MorseParameters(
                        r_min_angstrom=float(entry["r_min"]),
                        alpha_per_angstrom=float(entry["alpha"]),
                        d0_ev=float(entry["d0"]),
                        r0_angstrom=float(entry["r0"]),
                    )
    return table


@lru_cache(maxsize=1)
def softbv_radii() -> dict[int, dict[int, float]]:
    """softBV covalent radii in Å: atomic number → charge → radius (Chen et al. 2019)."""
    return {
        int(number): {int(charge): float(r) for charge, r in by_charge.items()}
        for number, by_charge in _load("covalent_radii_softvb.pkl").items()
    }


def anion_radius_angstrom(number: int, charge: float) -> float:
    """softBV's radius of an anion; without one, its covalent radius and the mean excess, Å.

    The thirteen tabulated anions are 0.66 to 0.92 Å larger than the covalent radius of their
    atom, so a carbide or a silicide is known to about 0.1 Å.

    Args:
        number: atomic number.
        charge: e, below zero; the nearest tabulated negative state counts.
    """
    known = {state: r for state, r in softbv_radii().get(number, {}).items() if state < 0}
    if known:
        return known[min(known, key=lambda state: abs(state - charge))]
    return float(ase_covalent_radii()[number]) + _mean_excess_of_anions_angstrom()


@lru_cache(maxsize=1)
def _mean_excess_of_anions_angstrom() -> float:
    """How much larger anions are than their neutral atoms, over the tabulated ones, Å."""
    covalent = ase_covalent_radii()
    excess = [
        r - covalent[number]
        for number, by_charge in softbv_radii().items()
        for state, r in by_charge.items()
        if state < 0
    ]
    return float(np.mean(excess))


@lru_cache(maxsize=1)
def ase_covalent_radii() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """ASE's covalent radii in Å by atomic number (Cordero et al., 10.1039/b801115j)."""
    from ase.data import covalent_radii

    return np.asarray(covalent_radii, dtype=np.float64)
