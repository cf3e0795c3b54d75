"""Transport from trajectories: pure functions from arrays to frozen results."""

from screening.transport.analysis import analyse
from screening.transport.arrhenius import Arrhenius, arrhenius
from screening.transport.blocks import BlockDiffusion, block_diffusion
from screening.transport.density import Density, density, density_sites
from screening.transport.density_path import DensityPath, density_path_ev, density_paths
from screening.transport.diffusion import Diffusion, diffusion
from screening.transport.estimators import ESTIMATORS, PointEstimate, point_estimate
from screening.transport.hops import Hops, hops
from screening.transport.measured import Measured
from screening.transport.msd import (
    Msd,
    collective_positions,
    mean_squared_displacement,
    motion_shape,
    msd_per_ion,
)
from screening.transport.onsager import Transport, transport
from screening.transport.options import AnalysisOptions
from screening.transport.replicas import combine_replicas
from screening.transport.report import SpeciesReport, TransportReport
from screening.transport.rotation import Rotation, rotation
from screening.transport.structure import Rdf, radial_distribution
from screening.transport.tensors import (
    Anisotropy,
    anisotropy,
    fractional_anisotropy,
    ion_tensors,
)
from screening.transport.tracks import Tracks
from screening.transport.van_hove import VanHove, van_hove

__all__ = [
    "ESTIMATORS",
    "AnalysisOptions",
    "Anisotropy",
    "Arrhenius",
    "BlockDiffusion",
    "Density",
    "DensityPath",
    "Diffusion",
    "Hops",
    "Measured",
    "Msd",
    "PointEstimate",
    "Rdf",
    "Rotation",
    "SpeciesReport",
    "Tracks",
    "Transport",
    "TransportReport",
    "VanHove",
    "analyse",
    "anisotropy",
    "arrhenius",
    "block_diffusion",
    "collective_positions",
    "combine_replicas",
    "density",
    "density_path_ev",
    "density_paths",
    "density_sites",
    "diffusion",
    "fractional_anisotropy",
    "hops",
    "ion_tensors",
    "mean_squared_displacement",
    "motion_shape",
    "msd_per_ion",
    "point_estimate",
    "radial_distribution",
    "rotation",
    "transport",
    "van_hove",
]
