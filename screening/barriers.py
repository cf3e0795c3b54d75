"""Migration barriers of one ion of one crystal, by either engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.barrier_types import (
    UNKNOWN,
    BarrierOptions,
    EngineName,
    IonBarriers,
    KnownBarriers,
)
from dualion.screening.bvse.bvlain_engine import bvlain_barriers
from dualion.screening.bvse.field import bvse_field, framework_of
from dualion.screening.bvse.grid import Shape, compact, grid_shape, peer_grid_shape
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.refinement import PASS_WINDOW_EV, refine
from dualion.screening.percolation.thresholds import Percolation, percolation
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, UnpreparableStructureError

MAX_GRID_POINTS = 30_000_000
"""Largest grid that is computed: about 1.5 GB of memory."""


def recalled_barriers(
    crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions, known: KnownBarriers
) -> IonBarriers:
    """Rebuild the barriers of an ion from known numbers, without its field.

    Args:
        crystal: the crystal, with every site of the mobile element.
        ion: the mobile ion.
        options: conventions, the same under which the numbers were found.
        known: the known barriers, eV.

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
    """Compute the barriers of an ion from a field of the whole cell.

    Args:
        crystal: the crystal, with every site of the mobile element.
        ion: the mobile ion.
        options: conventions; they also name the engine.

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
    check_grid_size(shape)
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


def check_grid_size(shape: Shape) -> None:
    """Refuse a grid that memory would not hold.

    Args:
        shape: number of grid points along each axis.

    Raises:
        UnpreparableStructureError: it has more than ``MAX_GRID_POINTS``.
    """
    points = shape[0] * shape[1] * shape[2]
    if points > MAX_GRID_POINTS:
        raise UnpreparableStructureError(
            f"The grid would have {points:,} points, more than {MAX_GRID_POINTS:,}; choose a "
            "larger --spacing or a smaller cell.",
            reason="cell_too_large",
        )


def _bvlain(crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions) -> IonBarriers:
    return bvlain_barriers(crystal, ion, options)


_ENGINES: dict[EngineName, Callable[[IonicCrystal, MobileIon, BarrierOptions], IonBarriers]] = {
    "native": native_barriers,
    "bvlain": _bvlain,
}
