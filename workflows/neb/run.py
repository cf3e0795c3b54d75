"""Barriers of both ions of a structure with a potential: relax it, then hop after hop."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dualion.screening.criterion import DaiCriterion
from dualion.screening.hops.lazy_search import MARGIN_EV
from dualion.screening.ions import MobileIon
from dualion.structures.conversion import to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import DualionError, InputError, StructureError
from dualion.structures.supercells import make_supercell
from dualion.structures.symmetry import primitive_crystal
from dualion.workflows.doping.relaxation import RelaxOptions
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.band_steps import Stop
from dualion.workflows.neb.cell import (
    LEAST_ATOMS,
    MOST_ATOMS,
    SMALLEST_WIDTH_ANGSTROM,
    hop_cell,
    hop_supercell,
)
from dualion.workflows.neb.folder import NebFolder
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.hop_network import NetworkBarriers, OnHop, network_barriers
from dualion.workflows.neb.host import gain_when_shaken, host_flags, relax_host

CALLS_PER_IMAGE = 40
"""Force calls of an image of a usual band, for the estimate of time alone."""
CALLS_PER_END = 30

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NebOptions:
    """How barriers are computed with a potential.

    Attributes:
        band: limits of the bands and their ends.
        relaxation: limits of the relaxation of cell and atoms before.
        margin_ev: how far a saddle may lie below what bond valence lets expect, eV.
        most_atoms: largest number of atoms of a supercell.
        smallest_width_angstrom: least distance of its opposite faces, Å.
        least_atoms: smallest number of its atoms, where that stays under the largest.
        criterion: thresholds of the verdict.
    """

    band: BandOptions = field(default_factory=BandOptions)
    relaxation: RelaxOptions = field(default_factory=lambda: RelaxOptions(force_ev_angstrom=0.01))
    margin_ev: float = MARGIN_EV
    most_atoms: int = MOST_ATOMS
    smallest_width_angstrom: float = SMALLEST_WIDTH_ANGSTROM
    least_atoms: int = LEAST_ATOMS
    criterion: DaiCriterion = field(default_factory=DaiCriterion)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StructureBarriers:
    """Barriers of the ions of one structure.

    Attributes:
        ions: ion → its network.
        problems: ion → why it has none.
        volume_change: of the relaxation, as a share of the volume.
        host_converged: whether its force limit was reached.
        coordination: ion → its mean coordination number before and after.
    """

    ions: dict[str, NetworkBarriers]
    problems: dict[str, str]
    volume_change: float
    host_converged: bool
    coordination: dict[str, tuple[float, float]] = field(default_factory=dict)


def structure_barriers(
    crystal: IonicCrystal,
    ions: tuple[MobileIon, ...],
    potential: Potential,
    options: NebOptions,
    path: Path,
    *,
    on_hop: OnHop | None = None,
    say: Say | None = None,
    stop: Stop | None = None,
) -> StructureBarriers:
    """Compute the barriers of the ions of a structure; what its folder holds is kept.

    Args:
        crystal: as prepared.
        ions: the mobile ions.
        potential: what computes them.
        options: limits.
        path: folder of the structure.
        on_hop: called for each hop.
        say: called with a sentence on cost and cells.
        stop: asked after every step; True stops.

    Raises:
        InputError: the folder holds another calculation.
        StructureError: the structure is disordered or falls apart.
        StopRequested: ``stop`` returned True.
    """
    folder = NebFolder(path)
    small = _ordered_unit(crystal)
    folder.claim(_request(small, potential, options))
    host, about = _relaxed_host(small, potential, options, folder, stop)
    found: dict[str, NetworkBarriers] = {}
    problems: dict[str, str] = {}
    for ion in ions:
        own = NebFolder(path / str(ion))
        try:
            own.claim({"ion": str(ion)})
            _announce(host, ion, potential, options, own, say)
            network = network_barriers(
                host,
                ion,
                potential,
                options.band,
                own,
                margin_ev=options.margin_ev,
                most_atoms=options.most_atoms,
                smallest_width_angstrom=options.smallest_width_angstrom,
                least_atoms=options.least_atoms,
                on_hop=on_hop,
                stop=stop,
            )
            flags = dict.fromkeys((*network.flags, *host_flags(about)))
            found[str(ion)] = replace(network, flags=tuple(flags))
        except DualionError as error:
            problems[str(ion)] = str(error)
    return StructureBarriers(
        ions=found,
        problems=problems,
        volume_change=about["volume_change"],
        host_converged=about["converged"],
        coordination={
            ion: (before, after) for ion, (before, after) in about.get("coordination", {}).items()
        },
    )


def _ordered_unit(crystal: IonicCrystal) -> IonicCrystal:
    if crystal.is_disordered:
        raise StructureError(
            "The structure is disordered, and hops with a potential need one set of atoms; give an "
            "ordered configuration of it.",
            reason="disordered",
        )
    return primitive_crystal(crystal)


def _request(crystal: IonicCrystal, potential: Potential, options: NebOptions) -> dict[str, Any]:
    """What a folder's hops depend on."""
    digest = hashlib.sha256()
    for array in (np.round(crystal.cell, 4), np.round(crystal.frac, 4), crystal.numbers):
        digest.update(np.ascontiguousarray(array + 0.0).tobytes())
    limits = {key: value for key, value in asdict(options).items() if key != "criterion"}
    limits.pop("margin_ev")  # a wider margin adds hops and changes none
    return {"structure": digest.hexdigest()[:16], "potential": potential.name, **limits}


