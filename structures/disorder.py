"""Sites as arrays: shared, partly empty and split sites, read and checked once.

A site shared by several species, or partly empty, becomes one entry per species (see
``dualion.structures.crystal``). Occupancies are normalised here and nowhere else, and sites that
physics cannot accept (two whole atoms in one place, species that are no element) are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.structures.elements import symbol
from dualion.structures.errors import UnpreparableStructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

ROUNDING_EXCESS = 2e-3
"""A sum of occupancies this far above 1 is rounding in the file and is normalised silently."""
SLIGHT_EXCESS = 0.05
"""Up to this far above 1 a site is normalised and flagged; beyond, it is refused."""
FULL_OCCUPANCY = 1.0 - 1e-6
LARGEST_DENSITY_PER_CUBIC_ANGSTROM = 0.35
"""Twice the atomic density of diamond; no crystal at moderate pressure is denser."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteTable:
    """The entries of a crystal before they have charges.

    Attributes:
        cell: shape (3, 3), Å; rows are the lattice vectors.
        frac: shape (n, 3), fractional coordinates.
        numbers: shape (n,), atomic numbers; deuterium and tritium count as hydrogen.
        occupancies: shape (n,), in (0, 1].
        site_index: shape (n,), entries of one shared site have the same index.
        given_charges: shape (n,), e; NaN where the source gives no oxidation state.
        flags: names of what was normalised.
    """

    cell: NDArray[np.float64]
    frac: NDArray[np.float64]
    numbers: NDArray[np.int64]
    occupancies: NDArray[np.float64]
    site_index: NDArray[np.int64]
    given_charges: NDArray[np.float64]
    flags: tuple[str, ...] = ()

    @property
    def is_disordered(self) -> bool:
        """Whether any site is shared or partly empty."""
        return bool((self.occupancies < FULL_OCCUPANCY).any())

    @property
    def formula(self) -> str:
        """Occupancy-weighted content of the cell, for messages."""
        totals = np.bincount(self.numbers, weights=self.occupancies)
        return " ".join(f"{symbol(int(z))}{totals[z]:.4g}" for z in np.flatnonzero(totals))

    def with_flags(self, *names: str) -> SiteTable:
        """Return the same table with further flags, each at most once."""
        return replace(self, flags=tuple(dict.fromkeys((*self.flags, *names))))


@lru_cache(maxsize=1)
def covalent_radii_angstrom() -> NDArray[np.float64]:
    """Return covalent radii by atomic number, Å (Cordero et al., 10.1039/b801115j, through ASE)."""
    from ase.data import covalent_radii

    radii = np.array(covalent_radii, dtype=np.float64)
    radii[~np.isfinite(radii) | (radii <= 0)] = 1.5
    return radii


def read_sites(structure: Structure) -> SiteTable:
    """Turn a pymatgen structure into arrays with normalised occupancies.

    Raises:
        UnpreparableStructureError: a species is no element, the structure is empty or too
            dense, an occupancy is not a positive number, or a site holds more than one atom.
    """
    numbers: list[int] = []
    charges: list[float] = []
    occupancies: list[float] = []
    owners: list[int] = []
    for index, site in enumerate(structure):
        for species, amount in site.species.items():
            number, charge = _read_species(species)
            if amount <= 0 or not np.isfinite(amount):
                continue
            numbers.append(number)
            charges.append(charge)
            occupancies.append(float(amount))
            owners.append(index)
    if not numbers:
        raise UnpreparableStructureError(
            "The structure holds no atoms; export it again from its source.",
            reason="empty_structure",
        )
    site_index = np.array(owners, dtype=np.int64)
    table = SiteTable(
        cell=np.array(structure.lattice.matrix, dtype=np.float64),
        frac=np.array(structure.frac_coords, dtype=np.float64).reshape(-1, 3)[site_index],
        numbers=np.array(numbers, dtype=np.int64),
        occupancies=np.array(occupancies, dtype=np.float64),
        site_index=site_index,
        given_charges=np.array(charges, dtype=np.float64),
    )
    _check_cell(table)
    return _normalise_occupancies(table)


def _read_species(species: object) -> tuple[int, float]:
    """Return atomic number and oxidation state (NaN where none is given) of one species."""
    element = getattr(species, "element", species)
    number = getattr(element, "Z", None)
    if type(species).__name__ == "DummySpecies" or not isinstance(number, int | np.integer):
        raise UnpreparableStructureError(
            f"The species {species} is no element; name the atom that is meant on that site, "
            "or remove the site.",
            reason="unknown_species",
        )
    state = getattr(species, "oxi_state", None) if element is not species else None
    return int(number), float("nan") if state is None else float(state)


def _check_cell(table: SiteTable) -> None:
    """Refuse cells whose numbers are not finite, that are flat, or are impossibly dense."""
    if not (np.isfinite(table.cell).all() and np.isfinite(table.frac).all()):
        raise UnpreparableStructureError(
            "The cell or a coordinate is not a finite number; check the file.",
            reason="bad_arrays",
        )
    volume = float(abs(np.linalg.det(table.cell)))
    if volume < 1e-3:
        raise UnpreparableStructureError(
            "The cell has no volume: two lattice vectors are parallel or zero.",
            reason="flat_cell",
        )
    density = float(table.occupancies.sum()) / volume
    if density > LARGEST_DENSITY_PER_CUBIC_ANGSTROM:
        raise UnpreparableStructureError(
            f"The cell {table.formula} holds {density:.2f} atoms/Å³, twice as many as diamond; "
            "check the lattice constants and the multiplicities of the sites.",
            reason="overlapping_atoms",
        )


