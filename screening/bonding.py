"""Which anions are bound: ligands of polyanions and of covalent frameworks. The one definition.

Static screening and the analysis of trajectories both ask here. The rule, for every centre (a
non-metal, network former or metal of positive charge, but for monovalent metals and the asked
cation, which move themselves) and not for every bond:

- Its **shell** are the anions whose distance, over the sum of the covalent radii, is near that of
  the nearest one, or near that of the shortest bond which is believed (``SHORTEST_FORMER``,
  ``SHORTEST_METAL``): a phosphate of 1.25 and 1.75 Å, as measured ones have it, is one shell.
- Its charge z is shared out evenly, by Pauling's electrostatic valence rule (J. Am. Chem. Soc. 51,
  1010 (1929), 10.1021/ja01379a006): a tetrahedron of P⁵⁺ gives each S²⁻ s = 5/4 valence units.
- The **hold** of the centre on its shell is s times the share s/|q| that this is of the ligand's
  own charge q, the mean over the shell: how strong the bond is, and how much of the ligand's
  bonding it does. All ligands of a shell are bound where it reaches ``METAL_HOLD``, or
  ``FORMER_HOLD`` around non-metals and network formers (Zachariasen, J. Am. Chem. Soc. 54, 3841
  (1932), 10.1021/ja01349a006), whose bonds are the more covalent at the same valence.

| shell | hold | bound | shell | hold | bound |
|---|---|---|---|---|---|
| PS₄ | 0.78 | yes | YCl₆, InCl₆ | 0.25 | no |
| SiO₄, SnS₄, WO₆ | 0.50 | yes | ZnCl₄ | 0.25 | no |
| AlCl₄ | 0.56 | yes | TiO₆, ZrO₆ | 0.22 | no |
| BO₄, BeF₄ (formers) | 0.28, 0.25 | yes | NbO₆ | 0.35 | no |

Anions nearer to each other than 1.2 times the sum of their covalent radii are bound to each other
(N₃⁻, O₂²⁻, S₂²⁻, I₃⁻) if one of them carries less than the charge of a closed shell. Sites that
cannot be filled together (their occupancies sum up to 1) make no bond.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.softbv import ase_covalent_radii
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import vectors_within
from dualion.structures.crystal import IonicCrystal

NETWORK_FORMERS = frozenset({1, 4, 5, 6, 7, 14, 15, 16, 17, 32, 33, 34, 35, 52, 53})
"""H, Be, B, C, N, Si, P, S, Cl, Ge, As, Se, Br, Te, I."""
METAL_HOLD = 0.42
"""Between the octahedra of five-valent metals (NbO₆ 0.35), which share their oxygens, and complex
anions (ZrCl₆²⁻ 0.44, SnS₄⁴⁻ 0.5)."""
FORMER_HOLD = 0.236
"""Between the octahedra of four-valent formers (GeO₆ 0.22) and their weakest tetrahedra
(BeF₄ 0.25)."""
SHELL_FULL, SHELL_END = 1.2, 1.4
"""``bound_strength`` counts bonds up to 1.2 times the shortest of a shell in full, from 1.4 times
on not at all: a distorted octahedron (LiNbO3, Jahn–Teller ions) is one, a vanadyl's far oxygen is
not in it. Yes and no part in the middle, so that shells of one kind have one answer."""
LEAST_OCCUPANCY = 0.2
"""Rarer sites do not say which bond of a shell is the shortest."""
REACH = 1.7
"""Distance at which anions are no longer looked for, over the sum of the covalent radii."""
COVALENT_STRETCH = 1.2
"""Longest bond of two anions, over the sum of their covalent radii."""
CLOSEST = 0.7
"""Anions nearer than this, over the sum of their covalent radii, are one anion on split sites: the
triple bonds N≡N and C≡C have 0.78."""
SHORTEST_FORMER = COVALENT_STRETCH / (0.5 * (SHELL_FULL + SHELL_END))
"""Distance from which on a bond of a network former is believed, over the sum of the covalent
radii; with it all anions up to ``COVALENT_STRETCH`` are in its shell (P–O 1.54 Å: 0.89)."""
SHORTEST_METAL = 0.72
"""The same for metals: the shortest double bonds to oxygen (vanadyl, 1.58 Å) have 0.72."""
TOGETHER = 1.001
"""Sites whose occupancies sum up to this may be filled together."""
MONOVALENT = 1.5
"""Metals of a charge up to this hold nothing: their bonds are those of mobile cations."""
NOBLE_GASES = (2, 10, 18, 36, 54, 86, 118)
SOFTNESS = 0.15
"""Width of the step of ``bound_strength``, in the logarithm of hold over threshold."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shell:
    """The bonds of one centre.

    Attributes:
        centre: index of its entry.
        ligands: shape (m,), indices of the ligands' entries; one that is bonded through several
            images comes as often.
        lengths_angstrom: shape (m,), bond lengths, Å.
        excess: hold over its threshold, 1 and more for a bound shell; infinite between anions.
        smooth_excess: the same, where ligands leave the shell without a step.
    """

    centre: int
    ligands: Ints
    lengths_angstrom: Floats
    excess: float
    smooth_excess: float

    @property
    def binds(self) -> bool:
        """Whether its ligands are bound."""
        return self.excess >= 1.0


