"""What an analysis gives: one report per group of ions, and one of the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.transport.density import Density
from screening.transport.diffusion import Diffusion
from screening.transport.estimators import PointEstimate
from screening.transport.hops import Hops
from screening.transport.kinisi_posterior import Posterior
from screening.transport.msd import MotionShape, Msd
from screening.transport.onsager import Transport
from screening.transport.rotation import Rotation
from screening.transport.structure import Rdf, VanHove


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeciesReport:
    """What one group of ions does.

    Attributes:
        name: element, with ``(bound)`` or ``(free)`` where it is both.
        indices: shape (k,), its atoms.
        diffusion: D, interval and verdict.
        msd: mean squared displacement over all origins.
        shape: local slope and non-Gaussian parameter.
        estimates: published point estimators, for comparison only.
        posterior: kinisi's posterior; none or one.
        lindemann: displacement over neighbour distance, second half of the run.
        van_hove: self part of the van Hove function.
        hops: jumps between sites; none or one.
        density: probability density; none or one.
        path_ev: free-energy barriers of the density in 1, 2, 3 dimensions, eV; NaN where no
            density was made.
    """

    name: str
    indices: NDArray[np.int64]
    diffusion: Diffusion
    msd: Msd
    shape: MotionShape
    estimates: tuple[PointEstimate, ...]
    posterior: tuple[Posterior, ...]
    lindemann: float
    van_hove: VanHove
    hops: tuple[Hops, ...] = ()
    density: tuple[Density, ...] = ()
    path_ev: tuple[float, float, float] = (np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransportReport:
    """The finished analysis of one trajectory.

    Attributes:
        source: name of the file.
        n_frames: number of frames.
        frame_step_ps: time between frames, ps.
        temperature_k: temperature, K, or NaN.
        volume_cubic_angstrom: of the mean cell, Å³.
        framework: the frame of reference, in words.
        polyanions: formula of the bound groups, or empty.
        species: one report per group.
        rotation: motion of bound ligands; none or one.
        transport: over all ions; none or one.
        transport_without_rotors: without bound ligands and their centres; none or one.
        rdfs: partial radial distributions.
        flags: names of what a cautious reader should know.
    """

    source: str
    n_frames: int
    frame_step_ps: float
    temperature_k: float
    volume_cubic_angstrom: float
    framework: str
    polyanions: str
    species: tuple[SpeciesReport, ...]
    rotation: tuple[Rotation, ...]
    transport: tuple[Transport, ...]
    transport_without_rotors: tuple[Transport, ...]
    rdfs: tuple[Rdf, ...]
    flags: tuple[str, ...]
