"""Formation energies of the neutral pairs of defects that bring carriers, with a potential.

An ion hops into a vacancy, or as an interstitial; both must form, in pairs or clusters that leave
the crystal as neutral as it was. All defects of such a group stand in one supercell, at fixed
lattice, as far from each other as it allows:

    E = E(cell with the defects) − E(perfect cell) ± E(salt that left or entered).

In cells of their own each would change composition and volume, and their energies go on falling
with the size of the cell for hundreds of atoms, whereas those of a common cell do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dualion.results.neb.pair import PAIRS_TOO_LOW
from dualion.screening.doping.insertion import InsertionSite, insertion_sites
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import shortest_distances
from dualion.screening.potential_error import judge_pairs
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import DualionError, StructureError
from dualion.workflows.doping.relaxation import RelaxOptions, relax
from dualion.workflows.neb.band_steps import Stop
from dualion.workflows.neb.cell import HopCell, hop_cell
from dualion.workflows.neb.folder import DefectEnergy, NebFolder
from dualion.workflows.neb.forces import Potential, release_memory
from dualion.workflows.neb.run import NebOptions
from dualion.workflows.neb.salt import Salt, relaxed_salt, salt_of
from dualion.workflows.neb.vacancies import subset

Carriers = Literal["none", "vacancies", "all"]
"""Which pairs are computed: none, those of vacancies, or those with interstitials too."""
MOST_SITES = 2
"""Insertion sites of an ion that are tried, those with most room first."""
UNCONVERGED = "carrier_not_converged"
NEGATIVE = "pair_costs_nothing"
JUDGED = {"sound": (), "too_low": (PAIRS_TOO_LOW,), "unproven": ("pairs_unproven",)}
"""Flags of what is known of a potential's pairs."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierEnergies:
    """What pairs of defects cost.

    Attributes:
        pairs_ev: by kind, eV per two defects.
        apart_angstrom: by kind, smallest distance of two of its defects, Å.
        salt: formula and structure of the salt; empty where its energy is not known.
        flags: names of the vocabulary.
        problems: kind → why it has no energy.
    """

    pairs_ev: dict[str, float] = field(default_factory=dict)
    apart_angstrom: dict[str, float] = field(default_factory=dict)
    salt: str = ""
    flags: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)


