"""Migration barriers of one ion of one crystal, by either engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.bvlain_engine import bvlain_barriers
from dualion.screening.bvse.field import bvse_field, framework_of
from dualion.screening.bvse.grid import Shape, compact, grid_shape, peer_grid_shape
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import PotentialOptions
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.refinement import PASS_WINDOW_EV, refine
from dualion.screening.percolation.thresholds import CUT_EV, Percolation, Triple, percolation
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, UnpreparableStructureError

MAX_GRID_POINTS = 30_000_000
"""Largest grid that is computed: about 1.5 GB of memory."""

EngineName = Literal["native", "bvlain"]
ENGINE_NAMES: tuple[EngineName, ...] = get_args(EngineName)
UNKNOWN: Triple = (math.nan, math.nan, math.nan)

Mechanism = Literal["empty_lattice", "vacancy", "interstitial"]
"""How an ion moves: through the crystal without its own sublattice; into an empty neighbour, all
others in place; or as one ion more in the complete crystal."""
MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)
Lattice = Literal["rigid", "relaxing"]
"""Whether the ions around a hop stay where they are, or give way."""
LATTICES: tuple[Lattice, ...] = get_args(Lattice)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierOptions:
    """How barriers are computed.

    Attributes:
        spacing_angstrom: largest distance of grid points along an axis, Å.
        cut_ev: barriers above this count as no percolation, eV.
        potential: conventions of the pair energies.
        engine: ``native``, or ``bvlain`` for comparison.
        refined: whether barriers are also computed free of the grid's error.
        mechanism: how the ion moves.
        lattice: whether the ions around a vacancy hop give way; around a field none does.
    """

    spacing_angstrom: float = 0.2
    cut_ev: float = CUT_EV
    potential: PotentialOptions = field(default_factory=PotentialOptions)
    engine: EngineName = "native"
    refined: bool = True
    mechanism: Mechanism = "empty_lattice"
    lattice: Lattice = "relaxing"

    def __post_init__(self) -> None:
        if self.mechanism not in MECHANISMS:
            raise InputError(
                f"There is no mechanism {self.mechanism!r}; known: {', '.join(MECHANISMS)}."
            )
        if self.lattice not in LATTICES:
            raise InputError(f"There is no lattice {self.lattice!r}; known: {', '.join(LATTICES)}.")
        if self.engine == "bvlain" and self.mechanism != "empty_lattice":
            raise InputError(
                f"The engine bvlain has no mechanism {self.mechanism!r}; choose the engine native."
            )
        if self.engine not in ENGINE_NAMES:
            raise InputError(
                f"There is no engine {self.engine!r}; known: {', '.join(ENGINE_NAMES)}."
            )
        if not self.cut_ev > 0.0:
            raise InputError("The cut of the percolation search must be above 0 eV.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IonBarriers:
    """Barriers of one ion.

    Attributes:
        ion: the mobile ion.
        barriers_ev: E_1D, E_2D, E_3D above the field's minimum, eV; ``inf`` for none.
        from_region_ev: the same above the minimum of the percolating region, eV; NaN where the
            engine does not tell.
        refined_ev: E_1D, E_2D, E_3D of the continuous potential, free of the grid's error, eV;
            NaN where they were not asked for.
        quality: the least trustworthy pair parameters in use.
        shape: grid points along each axis; empty where the barriers are those of hops.
        mechanism: how the ion moves.
        rigid_ev: E_1D, E_2D, E_3D if no other ion gave way, eV; NaN where they are not known.
    """

    ion: MobileIon
    barriers_ev: Triple
    from_region_ev: Triple
    refined_ev: Triple
    quality: ParameterQuality
    shape: tuple[int, ...]
    mechanism: Mechanism = "empty_lattice"
    rigid_ev: Triple = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBarriers:
    """Numbers of an ``IonBarriers`` that were computed before, under the same conventions.

    Attributes:
        barriers_ev, from_region_ev, refined_ev, rigid_ev: as there.
    """

    barriers_ev: Triple
    from_region_ev: Triple
    refined_ev: Triple
    rigid_ev: Triple = UNKNOWN


def recalled_barriers(
    crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions, known: KnownBarriers
) -> IonBarriers:
    """Barriers of an ion from known numbers, without its field.

    Raises:
        StructureError: the engine cannot treat the crystal or the ion; the message says why.
    """
    quality = ParameterQuality.TABULATED  # bvlain has no others
    if options.engine == "native":
        stays = options.mechanism != "empty_lattice"
        quality = framework_of(crystal, ion, options.potential, own_element_stays=stays).quality
    return IonBarriers(
        ion=ion,
        barriers_ev=known.barriers_ev,
        from_region_ev=known.from_region_ev,
        refined_ev=known.refined_ev,
        quality=quality,
        shape=_shape_of(crystal, options),
        mechanism=options.mechanism,
        rigid_ev=known.rigid_ev,
    )


def _shape_of(crystal: IonicCrystal, options: BarrierOptions) -> tuple[int, ...]:
    if options.mechanism == "vacancy":
        return ()
    if options.engine == "bvlain":
        return peer_grid_shape(crystal.cell, options.spacing_angstrom)
    return grid_shape(compact(crystal).cell, options.spacing_angstrom)


def ion_barriers(crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions) -> IonBarriers:
    """Barriers of an ion from a field of the whole cell, by the engine that the options name.

    Raises:
        StructureError: the engine cannot treat the crystal or the ion; the message says why.
    """
    return _ENGINES[options.engine](crystal, ion, options)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landscape:
    """The field of an ion and what percolates through it.

    Attributes:
        energies_ev: shape (nx, ny, nz), eV.
        grid: percolation on the grid, with its network of basins and passes.
        barriers: the barriers, refined ones included where they were asked for.
    """

    energies_ev: NDArray[np.float64]
    grid: Percolation
    barriers: IonBarriers


def native_barriers(
    crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions, *, shape: Shape | None = None
) -> IonBarriers:
    """Barriers by this package's own field and percolation.

    Args:
        crystal: the crystal, with every site of the mobile element.
        ion: the mobile ion.
        options: conventions; the grid's spacing counts only where ``shape`` is not given.
        shape: number of grid points along each axis of the crystal's own cell; without it, much
            skewed cells are reduced first.
    """
    if shape is None:
        crystal = compact(crystal)
    return landscape(crystal, ion, options, shape=shape).barriers


def landscape(
    crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions, *, shape: Shape | None = None
) -> Landscape:
    """Field and percolation of an ion on a grid of the crystal's own cell.

    Args:
        crystal: the crystal, with every site of the mobile element.
        ion: the mobile ion; for the interstitial mechanism, one that comes in addition.
        options: conventions. The vacancy mechanism has no field of the whole cell.
        shape: number of grid points along each axis, in place of the options' spacing.

    Raises:
        InputError: the mechanism is that of vacancies.
        StructureError: the crystal cannot be treated; the message says why.
    """
    if options.mechanism == "vacancy":
        raise InputError(
            "A vacancy mechanism has hops, each with a landscape of its own; for a landscape of "
            "the whole cell choose the mechanism empty_lattice or interstitial."
        )
    shape = shape or grid_shape(crystal.cell, options.spacing_angstrom)
    points = shape[0] * shape[1] * shape[2]
    if points > MAX_GRID_POINTS:
        raise UnpreparableStructureError(
            f"The grid would have {points:,} points, more than {MAX_GRID_POINTS:,}; choose a "
            "larger --spacing or a smaller cell.",
            reason="cell_too_large",
        )
    stays = options.mechanism == "interstitial"
    framework = framework_of(crystal, ion, options.potential, own_element_stays=stays)
    cutoff = options.potential.cutoff_angstrom
    energies = bvse_field(framework, shape, cutoff_angstrom=cutoff)
    beyond = PASS_WINDOW_EV if options.refined else 0.0
    found = percolation(energies, cut_ev=options.cut_ev, beyond_ev=beyond)
    refined = UNKNOWN
    if options.refined:
        refined = refine(framework, energies, found, cutoff_angstrom=cutoff).barriers_ev
    barriers = IonBarriers(
        ion=ion,
        barriers_ev=found.barriers_ev,
        from_region_ev=found.from_region_ev,
        refined_ev=refined,
        quality=framework.quality,
        shape=shape,
        mechanism=options.mechanism,
        rigid_ev=refined,
    )
    return Landscape(energies_ev=energies, grid=found, barriers=barriers)


def _bvlain(crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions) -> IonBarriers:
    return bvlain_barriers(crystal, ion, options)


_ENGINES: dict[EngineName, Callable[[IonicCrystal, MobileIon, BarrierOptions], IonBarriers]] = {
    "native": native_barriers,
    "bvlain": _bvlain,
}