def _normalise_occupancies(table: SiteTable) -> SiteTable:
    """Bring sites whose occupancies add up to slightly more than 1 back to 1."""
    totals = np.bincount(table.site_index, weights=table.occupancies)
    worst = int(np.argmax(totals))
    if totals[worst] > 1.0 + SLIGHT_EXCESS:
        raise UnpreparableStructureError(
            f"Site {worst} of {table.formula} has occupancies that add up to "
            f"{totals[worst]:.3f}; correct them to at most 1.",
            reason="occupancy_above_one",
        )
    if totals[worst] <= 1.0:
        return table
    scale = 1.0 / np.maximum(totals, 1.0)
    normalised = replace(table, occupancies=table.occupancies * scale[table.site_index])
    if totals[worst] > 1.0 + ROUNDING_EXCESS:
        return normalised.with_flags("occupancy_normalised")
    return normalised


def rebalance_occupancies(
    table: SiteTable, charges: NDArray[np.float64], *, largest_share: float
) -> SiteTable | None:
    """Make a disordered cell neutral by the smallest change of one element's occupancies.

    Rounded occupancies leave a small net charge that no oxidation state can take up. The
    ions that are most disordered are the least certain, and mobile ones first: alkali and
    coinage cations, then hydrogen, then any element with partly filled sites. Where its sites
    are full, the element exchanges with those that share them.

    Args:
        table: the entries.
        charges: shape (n,), e.
        largest_share: largest net charge that may be repaired, as a share of the positive
            charge of the cell.

    Returns:
        The table with changed occupancies, flagged ``occupancy_rebalanced`` where the change is
        more than rounding, or ``None`` where no element can take up the charge.
    """
    net = float(charges @ table.occupancies)
    positive = float(np.clip(charges, 0, None) @ table.occupancies)
    if not table.is_disordered or abs(net) > largest_share * positive:
        return None
    for number in _elements_to_rebalance(table):
        chosen = table.numbers == number
        partial = chosen & (table.occupancies < FULL_OCCUPANCY)
        for changed in (
            _scale(table, charges, partial, net),
            _scale(table, charges, chosen, net),
            _exchange(table, charges, partial, net),
        ):
            if changed is not None:
                small = abs(net) <= ROUNDING_SHARE * positive
                return changed if small else changed.with_flags("occupancy_rebalanced")
    return None


ROUNDING_SHARE = 1e-3
"""Net charge, as a share of the positive charge, that is rounding and not worth a flag."""
LARGEST_SCALE = 2.0
"""Largest factor by which the occupancy of a partly empty site may change in a repair."""
LARGEST_EXCHANGE_SCALE = 1.25
"""The same where ions trade places on a shared site."""
MOBILE_CATIONS = (3, 11, 19, 47, 29, 37, 55)
"""Li, Na, K, Ag, Cu, Rb, Cs: the metals that are disordered because they move."""


def _elements_to_rebalance(table: SiteTable) -> list[int]:
    """Elements in the order in which their occupancies may be changed."""
    partial = table.occupancies < FULL_OCCUPANCY
    present = np.unique(table.numbers)
    emptiness = {
        int(z): float((1.0 - table.occupancies[(table.numbers == z) & partial]).sum())
        for z in present
    }
    mobile = [z for z in (*MOBILE_CATIONS, 1) if z in emptiness]
    disordered = sorted((z for z in emptiness if emptiness[z] > 0), key=lambda z: -emptiness[z])
    first = [z for z in mobile if emptiness[z] > 0]
    return list(dict.fromkeys([*first, *disordered, *mobile]))


def _scale(
    table: SiteTable,
    charges: NDArray[np.float64],
    entries: NDArray[np.bool_],
    net: float,
) -> SiteTable | None:
    """Scale the occupancies of ``entries`` so that ``net`` vanishes, if they stay possible."""
    carried = float(charges[entries] @ table.occupancies[entries])
    if abs(carried) < 1e-9:
        return None
    return _with_occupancies(
        table, entries, np.full(entries.sum(), 1.0 - net / carried), LARGEST_SCALE
    )


def _exchange(
    table: SiteTable,
    charges: NDArray[np.float64],
    entries: NDArray[np.bool_],
    net: float,
) -> SiteTable | None:
    """Trade ``entries`` for the others on their sites so that ``net`` vanishes."""
    others = ~entries & np.isin(table.site_index, table.site_index[entries])
    if not others.any():
        return None
    n_sites = int(table.site_index.max()) + 1
    amount = np.bincount(table.site_index, weights=table.occupancies * others, minlength=n_sites)
    shares = np.where(others, table.occupancies / np.maximum(amount, 1e-12)[table.site_index], 0.0)
    movable = entries & (amount[table.site_index] > 0)
    step = np.where(movable, table.occupancies, 0.0)
    per_site = np.bincount(table.site_index, weights=step, minlength=n_sites)
    step = step - shares * per_site[table.site_index]
    gained = float(charges @ step)
    if abs(gained) < 1e-9:
        return None
    changed = step != 0.0
    factors = 1.0 - net / gained * step[changed] / table.occupancies[changed]
    return _with_occupancies(table, changed, factors, LARGEST_EXCHANGE_SCALE)


def _with_occupancies(
    table: SiteTable, entries: NDArray[np.bool_], factors: NDArray[np.float64], largest: float
) -> SiteTable | None:
    """Multiply occupancies, if every factor is within ``largest`` and no site ends above 1."""
    if factors.max() > largest or factors.min() < 1.0 / largest:
        return None
    occupancies = table.occupancies.copy()
    occupancies[entries] *= factors
    if np.bincount(table.site_index, weights=occupancies).max() > 1.0 + 1e-9:
        return None
    return replace(table, occupancies=occupancies)
