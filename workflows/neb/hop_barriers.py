"""Barriers of single hops of a vacancy with a potential, the relaxed ends being used again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.results.vocabulary import FLAG_MEANINGS
from dualion.screening.hops.hop_list import HopList
from dualion.structures.conversion import to_atoms
from dualion.structures.errors import StructureError
from dualion.workflows.neb.band import Band, BandOptions, relax_band, relax_bottleneck
from dualion.workflows.neb.band_steps import WELL_EV, Stop
from dualion.workflows.neb.cell import HopCell, carried_variants
from dualion.workflows.neb.forces import Potential, release_memory
from dualion.workflows.neb.images import start_images
from dualion.workflows.neb.mirror import mirror_of
from dualion.workflows.neb.vacancies import DISPLACED_ANGSTROM, VacancyEnd, relax_vacancy

if TYPE_CHECKING:
    from ase import Atoms

BELIEVED_EV_ANGSTROM = 0.2
"""A band whose residual force is larger has no barrier."""
BARRIERLESS = "no_barrier_on_the_way"

Floats = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HopBarrier:
    """Barrier of one hop.

    Attributes:
        hop: index into ``HopList.chosen``.
        rises_ev: climb of the ion from the near and from the far end, eV; NaN where the hop gave
            no barrier.
        energies_ev: of the images above the first end, eV.
        largest_force_ev_angstrom: residual force of the band, eV/Å; NaN for none.
        steps: steps of the band.
        flags: names of the vocabulary.
        reason: why there is no barrier; empty where there is one.
        images: the band, for files; empty where there is none.
    """

    hop: int
    rises_ev: tuple[float, float]
    energies_ev: tuple[float, ...] = ()
    largest_force_ev_angstrom: float = float("nan")
    steps: int = 0
    flags: tuple[str, ...] = ()
    reason: str = ""
    images: tuple[Atoms, ...] = ()


class HopCalculation:
    """Barriers of the hops of one ion in one supercell.

    Args:
        cell: the supercell.
        hops: the hops of its unit.
        potential: what computes them.
        options: limits.
        saddles_frac: shape (k, 3), bond valence saddles in the near site's cell of the unit, NaN
            where there is none.
        stop: asked after every step.
    """

    def __init__(
        self,
        cell: HopCell,
        hops: HopList,
        potential: Potential,
        options: BandOptions,
        *,
        saddles_frac: Floats,
        stop: Stop | None = None,
    ) -> None:
        self.cell, self.hops, self.options = cell, hops, options
        self._potential, self._stop = potential, stop
        self._saddles_frac = saddles_frac
        self.ends: dict[int, VacancyEnd] = {}

    def vacancy(self, large_site: int) -> VacancyEnd:
        """Return the relaxed vacancy at a site, relaxed once for all that symmetry relates.

        Raises:
            StructureError: it cannot be relaxed.
        """
        first = int(self.cell.large_sites.orbits[large_site])
        if first not in self.ends:
            self.ends[first] = relax_vacancy(
                self.cell, first, self._potential, self.options, stop=self._stop
            )
        return self.ends[first]

    def barrier(self, hop: int) -> HopBarrier:
        """Compute the barrier of a hop.

        Args:
            hop: index into ``HopList.chosen``.

        Raises:
            StopRequested: a stop was requested.
        """
        try:
            ends = self.end_images(hop)
            if ends is None:
                return _without_barrier(hop, "end_into_other", FLAG_MEANINGS["end_into_other"])
            first, last, mover, saddle = ends
            images = start_images(first, last, mover, self.options.images, saddle)
            band = self._relax(hop, images, mover)
        except StructureError as error:
            return _without_barrier(hop, "", f"{error.reason}: {error}")
        finally:
            release_memory()
        found = assess_band(hop, band, mover)
        if self.options.bottleneck_only:
            return replace(found, flags=("bottleneck_only", *found.flags))
        return found

    def _relax(self, hop: int, images: list[Atoms], mover: int) -> Band:
        if self.options.bottleneck_only:
            return relax_bottleneck(images, mover, self._potential, self.options, stop=self._stop)
        near, far = self._sites(hop)
        kept = np.delete(np.arange(len(self.cell.large.numbers)), self.cell.own[far])
        return relax_band(
            images,
            self._potential,
            self.options,
            mover=mover,
            stop=self._stop,
            mirror=mirror_of(self.cell, images, near, far, kept),
        )

    def _sites(self, hop: int) -> tuple[int, int]:
        """Sites of the supercell between which the ion hops."""
        row, frac = int(self.hops.chosen[hop]), self.cell.sites.frac
        end = frac[self.hops.far[row]] + self.hops.cells[row]
        return self.cell.site_at(frac[self.hops.near[row]]), self.cell.site_at(end)

    def end_images(self, hop: int) -> tuple[Atoms, Atoms, int, Floats | None] | None:
        """Both ends, the moving atom among theirs, and its bond valence saddle in Å.

        The ion goes from the near site to the far one, so the first end lacks the ion of the far
        site. None where it is nearer to the other site already.
        """
        row = int(self.hops.chosen[hop])
        sites, unit = self.cell.sites, self.cell.unit
        begin = sites.frac[self.hops.near[row]]
        end = sites.frac[self.hops.far[row]] + self.hops.cells[row]
        near, far = self._sites(hop)
        if near == far:
            raise StructureError(
                "The ion hops by a vector of the supercell, onto its own image; give a larger "
                "--width.",
                reason="cell_too_small",
            )
        perfect = to_atoms(self.cell.large)
        mover, gone = int(self.cell.own[near]), int(self.cell.own[far])
        way = (end - begin) @ unit.cell
        before, after = _nearest(self._around(far), self._around(near), [mover, gone])
        first, last = perfect.copy(), perfect.copy()
        first.positions += before
        # In the last end the moving ion sits on the far site, with the far ion's displacement.
        last.positions += after
        last.positions[mover] = perfect.positions[mover] + way + after[gone]
        if max(before[mover] @ way, -after[gone] @ way) > 0.5 * (way @ way):
            return None
        del first[gone], last[gone]
        saddle = self._saddles_frac[hop]
        if not np.isfinite(saddle).all():
            place = None
        else:
            place = perfect.positions[mover] + (saddle - begin) @ unit.cell
        return first, last, mover - (gone < mover), place

    def _around(self, site: int) -> list[Floats]:
        """Displacements of all atoms around a vacancy at a site, each of shape (n, 3), Å."""
        source = self.vacancy(site)
        return carried_variants(self.cell, source.displacements_angstrom, source.site, site)


def assess_band(hop: int, band: Band, mover: int) -> HopBarrier:
    """Take the barrier of a hop from its band.

    Args:
        hop: index into ``HopList.chosen``.
        band: the relaxed band.
        mover: the moving ion's atom.
    """
    flags = [*band.flags, *_moved_others(band, mover)]
    if not band.converged:
        flags.append("not_converged")
    if band.top in (0, len(band.images) - 1):
        flags.append(BARRIERLESS)
    if band.energies_ev[1:-1].min() < min(0.0, band.energies_ev[-1]) - WELL_EV:
        flags.append("rest_below_ends")
    force, steps = band.largest_force_ev_angstrom, band.steps
    resolved = force <= BELIEVED_EV_ANGSTROM
    return HopBarrier(
        hop=hop,
        rises_ev=_rises(band) if resolved else (np.nan, np.nan),
        energies_ev=tuple(band.energies_ev.tolist()),
        largest_force_ev_angstrom=force,
        steps=steps,
        flags=tuple(flags),
        reason="" if resolved else f"residual force {force:.2f} eV/Å after {steps} steps",
        images=tuple(band.images),
    )


def _nearest(before: list[Floats], after: list[Floats], apart: list[int]) -> tuple[Floats, Floats]:
    """Of two sets of displacements the pair that differs least, but for some atoms."""
    gaps = [
        (float((np.delete(one - other, apart, axis=0) ** 2).sum()), one, other)
        for one in before
        for other in after
    ]
    _, one, other = min(gaps, key=lambda gap: gap[0])
    return one, other


def _rises(band: Band) -> tuple[float, float]:
    """Climb to the highest image from each end, or from a resting place that lies lower, eV."""
    top, lowest = float(band.energies_ev.max()), float(band.energies_ev[1:-1].min())
    return top - min(0.0, lowest), top - min(float(band.energies_ev[-1]), lowest)


def _moved_others(band: Band, mover: int) -> list[str]:
    """Flags for atoms that leave their places of the first end during the hop."""
    start = band.images[0]
    flags = set()
    for image in band.images[1:]:
        shifts = np.linalg.norm(image.positions - start.positions, axis=1)
        shifts[mover] = 0.0
        for atom in np.flatnonzero(shifts > DISPLACED_ANGSTROM).tolist():
            own = start.numbers[atom] == start.numbers[mover]
            flags.add("other_ion_along" if own else "framework_rearranged")
    return sorted(flags)


def _without_barrier(hop: int, flag: str, reason: str) -> HopBarrier:
    return HopBarrier(
        hop=hop, rises_ev=(np.nan, np.nan), flags=(flag,) if flag else (), reason=reason
    )
