"""The peer as an engine: barriers by the installed bvlain package (Dembitskiy et al.).

For ordered crystals of integer charges. bvlain bisects to 0.01 eV and reports the upper end of
its bracket, so its numbers lie up to 0.01 eV above the exact ones; its k-d tree query counts
the nearest ``NEIGHBOURS`` ions only.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np

from dualion.screening.barrier_types import UNKNOWN, BarrierOptions, IonBarriers
from dualion.screening.bvse.grid import peer_grid_shape
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.ions import MobileIon
from dualion.screening.triple import Triple
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.errors import InputError, MissingParametersError, UnpreparableStructureError

NEIGHBOURS = 100
"""bvlain's default number of nearest ions."""


def bvlain_barriers(
    crystal: IonicCrystal,
    ion: MobileIon,
    options: BarrierOptions,
    *,
    neighbours: int = NEIGHBOURS,
) -> IonBarriers:
    """Compute barriers by bvlain.

    Args:
        crystal: the ordered crystal, with every site of the mobile element.
        ion: the mobile ion.
        options: conventions and the spacing of the grid, Å.
        neighbours: how many framework ions bvlain sums over at each grid point.

    Raises:
        UnpreparableStructureError: the crystal is disordered or has fractional charges.
        MissingParametersError: bvlain has no parameters for a pair.
        InputError: the options ask for a convention that bvlain does not have.
    """
    _check(crystal, ion, options)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # bvlain uses names that scipy has deprecated
        lain = _loaded(crystal)
        try:
            lain.bvse_distribution(
                mobile_ion=f"{ion.element}{abs(ion.charge):.0f}{'+' if ion.charge > 0 else '-'}",
                r_cut=options.potential.cutoff_angstrom,
                resolution=options.spacing_angstrom,
                k=neighbours,
                f=options.potential.screening_factor,
                use_softbv_covalent_radii=options.potential.radii == "softbv",
            )
        except KeyError as error:
            raise MissingParametersError(
                f"bvlain has no parameters for {ion} with an ion of this crystal ({error}). "
                "Use --engine native, which estimates what is missing."
            ) from error
        energies = lain.percolation_barriers(encut=options.cut_ev)
    return IonBarriers(
        ion=ion,
        barriers_ev=Triple(energies["E_1D"], energies["E_2D"], energies["E_3D"]),
        from_region_ev=UNKNOWN,
        refined_ev=UNKNOWN,
        quality=ParameterQuality.TABULATED,
        shape=peer_grid_shape(crystal.cell, options.spacing_angstrom),
    )


def _check(crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions) -> None:
    if options.potential.morse_prefactor != 0.5:
        raise InputError("bvlain has no other Morse prefactor than 0.5; use --engine native.")
    charges = np.append(crystal.charges, ion.charge)
    if crystal.is_disordered or np.abs(charges - np.round(charges)).max() > 1e-6:
        raise UnpreparableStructureError(
            "bvlain takes ordered crystals with integer charges only; use --engine native.",
            reason="engine_cannot",
        )


def _loaded(crystal: IonicCrystal) -> Any:
    """A bvlain calculator that holds the crystal, charges as they are."""
    import bvlain
    from pymatgen.core import Lattice, Species, Structure

    species = [
        Species(symbol(int(z)), round(float(q)))
        for z, q in zip(crystal.numbers, crystal.charges, strict=True)
    ]
    lain = bvlain.Lain(verbose=False)
    lain.read_structure(Structure(Lattice(crystal.cell), species, crystal.frac), oxi_check=False)
    return lain