def _relaxed_host(
    crystal: IonicCrystal,
    potential: Potential,
    options: NebOptions,
    folder: NebFolder,
    stop: Stop | None,
) -> tuple[IonicCrystal, dict[str, Any]]:
    known = folder.host()
    if known is not None:
        return known
    relaxed, about = relax_host(crystal, potential, options.relaxation, stop=stop)
    gain = _shaken_gain(relaxed, potential, options, stop)
    if gain is not None:
        about["shaken_gain_ev_atom"] = gain
    folder.save_host(relaxed, about)
    found = folder.host()  # a resumed run goes on from the very same numbers
    assert found is not None
    return found


def _shaken_gain(
    host: IonicCrystal, potential: Potential, options: NebOptions, stop: Stop | None
) -> float | None:
    """What the complete supercell gains when it is shaken, eV/atom; None without such a cell."""
    try:
        found = hop_supercell(
            host,
            smallest_width_angstrom=options.smallest_width_angstrom,
            most_atoms=options.most_atoms,
            least_atoms=options.least_atoms,
        )
    except InputError:
        return None
    limits = RelaxOptions(
        force_ev_angstrom=options.band.end_force_ev_angstrom,
        most_steps=options.band.most_steps,
        cell=False,
    )
    return gain_when_shaken(make_supercell(host, found.matrix), potential, limits, stop=stop)


def _announce(
    host: IonicCrystal,
    ion: MobileIon,
    potential: Potential,
    options: NebOptions,
    folder: NebFolder,
    say: Say | None,
) -> None:
    """Measure a force call and tell what a hop costs."""
    if say is None or (folder.hops() and folder.ends()):
        return
    cell = hop_cell(
        host,
        ion,
        most_atoms=options.most_atoms,
        least_atoms=options.least_atoms,
        smallest_width_angstrom=options.smallest_width_angstrom,
    )
    began = time.perf_counter()
    potential.evaluate([to_atoms(cell.large)])
    seconds = time.perf_counter() - began
    hop = seconds * options.band.images * CALLS_PER_IMAGE
    say(
        f"{ion}: {len(cell.large.numbers)} atoms, {seconds:.2g} s a force call: about "
        f"{math.ceil(seconds * CALLS_PER_END)} s a vacancy and {math.ceil(hop)} s a hop."
    )
