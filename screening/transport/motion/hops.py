"""Jumps between sites, with hysteresis against flicker, and what they have in common.

Sites are the maxima of the probability density. An ion belongs to a site once it is within its
core (at most 0.35 of the distance to the nearest other site) and keeps it until it reaches
another core: GEMDAT's plain boundary counts the rattling at it as jumps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport._checks import checked_step
from dualion.screening.transport.motion._hops_kernel import assign_sites
from dualion.screening.transport.motion.density import density, density_sites

CORE_SHARE = 0.35
"""Core radius over the distance to the nearest site; below one half, cores cannot touch."""

LARGEST_CORE_ANGSTROM = 1.2
COLLECTIVE_PS = 1.0
"""Two jumps that are no further apart in time than this may be one event, ps."""

COLLECTIVE_ANGSTROM = 4.5
"""… nor further apart in space than this, Å."""

CHANCE_DRAWS = 8
CHANCE_JUMPS = 20_000
"""Draws of shifted jumps for the share that chance gives; one draw for more jumps than this."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hops:
    """Jumps of one species.

    Attributes:
        species: what jumps.
        sites: shape (s, 3), fractional.
        occupancy: shape (s,), mean number of ions in each site.
        frames: shape (j,), frame at which each jump arrives.
        ions: shape (j,), index of the ion within its species.
        origins: shape (j,), site left.
        targets: shape (j,), site reached.
        lengths_angstrom: shape (j,), Å, from site to site over the nearest image.
        per_ion: shape (ions,), number of jumps of each ion.
        residence_ps: shape (r,), completed stays between two jumps, ps.
        rate_per_ps: jumps per ion and ps.
        rate_error_per_ps: its Poisson error.
        collective_share: share of jumps with another ion's jump near in time and space.
        collective_chance: the same share if ions jumped when they like: mean over draws in which
            each ion's jumps are shifted in time as a whole.
        return_share: share of jumps that undo the ion's jump before.
    """

    species: str
    sites: NDArray[np.float64]
    occupancy: NDArray[np.float64]
    frames: NDArray[np.int64]
    ions: NDArray[np.int64]
    origins: NDArray[np.int64]
    targets: NDArray[np.int64]
    lengths_angstrom: NDArray[np.float64]
    per_ion: NDArray[np.int64]
    residence_ps: NDArray[np.float64]
    rate_per_ps: float
    rate_error_per_ps: float
    collective_share: float
    collective_chance: float
    return_share: float

    def network(self) -> list[tuple[int, int, int, float]]:
        """Return links of the site network: site left, site reached, jumps, mean length in Å."""
        links: dict[tuple[int, int], list[float]] = {}
        ends = zip(self.origins.tolist(), self.targets.tolist(), strict=True)
        for link, length in zip(ends, self.lengths_angstrom.tolist(), strict=True):
            links.setdefault(link, []).append(length)
        return [(a, b, len(n), sum(n) / len(n)) for (a, b), n in sorted(links.items())]


def hops(
    fractional: NDArray[np.float64],
    cell: NDArray[np.float64],
    frame_step_ps: float,
    *,
    species: str = "ions",
    sites: NDArray[np.float64] | None = None,
) -> Hops:
    """Count the jumps of a species.

    Args:
        fractional: shape (frames, ions, 3), relative to the framework.
        cell: shape (3, 3), Å.
        frame_step_ps: time between frames, ps.
        species: name for the result.
        sites: shape (s, 3), fractional; found from the density where not given.
    """
    step_ps = checked_step(frame_step_ps)
    if sites is None:
        sites = density_sites(density(fractional, cell, species=species))
    states = assign_sites(
        np.ascontiguousarray(fractional),
        np.ascontiguousarray(sites, dtype=np.float64),
        np.ascontiguousarray(cell, dtype=np.float64),
        _core_radii(sites, cell) ** 2,
    )
    changed = (states[1:] != states[:-1]) & (states[:-1] >= 0)
    frames, ions = np.nonzero(changed)
    origins, targets = states[:-1][changed], states[1:][changed]
    apart = sites[targets] - sites[origins]
    lengths = np.linalg.norm((apart - np.rint(apart)) @ cell, axis=1)
    total_ps = states.shape[1] * (len(states) - 1) * step_ps
    middle = sites[targets] - 0.5 * (apart - np.rint(apart))
    times_ps = np.asarray(frames * step_ps, dtype=np.float64)
    return Hops(
        species=species,
        sites=sites,
        occupancy=_occupancy(states, len(sites)),
        frames=frames + 1,
        ions=ions,
        origins=origins,
        targets=targets,
        lengths_angstrom=lengths,
        per_ion=np.bincount(ions, minlength=states.shape[1]),
        residence_ps=_residence(frames, ions) * step_ps,
        rate_per_ps=len(frames) / total_ps,
        rate_error_per_ps=float(np.sqrt(max(len(frames), 1))) / total_ps,
        collective_share=_collective_share(times_ps, ions, middle, cell),
        collective_chance=_collective_chance(
            times_ps, ions, middle, cell, (len(states) - 1) * step_ps
        ),
        return_share=_return_share(ions, frames, origins, targets),
    )