def shells(crystal: IonicCrystal, cation: MobileIon | None = None) -> list[Shell]:
    """Return the shell of every centre, and of every anion that is bonded to another.

    Args:
        crystal: the crystal.
        cation: the cation that is asked about; what moves holds nothing, whatever its charge.
    """
    return [*_shells_of_centres(crystal, cation), *_bonds_between_anions(crystal)]


def bound_share(crystal: IonicCrystal, found: list[Shell] | None = None) -> Floats:
    """Return for each entry how far it is bound, shape (n,), 0 to 1.

    A ligand of a centre that is there with some probability is bound with that probability, and 1
    where probabilities sum up to one half and more over the centres that hold it.

    Args:
        crystal: the crystal.
        found: its shells where these are known.
    """
    bound = np.zeros(len(crystal.numbers))
    for shell in shells(crystal) if found is None else found:
        if shell.binds:
            there = crystal.occupancies[shell.centre]
            for ligand in dict.fromkeys(shell.ligands.tolist()):
                bound[ligand] += there
    return np.where(bound >= 0.5, 1.0, bound)


def bound_fraction(
    crystal: IonicCrystal,
    anion: MobileIon,
    found: list[Shell] | None = None,
    *,
    cation: MobileIon | None = None,
) -> float:
    """Return the share of an anion's sites that are bound, 0 to 1.

    Args:
        crystal: the crystal.
        anion: one of its anions.
        found: its shells where these are known.
        cation: the cation that is asked about, for ``shells``.
    """
    found = shells(crystal, cation) if found is None else found
    sites = _sites_of(crystal, anion)
    weights = crystal.occupancies[sites]
    bound = bound_share(crystal, found)[sites] == 1.0
    return float(bound @ weights / weights.sum()) if len(sites) else 0.0


def bound_strength(
    crystal: IonicCrystal,
    anion: MobileIon,
    found: list[Shell] | None = None,
    *,
    cation: MobileIon | None = None,
) -> float:
    """Return how firmly an anion is bound in the mean of its sites, 0 to 1, without a step.

    A logistic function of ln(hold/threshold) of the firmest shell of each site: one half at the
    threshold.

    Args:
        crystal: the crystal.
        anion: one of its anions.
        found: its shells where these are known.
        cation: the cation that is asked about, for ``shells``.
    """
    firmest = np.zeros(len(crystal.numbers))
    for shell in shells(crystal, cation) if found is None else found:
        there = min(1.0, 2.0 * float(crystal.occupancies[shell.centre]))
        with np.errstate(divide="ignore", over="ignore"):
            step = 1.0 / (1.0 + np.exp(-np.log(shell.smooth_excess) / SOFTNESS))
        firmest[shell.ligands] = np.maximum(firmest[shell.ligands], there * step)
    sites = _sites_of(crystal, anion)
    weights = crystal.occupancies[sites]
    return float(firmest[sites] @ weights / weights.sum()) if len(sites) else 0.0


def _sites_of(crystal: IonicCrystal, anion: MobileIon) -> Ints:
    return np.flatnonzero((crystal.numbers == anion.number) & (crystal.charges < 0))