def carrier_energies(
    folder: NebFolder,
    ions: tuple[MobileIon, MobileIon],
    potential: Potential,
    options: NebOptions,
    *,
    carriers: Carriers = "vacancies",
    stop: Stop | None = None,
) -> CarrierEnergies:
    """Compute what the pairs cost that bring carriers; what the folder holds is kept.

    Args:
        folder: of a structure whose host is relaxed.
        ions: cation and anion.
        potential: what computes it.
        options: limits of cells and relaxations.
        carriers: which pairs.
        stop: asked after every step.

    Raises:
        StopRequested: ``stop`` returned True.
    """
    host = folder.host()
    if carriers == "none" or host is None:
        return CarrierEnergies()
    try:
        pairs = _Pairs(folder, host[0], ions, potential, options, stop)
    except DualionError as error:  # an ion that is not in the crystal, or a cell over the limit
        return CarrierEnergies(problems={"schottky": str(error)})
    kinds = {"schottky": pairs.schottky, "schottky_associated": pairs.associated}
    if carriers == "all":
        kinds |= {"anion_frenkel": pairs.anion_frenkel, "insertion": pairs.insertion}
    found: dict[str, tuple[float, float]] = {}
    problems: dict[str, str] = {}
    for kind, compute in kinds.items():
        try:
            found[kind] = compute()
        except DualionError as error:
            problems[kind] = str(error)
    flags = list(JUDGED[judge_pairs(potential.name)]) if found else []
    flags += [UNCONVERGED] if pairs.unconverged else []
    if any(energy <= 0.0 for energy, _ in found.values()):
        flags.append(NEGATIVE)
    return CarrierEnergies(
        pairs_ev={kind: energy for kind, (energy, _) in found.items()},
        apart_angstrom={kind: distance for kind, (_, distance) in found.items()},
        salt=pairs.salt_name,
        flags=tuple(flags),
        problems=problems,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Defects:
    """Places of defects in the supercell.

    Attributes:
        gone: atoms that are missing.
        added: ions that are there in addition, with their fractional places.
        apart_angstrom: smallest distance of two defects, Å.
    """

    gone: list[int]
    added: list[tuple[MobileIon, Floats]]
    apart_angstrom: float


class _Pairs:
    """The pairs of one structure; each cell is relaxed once and kept."""

    def __init__(
        self,
        folder: NebFolder,
        host: IonicCrystal,
        ions: tuple[MobileIon, MobileIon],
        potential: Potential,
        options: NebOptions,
        stop: Stop | None,
    ) -> None:
        self._cells: dict[MobileIon, HopCell] = {
            ion: hop_cell(
                host,
                ion,
                most_atoms=options.most_atoms,
                least_atoms=options.least_atoms,
                smallest_width_angstrom=options.smallest_width_angstrom,
            )
            for ion in ions
        }
        self._ions, self._potential = ions, potential
        self._options, self._stop, self._folder = options, stop, folder
        self.unconverged, self.salt_name = False, ""
        self._kept = NebFolder(folder.path / "carriers")
        self._kept.claim({"carriers_of": [str(ion) for ion in ions]})
        self._large = self._cells[ions[0]].large

    def schottky(self) -> tuple[float, float]:
        """Vacancies that leave with their salt, far apart: eV per two, and their distance, Å."""
        salt = salt_of(*self._ions)
        wanted = [ion for ion, count in self._shares(salt) for _ in range(count)]
        defects = self._far_apart([(ion, self._vacancies(ion)) for ion in wanted], gone=True)
        return self._cost("schottky", defects, salt, 1.0), defects.apart_angstrom

    def associated(self) -> tuple[float, float]:
        """Both vacancies next to each other, where the salt has one ion of each; eV and Å."""
        salt = salt_of(*self._ions)
        if salt.ions != 2:
            raise StructureError(
                f"A neutral cluster of vacancies of {salt.formula} has {salt.ions} members; only "
                "pairs are computed next to each other.",
                reason="no_pair",
            )
        first, others = (self._vacancies(ion) for ion in self._ions)
        gaps = _distances(self._large, self._large.frac[first[0]], self._large.frac[others])
        nearest = int(np.round(gaps, 3).argmin())
        defects = _Defects(
            gone=[int(first[0]), int(others[nearest])], added=[], apart_angstrom=gaps[nearest]
        )
        return self._cost("schottky_associated", defects, salt, 1.0), defects.apart_angstrom

    def anion_frenkel(self) -> tuple[float, float]:
        """A vacancy and an interstitial of the anion, far apart; eV and Å."""
        anion = self._ions[1]
        vacancy = int(self._vacancies(anion)[0])
        found = []
        for number, site in enumerate(self._insertion_sites(anion)):
            places = self._images(site)
            gaps = _distances(self._large, self._large.frac[vacancy], places)
            farthest = int(np.round(gaps, 3).argmax())
            defects = _Defects(
                gone=[vacancy], added=[(anion, places[farthest])], apart_angstrom=gaps[farthest]
            )
            name = f"anion_frenkel-{number}"
            found.append((self._cost(name, defects, None, 0.0), defects.apart_angstrom))
        return min(found)

    def insertion(self) -> tuple[float, float]:
        """Interstitials that enter with their salt, far apart; eV per two and Å."""
        salt = salt_of(*self._ions)
        wanted = [ion for ion, count in self._shares(salt) for _ in range(count)]
        sites = {ion: self._insertion_sites(ion) for ion in self._ions}
        found = []
        choices = product(*(range(len(sites[ion])) for ion in self._ions))
        for numbers in choices:
            chosen = dict(zip(self._ions, numbers, strict=True))
            places = [(ion, self._images(sites[ion][chosen[ion]])) for ion in wanted]
            defects = self._far_apart(places, gone=False)
            name = "insertion-" + "-".join(map(str, numbers))
            found.append((self._cost(name, defects, salt, -1.0), defects.apart_angstrom))
        return min(found)

    def _cost(self, name: str, defects: _Defects, salt: Salt | None, sign: float) -> float:
        """Energy of a cell with defects against the perfect one, eV per two defects."""
        changed = _changed(self._large, defects)
        cost = self._relaxed(name, changed).energy_ev - self._perfect_ev()
        if salt is not None:
            cost += sign * self._salt_ev(salt)
        return 2.0 * cost / (len(defects.gone) + len(defects.added))

    def _far_apart(
        self, wanted: Sequence[tuple[MobileIon, Ints | Floats]], *, gone: bool
    ) -> _Defects:
        """Place defects one after the other, each as far from those before as possible."""
        chosen: list[int] = []
        places: list[Floats] = []
        apart = np.inf
        for _, candidates in wanted:
            frac = np.asarray(self._large.frac[candidates] if gone else candidates, np.float64)
            gaps = np.full(len(frac), np.inf)
            for place in places:
                gaps = np.minimum(gaps, _distances(self._large, place, frac))
            best = int(np.round(gaps, 3).argmax())
            apart = min(apart, float(gaps[best]))
            places.append(frac[best])
            chosen.append(int(candidates[best]) if gone else best)
        added = [(ion, place) for (ion, _), place in zip(wanted, places, strict=True)]
        return _Defects(
            gone=chosen if gone else [], added=[] if gone else added, apart_angstrom=apart
        )

    def _vacancies(self, ion: MobileIon) -> Ints:
        """Atoms of the supercell whose vacancy is the cheapest known one, the first orbit else."""
        cell = self._cells[ion]
        ends = NebFolder(self._folder.path / str(ion)).ends()
        if ends:
            site = min(ends.values(), key=lambda end: end.energy_ev).site
        else:
            site = int(cell.large_sites.orbits[0])
        return np.asarray(cell.own[cell.large_sites.orbits == cell.large_sites.orbits[site]])

    def _insertion_sites(self, ion: MobileIon) -> Sequence[InsertionSite]:
        sites = insertion_sites(self._cells[ion].unit, ion)[:MOST_SITES]
        if not sites:
            raise StructureError(
                f"{ion} fits nowhere between the ions of the crystal.", reason="no_interstitial"
            )
        return sites

    def _images(self, site: InsertionSite) -> Floats:
        """Places of an insertion site in the supercell, shape (k, 3)."""
        cell = self._cells[self._ions[0]]
        reach = int(np.abs(cell.supercell.matrix).sum(axis=0).max())
        steps = np.array(list(product(range(-reach, reach + 1), repeat=3)), dtype=np.float64)
        inverse = np.linalg.inv(cell.supercell.matrix.astype(np.float64))
        places = (site.positions[:, None] + steps[None]).reshape(-1, 3) @ inverse
        inside = (places > -1e-9).all(axis=1) & (places < 1.0 - 1e-9).all(axis=1)
        return np.asarray(places[inside])

    @staticmethod
    def _shares(salt: Salt) -> tuple[tuple[MobileIon, int], ...]:
        return (salt.cation, salt.cations), (salt.anion, salt.anions)

    def _salt_ev(self, salt: Salt) -> float:
        """Energy of a formula unit of the salt, eV; the crystal itself where it is that salt."""
        known = self._kept.energy("salt")
        if known is None and salt.is_all_of(self._large):
            share = salt.ions / len(self._large.numbers)
            known = DefectEnergy(energy_ev=self._perfect_ev() * share, what="the crystal")
        elif known is None:
            limits = self._options.relaxation
            known = relaxed_salt(salt, self._potential, limits, stop=self._stop)
        self._kept.save_energy("salt", known)
        self.salt_name = f"{salt.formula} ({known.what})"
        return known.energy_ev

    def _perfect_ev(self) -> float:
        """Energy of the supercell without defects, its lattice that of the relaxed host, eV."""
        return self._relaxed("perfect", self._large).energy_ev

    def _relaxed(self, name: str, crystal: IonicCrystal) -> DefectEnergy:
        known = self._kept.energy(name)
        if known is None:
            band = self._options.band
            limits = RelaxOptions(
                force_ev_angstrom=band.end_force_ev_angstrom,
                most_steps=band.most_steps,
                cell=False,
            )
            done = relax(crystal, self._potential.calculator, limits, stop=self._stop)
            release_memory()
            known = DefectEnergy(energy_ev=done.energy_ev, converged=done.converged, what=name)
            self._kept.save_energy(name, known)
        self.unconverged |= not known.converged
        return known


def _distances(crystal: IonicCrystal, place: Floats, others: Floats) -> Floats:
    """Shortest distances between a place and others, Å, shape (k,)."""
    return np.asarray(shortest_distances(crystal.cell, place[None], others)[0])


def _changed(crystal: IonicCrystal, defects: _Defects) -> IonicCrystal:
    kept = np.setdiff1d(np.arange(len(crystal.numbers)), defects.gone)
    left = subset(crystal, kept)
    if not defects.added:
        return left
    ions = [ion for ion, _ in defects.added]
    return replace(
        left,
        frac=np.vstack([left.frac, *(place for _, place in defects.added)]),
        numbers=np.append(left.numbers, [ion.number for ion in ions]),
        charges=np.append(left.charges, [ion.charge for ion in ions]),
        occupancies=np.append(left.occupancies, np.ones(len(ions))),
    )
