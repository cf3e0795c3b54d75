"""Jumps between sites, with hysteresis against flicker, and what they have in common.

Sites are the maxima of the probability density. An ion belongs to a site once it is within its
core (at most 0.35 of the distance to the nearest other site) and keeps it until it reaches
another core: GEMDAT's plain boundary counts the rattling at it as jumps. A copy of a site in the
next cell is another place, so jumps of a small cell that lead to one count, with their length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport._checks import checked_step
from dualion.screening.transport.motion._hops_kernel import assign_sites
from dualion.screening.transport.motion.density import density, density_sites

CORE_SHARE = 0.35
"""Core radius over the distance to the nearest site; below one half, cores cannot touch."""

LARGEST_CORE_ANGSTROM = 1.2

OCCUPANCY_BLOCKS = 10
"""Blocks of the run whose scatter gives the error of an occupancy."""

COLLECTIVE_PS = 1.0
"""Two jumps that are no further apart in time than this may be one event, ps."""

COLLECTIVE_ANGSTROM = 4.5
"""… nor further apart in space than this, Å."""

CHANCE_DRAWS = 8
CHANCE_JUMPS = 20_000
"""Draws of shifted jumps for the share that chance gives; one draw for more jumps than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Jumps from one site to another.

    Attributes:
        origin: site left.
        target: site reached.
        offset: cells from that of the origin to that of the target.
        jumps: number of jumps.
        error: its Poisson error.
        length_angstrom: distance between the two, Å.
    """

    origin: int
    target: int
    offset: tuple[int, int, int]
    jumps: int
    error: float
    length_angstrom: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hops:
    """Jumps of one species.

    Attributes:
        species: what jumps.
        sites: shape (s, 3), fractional.
        occupancy: shape (s,), mean number of ions in each site.
        occupancy_error: shape (s,), standard error from ten blocks of the run; 0 where no block
            differs from another, NaN in a run of fewer frames than two a block.
        frames: shape (j,), frame at which each jump arrives.
        ions: shape (j,), index of the ion within its species.
        origins: shape (j,), site left.
        targets: shape (j,), site reached.
        offsets: shape (j, 3), cells from that of the site left to that of the site reached.
        lengths_angstrom: shape (j,), Å, from site to site.
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
    occupancy_error: NDArray[np.float64]
    frames: NDArray[np.int64]
    ions: NDArray[np.int64]
    origins: NDArray[np.int64]
    targets: NDArray[np.int64]
    offsets: NDArray[np.int64]
    lengths_angstrom: NDArray[np.float64]
    per_ion: NDArray[np.int64]
    residence_ps: NDArray[np.float64]
    rate_per_ps: float
    rate_error_per_ps: float
    collective_share: float
    collective_chance: float
    return_share: float

    def network(self) -> list[Link]:
        """Return the links of the site network, one for each direction, by their sites."""
        lengths: dict[tuple[int, int, tuple[int, ...]], list[float]] = {}
        for origin, target, offset, length in zip(
            self.origins.tolist(),
            self.targets.tolist(),
            self.offsets.tolist(),
            self.lengths_angstrom.tolist(),
            strict=True,
        ):
            lengths.setdefault((origin, target, tuple(offset)), []).append(length)
        return [
            Link(
                origin=origin,
                target=target,
                offset=(offset[0], offset[1], offset[2]),
                jumps=len(found),
                error=math.sqrt(len(found)),
                length_angstrom=found[0],
            )
            for (origin, target, offset), found in sorted(lengths.items())
        ]


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
        fractional: shape (frames, ions, 3), unwrapped, relative to the framework.
        cell: shape (3, 3), Å.
        frame_step_ps: time between frames, ps.
        species: name for the result.
        sites: shape (s, 3), fractional; found from the density where not given.
    """
    step_ps = checked_step(frame_step_ps)
    if sites is None:
        sites = density_sites(density(fractional, cell, species=species))
    states, images = assign_sites(
        np.ascontiguousarray(fractional),
        np.ascontiguousarray(sites, dtype=np.float64),
        np.ascontiguousarray(cell, dtype=np.float64),
        _core_radii(sites, cell) ** 2,
    )
    moved = (states[1:] != states[:-1]) | (images[1:] != images[:-1]).any(axis=2)
    changed = moved & (states[:-1] >= 0)
    frames, ions = np.nonzero(changed)
    origins, targets = states[:-1][changed], states[1:][changed]
    offsets = (images[1:][changed] - images[:-1][changed]).astype(np.int64)
    apart = sites[targets] + offsets - sites[origins]
    lengths = np.linalg.norm(apart @ cell, axis=1)
    total_ps = states.shape[1] * (len(states) - 1) * step_ps
    middle = sites[origins] + 0.5 * apart
    times_ps = np.asarray(frames * step_ps, dtype=np.float64)
    return Hops(
        species=species,
        sites=sites,
        occupancy=_occupancy(states, len(sites)),
        occupancy_error=_occupancy_error(states, len(sites)),
        frames=frames + 1,
        ions=ions,
        origins=origins,
        targets=targets,
        offsets=offsets,
        lengths_angstrom=lengths,
        per_ion=np.bincount(ions, minlength=states.shape[1]),
        residence_ps=_residence(frames, ions) * step_ps,
        rate_per_ps=len(frames) / total_ps,
        rate_error_per_ps=float(np.sqrt(max(len(frames), 1))) / total_ps,
        collective_share=_collective_share(times_ps, ions, middle, cell),
        collective_chance=_collective_chance(
            times_ps, ions, middle, cell, (len(states) - 1) * step_ps
        ),
        return_share=_return_share(ions, frames, origins, targets, offsets),
    )


def _core_radii(sites: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Core radius of each site, shape (s,), Å, by the nearest other site or copy of itself."""
    apart = sites[:, None] - sites[None]
    apart -= np.rint(apart)
    nearest = np.full(len(sites), np.inf)
    for shift in product((-1.0, 0.0, 1.0), repeat=3):  # the nearest image of a skewed cell
        distance = np.linalg.norm((apart + shift) @ cell, axis=2)
        if not any(shift):
            np.fill_diagonal(distance, np.inf)
        nearest = np.minimum(nearest, distance.min(axis=1, initial=np.inf))
    return np.asarray(np.minimum(CORE_SHARE * nearest, LARGEST_CORE_ANGSTROM))


def _occupancy(states: NDArray[np.int64], n_sites: int) -> NDArray[np.float64]:
    inside = states[states >= 0]
    return np.asarray(np.bincount(inside, minlength=n_sites) / len(states))


def _occupancy_error(states: NDArray[np.int64], n_sites: int) -> NDArray[np.float64]:
    """Standard error of each occupancy from the scatter of blocks of the run."""
    if len(states) < 2 * OCCUPANCY_BLOCKS:
        return np.full(n_sites, np.nan)
    blocks = [_occupancy(part, n_sites) for part in np.array_split(states, OCCUPANCY_BLOCKS)]
    return np.asarray(np.std(blocks, axis=0, ddof=1) / math.sqrt(OCCUPANCY_BLOCKS))


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
    offsets: NDArray[np.int64],
) -> float:
    """Share of jumps that lead back to where the ion came from."""
    order = np.lexsort((frames, ions))
    same = np.diff(ions[order]) == 0
    to_origin = targets[order][1:] == origins[order][:-1]
    same_cell = (offsets[order][1:] + offsets[order][:-1] == 0).all(axis=1)
    back = to_origin & same_cell & same
    return float(back.sum() / same.sum()) if same.any() else 0.0