def _core_radii(sites: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Core radius of each site, shape (s,), Å."""
    if len(sites) < 2:
        return np.full(len(sites), LARGEST_CORE_ANGSTROM)
    apart = sites[:, None] - sites[None]
    distance = np.linalg.norm((apart - np.rint(apart)) @ cell, axis=2)
    np.fill_diagonal(distance, np.inf)
    return np.asarray(np.minimum(CORE_SHARE * distance.min(axis=1), LARGEST_CORE_ANGSTROM))


def _occupancy(states: NDArray[np.int64], n_sites: int) -> NDArray[np.float64]:
    inside = states[states >= 0]
    return np.asarray(np.bincount(inside, minlength=n_sites) / len(states))


def _residence(frames: NDArray[np.int64], ions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Frames between successive jumps of the same ion."""
    order = np.lexsort((frames, ions))
    same_ion = np.diff(ions[order]) == 0
    return np.array(np.diff(frames[order])[same_ion], dtype=np.float64)


def _collective_share(
    times_ps: NDArray[np.float64],
    ions: NDArray[np.int64],
    middle: NDArray[np.float64],
    cell: NDArray[np.float64],
) -> float:
    """Share of jumps with another ion's jump within the time and the distance."""
    if len(times_ps) < 2:
        return 0.0
    joined = np.zeros(len(times_ps), dtype=bool)
    for i in range(len(times_ps)):
        stop = np.searchsorted(times_ps, times_ps[i] + COLLECTIVE_PS, side="right")
        near = np.arange(i + 1, stop)
        near = near[ions[near] != ions[i]]
        apart = middle[near] - middle[i]
        distance = np.linalg.norm((apart - np.rint(apart)) @ cell, axis=1)
        close = near[distance < COLLECTIVE_ANGSTROM]
        joined[close] = True
        joined[i] = joined[i] or len(close) > 0
    return float(joined.mean())


def _collective_chance(
    times_ps: NDArray[np.float64],
    ions: NDArray[np.int64],
    middle: NDArray[np.float64],
    cell: NDArray[np.float64],
    duration_ps: float,
) -> float:
    """The share of ``_collective_share`` where the ions know nothing of each other."""
    if len(times_ps) < 2:
        return 0.0
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(CHANCE_DRAWS if len(times_ps) <= CHANCE_JUMPS else 1):
        shift = rng.random(int(ions.max()) + 1) * duration_ps
        shifted = (times_ps + shift[ions]) % duration_ps
        order = np.argsort(shifted, kind="stable")
        shares.append(_collective_share(shifted[order], ions[order], middle[order], cell))
    return float(np.mean(shares))


def _return_share(
    ions: NDArray[np.int64],
    frames: NDArray[np.int64],
    origins: NDArray[np.int64],
    targets: NDArray[np.int64],
) -> float:
    """Share of jumps that lead back to where the ion came from."""
    order = np.lexsort((frames, ions))
    same = np.diff(ions[order]) == 0
    back = (targets[order][1:] == origins[order][:-1]) & same
    return float(back.sum() / same.sum()) if same.any() else 0.0
