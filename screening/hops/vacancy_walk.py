"""Tracer diffusion by one vacancy on a hop network: kinetic Monte Carlo with exact rates.

Rates are ν exp(−(E_saddle − E_site) / kT), after Vineyard, J. Phys. Chem. Solids 3, 121 (1957),
10.1016/0022-3697(57)90059-8, with one attempt frequency ν for all jumps; waiting times as in Bortz,
Kalos & Lebowitz, J. Comput. Phys. 17, 10 (1975), 10.1016/0021-9991(75)90060-1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import physical_constants

from dualion.screening.hops import _walk_kernel
from dualion.screening.hops.hop_list import HopList
from dualion.structures.errors import InputError

ATTEMPTS_HZ = 1e13
"""Usual attempt frequency ν, 1/s."""
BLOCK_SITES = 4000
"""Least number of sites of the block; its one vacancy then is dilute."""
JUMPS_PER_SITE = 100
REPLICAS = 16
MOST_SITES = 1_000_000
CM2_PER_ANGSTROM2 = 1e-16
BOLTZMANN_EV_K = physical_constants["Boltzmann constant in eV/K"][0]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VacancyDiffusion:
    """Tracer diffusion at dilute vacancies, per fraction of empty sites.

    Attributes:
        tensor_cm2_s: shape (3, 3), D of a tracer over the fraction of sites that are empty, cm²/s.
        tensor_error_cm2_s: shape (3, 3), standard error over the replicas, cm²/s.
        d_cm2_s: its isotropic part, cm²/s.
        d_error_cm2_s: standard error of that, cm²/s.
        correlation: tracer correlation factor.
        correlation_error: its standard error.
    """

    tensor_cm2_s: Floats
    tensor_error_cm2_s: Floats
    d_cm2_s: float
    d_error_cm2_s: float
    correlation: float
    correlation_error: float


def diffusion_by_vacancy(
    cell: Floats,
    frac: Floats,
    hops: HopList,
    saddles_ev: Floats,
    nodes_ev: Floats,
    *,
    temperature_k: float,
    seed: int,
    attempts_hz: float = ATTEMPTS_HZ,
    replicas: int = REPLICAS,
) -> VacancyDiffusion:
    """Compute the tracer diffusion of ions by a single vacancy.

    Args:
        cell: shape (3, 3), Å; rows are lattice vectors.
        frac: shape (s, 3), sites.
        hops: the hops between them.
        saddles_ev: shape (k,), of each distinct hop on the scale of the nodes, eV; one that is not
            finite is closed.
        nodes_ev: shape (s,), energy of the vacancy at each site, eV.
        temperature_k: temperature, K.
        seed: seed of the random numbers.
        attempts_hz: attempt frequency ν, 1/s.
        replicas: independent walks, at least two.

    Raises:
        InputError: a number is out of range, or a site has no open hop.
    """
    if not (temperature_k > 0.0 and attempts_hz > 0.0 and replicas >= 2):
        raise InputError(
            "A walk needs a temperature and an attempt frequency above zero, and two replicas."
        )
    table = _jumps(cell, frac, hops, saddles_ev, nodes_ev, temperature_k, attempts_hz)
    repeats = block_repeats(cell, len(frac))
    sites = int(repeats.prod()) * len(frac)
    seeds = np.random.SeedSequence(seed).spawn(replicas)
    tensors, factors = np.empty((replicas, 3, 3)), np.empty(replicas)
    for number, one in enumerate(seeds):
        random = np.random.default_rng(one)
        time, carried, single = _walk_kernel.walk(*table, repeats, JUMPS_PER_SITE * sites, random)
        # N ions of the block share one vacancy: D_tracer = Σ R² / (2 t N), over the fraction 1/N.
        tensors[number] = carried / (2.0 * time) * CM2_PER_ANGSTROM2
        factors[number] = np.trace(carried) / np.trace(single)
    isotropic = np.trace(tensors, axis1=1, axis2=2) / 3.0
    share = 1.0 / np.sqrt(replicas)
    return VacancyDiffusion(
        tensor_cm2_s=tensors.mean(axis=0),
        tensor_error_cm2_s=tensors.std(axis=0, ddof=1) * share,
        d_cm2_s=float(isotropic.mean()),
        d_error_cm2_s=float(isotropic.std(ddof=1) * share),
        correlation=float(factors.mean()),
        correlation_error=float(factors.std(ddof=1) * share),
    )


def block_repeats(cell: Floats, sites: int) -> Ints:
    """Cells of a block that is near a cube and holds enough sites, shape (3,).

    Args:
        cell: shape (3, 3), Å.
        sites: sites of one cell.
    """
    lengths = np.linalg.norm(cell, axis=1)
    edge = float((BLOCK_SITES / sites * lengths.prod()) ** (1.0 / 3.0))
    repeats = np.maximum(np.ceil(edge / lengths).astype(np.int64), 4)
    if repeats.prod() * sites > MOST_SITES:
        raise InputError(f"The cell has {sites} sites, too many for a walk; give a smaller cell.")
    return np.asarray(repeats)


def _jumps(
    cell: Floats,
    frac: Floats,
    hops: HopList,
    saddles_ev: Floats,
    nodes_ev: Floats,
    temperature_k: float,
    attempts_hz: float,
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Jumps of the vacancy out of each site, both ways of every open hop, as the kernel takes them.

    Raises:
        InputError: a site has none.
    """
    open_ = np.isfinite(saddles_ev[hops.kinds])
    near, far, cells = hops.near[open_], hops.far[open_], hops.cells[open_]
    tops = np.maximum(saddles_ev[hops.kinds[open_]], np.maximum(nodes_ev[near], nodes_ev[far]))
    starts, ends = np.concatenate([near, far]), np.concatenate([far, near])
    offsets = np.concatenate([cells, -cells])
    climbs = np.concatenate([tops, tops]) - nodes_ev[starts]
    order = np.argsort(starts, kind="stable")
    starts, ends, offsets = starts[order], ends[order], offsets[order]
    begins = np.searchsorted(starts, np.arange(len(frac) + 1))
    if (np.diff(begins) == 0).any():
        raise InputError("A site has no open hop; the vacancy would stay there for ever.")
    rates = attempts_hz * np.exp(-climbs[order] / (BOLTZMANN_EV_K * temperature_k))
    sums = np.concatenate([np.cumsum(part) for part in np.split(rates, begins[1:-1])])
    vectors = (frac[ends] + offsets - frac[starts]) @ cell
    return begins.astype(np.int64), ends, offsets, np.ascontiguousarray(vectors), sums
