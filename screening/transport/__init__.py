"""Transport from trajectories: pure functions from arrays to frozen results."""

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.arrhenius import Arrhenius, arrhenius
from dualion.screening.transport.collective.onsager import Transport, transport
from dualion.screening.transport.measured import Measured
from dualion.screening.transport.motion.density import Density, density, density_sites
from dualion.screening.transport.motion.density_path import (
    DensityPath,
    density_path_ev,
    density_paths,
)
from dualion.screening.transport.motion.hops import Hops, hops
from dualion.screening.transport.motion.pathlines import Pathlines
from dualion.screening.transport.motion.rotation import Rotation, rotation
from dualion.screening.transport.motion.structure import Rdf, radial_distribution
from dualion.screening.transport.motion.tensors import (
    Anisotropy,
    anisotropy,
    fractional_anisotropy,
    ion_tensors,
)
from dualion.screening.transport.motion.van_hove import VanHove, van_hove
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.report import SpeciesReport, TransportReport
from dualion.screening.transport.self_diffusion.blocks import BlockDiffusion, block_diffusion
from dualion.screening.transport.self_diffusion.coefficient import Diffusion, diffusion
from dualion.screening.transport.self_diffusion.estimators import (
    ESTIMATORS,
    PointEstimate,
    point_estimate,
)
from dualion.screening.transport.self_diffusion.msd import (
    Msd,
    collective_positions,
    mean_squared_displacement,
    motion_shape,
    msd_per_ion,
)

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
    "Pathlines",
    "PointEstimate",
    "Rdf",
    "Rotation",
    "SpeciesReport",
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