def _shells_of_centres(crystal: IonicCrystal, cation: MobileIon | None) -> Iterator[Shell]:
    anions = np.flatnonzero(crystal.charges < 0)
    if not len(anions):
        return
    radii = ase_covalent_radii()[crystal.numbers]
    former = np.isin(crystal.numbers, list(NETWORK_FORMERS))
    holds = (crystal.charges > MONOVALENT) | (former & (crystal.charges > 0))
    if cation is not None:
        holds &= crystal.numbers != cation.number
    for centre in np.flatnonzero(holds):
        sums = radii[anions] + radii[centre]
        near, lengths = _neighbours(crystal, anions, int(centre), REACH * float(sums.max()))
        reduced = lengths / (radii[near] + radii[centre])
        kept = (reduced > 0.4) & (reduced < REACH)
        near, lengths, reduced = near[kept], lengths[kept], reduced[kept]
        if len(near):
            believed = SHORTEST_FORMER if former[centre] else SHORTEST_METAL
            yield _shell(
                crystal, int(centre), near, lengths, _weights(crystal, near, reduced, believed)
            )


def _neighbours(
    crystal: IonicCrystal, among: Ints, entry: int, reach_angstrom: float
) -> tuple[Ints, Floats]:
    """Entries within reach of another, one for each image, and their distances, Å."""
    place = crystal.frac[entry]
    near, vectors = vectors_within(crystal.cell, crystal.frac[among], place, reach_angstrom)
    return among[near], np.asarray(np.linalg.norm(vectors, axis=1))


def _weights(crystal: IonicCrystal, near: Ints, reduced: Floats, believed: float) -> Floats:
    """Membership of a shell, shape (m,): 1 near the shortest bond, 0 beyond, without a step."""
    usual = reduced[crystal.occupancies[near] >= LEAST_OCCUPANCY]
    ratio = reduced / max(believed, float((usual if len(usual) else reduced).min()))
    beyond = (ratio - SHELL_FULL) / (SHELL_END - SHELL_FULL)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip(beyond, 0.0, 1.0)))


def _shell(
    crystal: IonicCrystal, centre: int, near: Ints, lengths: Floats, weights: Floats
) -> Shell:
    members = weights >= 0.5
    former = int(crystal.numbers[centre]) in NETWORK_FORMERS
    least = FORMER_HOLD if former else METAL_HOLD
    return Shell(
        centre=centre,
        ligands=near[members],
        lengths_angstrom=lengths[members],
        excess=_hold(crystal, centre, near, members.astype(np.float64)) / least,
        smooth_excess=_hold(crystal, centre, near, weights) / least,
    )


def _hold(crystal: IonicCrystal, centre: int, near: Ints, weights: Floats) -> float:
    """Mean of s²/|q| over a shell whose members count by their weights and occupancies."""
    there = crystal.occupancies[near] * weights
    valence = crystal.charges[centre] / there.sum()
    return float((valence**2 / np.abs(crystal.charges[near])) @ there / there.sum())


def _bonds_between_anions(crystal: IonicCrystal) -> Iterator[Shell]:
    anions = np.flatnonzero(crystal.charges <= 0)  # the middle of a chain may be neutral
    radii = ase_covalent_radii()[crystal.numbers]
    for one in anions.tolist():
        reach = COVALENT_STRETCH * float((radii[anions] + radii[one]).max())
        near, lengths = _neighbours(crystal, anions, one, reach)
        reduced = lengths / (radii[near] + radii[one])
        bonded = (reduced > CLOSEST) & (reduced < COVALENT_STRETCH)
        bonded &= crystal.occupancies[near] + crystal.occupancies[one] > TOGETHER
        bonded &= _is_open(crystal, near) | _is_open(crystal, np.array([one]))
        if bonded.any():
            yield Shell(
                centre=one,
                ligands=near[bonded],
                lengths_angstrom=lengths[bonded],
                excess=np.inf,
                smooth_excess=np.inf,
            )


def _is_open(crystal: IonicCrystal, entries: Ints) -> NDArray[np.bool_]:
    """Whether anions carry less than the charge of the next noble gas's shell, shape (m,)."""
    numbers = crystal.numbers[entries]
    missing = np.array(NOBLE_GASES)[np.searchsorted(NOBLE_GASES, numbers)] - numbers
    return np.asarray(-crystal.charges[entries] < missing - 0.1)
