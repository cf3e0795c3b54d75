"""Transport from trajectories: pure functions from arrays to frozen results."""

from screening.transport.analysis import analyse
from screening.transport.arrhenius import Arrhenius, arrhenius
from screening.transport.density import Density, density, density_path_ev, density_sites
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
from screening.transport.structure import Rdf, VanHove, radial_distribution, van_hove_self

__all__ = [
    "ESTIMATORS",
    "AnalysisOptions",
    "Arrhenius",
    "Density",
    "Diffusion",
    "Hops",
    "Measured",
    "Msd",
    "PointEstimate",
    "Rdf",
    "Rotation",
    "SpeciesReport",
    "Transport",
    "TransportReport",
    "VanHove",
    "analyse",
    "arrhenius",
    "collective_positions",
    "combine_replicas",
    "density",
    "density_path_ev",
    "density_sites",
    "diffusion",
    "hops",
    "mean_squared_displacement",
    "motion_shape",
    "msd_per_ion",
    "point_estimate",
    "radial_distribution",
    "rotation",
    "transport",
    "van_hove_self",
]
