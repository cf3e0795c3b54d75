"""What an analysis gives: one report per group of ions, and one of the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.collective.onsager import Transport
from dualion.screening.transport.motion.density import Density
from dualion.screening.transport.motion.density_path import DensityPath
from dualion.screening.transport.motion.hops import Hops
from dualion.screening.transport.motion.pathlines import Pathlines
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.motion.structure import Rdf
from dualion.screening.transport.motion.tensors import Anisotropy
from dualion.screening.transport.motion.van_hove import VanHove
from dualion.screening.transport.self_diffusion.blocks import BlockDiffusion
from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.screening.transport.self_diffusion.estimators import PointEstimate
from dualion.screening.transport.self_diffusion.kinisi_posterior import Posterior
from dualion.screening.transport.self_diffusion.msd import MotionShape, Msd
from dualion.screening.transport.self_diffusion.msd_band import MsdBand
from dualion.structures.documents import Document


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeciesReport:
    """What one group of ions does.

    Attributes:
        name: element, with ``(bound)`` or ``(free)`` where it is both.
        indices: shape (k,), its atoms.
        diffusion: D, interval and verdict.
        msd: mean squared displacement over all origins.
        band: its 95 % interval.
        shape: local slope and non-Gaussian parameter.
        estimates: published point estimators, for comparison only.
        posterior: kinisi's posterior; none or one.
        lindemann: displacement over neighbour distance, second half of the run.
        van_hove: both parts of the van Hove function.
        blocks: D of blocks of the run; none where the run is too short for three.
        anisotropy: principal axes of D, and whether they differ.
        ion_lag_ps: time of ``ion_tensors``, ps: the last lag of the fit.
        ion_tensors: shape (k, 3, 3), displacement tensor of each ion, Å².
        hops: jumps between sites; none or one.
        density: probability density; none or one.
        paths: percolating paths of the density, one for each finite barrier.
        path_ev: free-energy barriers of the density in 1, 2, 3 dimensions, eV; NaN where no
            density was made.
        hop_length_angstrom: length of a jump that N_eff counts in, Å.
    """

    name: str
    indices: NDArray[np.int64]
    diffusion: Diffusion
    msd: Msd
    band: MsdBand
    shape: MotionShape
    estimates: tuple[PointEstimate, ...]
    posterior: tuple[Posterior, ...]
    lindemann: float
    van_hove: VanHove
    blocks: tuple[BlockDiffusion, ...]
    anisotropy: Anisotropy
    ion_lag_ps: float
    ion_tensors: NDArray[np.float64]
    hops: tuple[Hops, ...] = ()
    density: tuple[Density, ...] = ()
    paths: tuple[DensityPath, ...] = ()
    path_ev: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    hop_length_angstrom: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransportReport(Document):
    """The finished analysis of one trajectory.

    Attributes:
        source: name of the file.
        n_frames: number of frames.
        frame_step_ps: time between frames, ps.
        temperature_k: temperature, K, or NaN.
        volume_cubic_angstrom: of the mean cell, Å³.
        framework: the frame of reference, in words.
        polyanions: formula of the bound groups, or empty.
        bonded_pairs: elements of centre and ligand of each kind of bond.
        species: one report per group.
        rotation: motion of bound ligands; none or one.
        transport: over all ions; none or one.
        transport_without_rotors: without bound ligands and their centres; none or one.
        rdfs: partial radial distributions.
        pathlines: of the mobile ions over the framework, for drawing.
        flags: names of what a cautious reader should know.
        format: name of the file's format; empty for arrays.
    """

    source: str
    n_frames: int
    frame_step_ps: float
    temperature_k: float
    volume_cubic_angstrom: float
    framework: str
    polyanions: str
    bonded_pairs: tuple[tuple[str, str], ...]
    species: tuple[SpeciesReport, ...]
    rotation: tuple[Rotation, ...]
    transport: tuple[Transport, ...]
    transport_without_rotors: tuple[Transport, ...]
    rdfs: tuple[Rdf, ...]
    pathlines: Pathlines
    flags: tuple[str, ...]
    format: str = ""

    def __repr__(self) -> str:
        """Source, temperature and the verdict on each ion, in a line."""
        told = ", ".join(f"{one.name} {one.diffusion.verdict}" for one in self.species)
        return f"TransportReport({self.source}, {self.temperature_k:g} K: {told})"
