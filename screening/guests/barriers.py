"""Barriers of a guest anion in a host: one ion more, all ions of the host in place.

Cen et al., Nat. Sustain. (2025) put LiI into Li3PS4, whose I⁻ hops between interstitial gaps. Here
the guest alone is put in, at every point of the complete host, and the thresholds of its
landscape are its barriers. Two things are not known beforehand, and are given as they bound the
answer:

- **The mobile cations.** In place, at their sites, they attract the guest, which holds it, and
  stand in its way; removed, they do neither. In a fast conductor they make way for the guest and
  follow it, and the truth lies between. Neither end is always the higher one.
- **The host.** At rest, or giving way around the guest in its Einstein springs, as around a
  vacancy hop. A guest is mostly larger than the gaps it hops between.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dualion.screening.barrier_types import UNKNOWN, BarrierOptions, IonBarriers
from dualion.screening.barriers import check_grid_size
from dualion.screening.bvse.field import Framework, bvse_field, framework_of
from dualion.screening.bvse.grid import Shape, compact, grid_shape
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import PRESETS
from dualion.screening.guests.room import Room, room_at
from dualion.screening.guests.thresholds import (
    RELAXING_WINDOW_EV,
    GuestThresholds,
    guest_thresholds,
)
from dualion.screening.hops.lattice_response import Springs, springs_of
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.thresholds import percolation
from dualion.screening.triple import Triple
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, UnpreparableStructureError

Floats = NDArray[np.float64]


def _guest_conventions() -> BarrierOptions:
    return BarrierOptions(potential=PRESETS["dualion"], mechanism="interstitial")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestOptions:
    """How the barriers of a guest are computed.

    Attributes:
        barriers: conventions; the mechanism is ``interstitial``. ``lattice`` says whether the
            barriers that decide are those of the host giving way or of the host at rest.
    """

    barriers: BarrierOptions = field(default_factory=_guest_conventions)

    def __post_init__(self) -> None:
        if self.barriers.mechanism != "interstitial":
            raise InputError(
                f"A guest moves by the mechanism interstitial, not {self.barriers.mechanism}."
            )


def guest_options(barriers: BarrierOptions) -> GuestOptions:
    """The conventions of guests beside those of a screening.

    Grid, cut and accepted parameters are the screening's; pair energies and mechanism are a
    guest's own, since without repulsion between anions a guest would fit anywhere.

    Args:
        barriers: conventions of the screening's ordinary pairs.
    """
    potential = dataclasses.replace(
        PRESETS["dualion"], parameter_quality=barriers.potential.parameter_quality
    )
    own = dataclasses.replace(
        _guest_conventions(),
        spacing_angstrom=barriers.spacing_angstrom,
        cut_ev=barriers.cut_ev,
        potential=potential,
    )
    return GuestOptions(barriers=own)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuestResult:
    """Barriers and place of one guest in one host.

    Attributes:
        guest: the guest.
        cation: the mobile cation that is in place, or removed.
        in_place: barriers in the complete host, which decide. ``barriers_ev`` are those of the host
            giving way (or at rest, where the options say so), ``rigid_ev`` those at rest.
        removed: the same without the mobile cations; NaN where ``removed_reason`` tells why.
        removed_reason: why there are no barriers without the cations; empty where there are.
        insertion_ev: bond valence site energy of the guest at its lowest minimum in the complete
            host, with the host treated as for ``in_place``, eV. Its zero is the guest far from
            everything, feeling nothing. It knows crowding and bonds to near neighbours. It is no
            enthalpy of solution: the long-range Coulomb energy, the cation that comes along and
            the salt's lattice energy are not in it.
        insertion_rigid_ev: the same with the host at rest, eV.
        site_frac: shape (3,), fractional position of that minimum in the host's own cell.
        room: the room at the lowest minimum of the host at rest.
    """

    guest: MobileIon
    cation: MobileIon
    in_place: IonBarriers
    removed: IonBarriers
    removed_reason: str
    insertion_ev: float
    insertion_rigid_ev: float
    site_frac: Floats
    room: Room

    @property
    def lowest_ev(self) -> Triple:
        """The lower of the barriers with and without the mobile cations, eV."""
        return self._ends(np.fmin)

    @property
    def highest_ev(self) -> Triple:
        """The higher of the barriers with and without the mobile cations, eV."""
        return self._ends(np.fmax)

    def _ends(self, choose: np.ufunc) -> Triple:
        return Triple(*map(float, choose(self.in_place.barriers_ev, self.removed.barriers_ev)))


def guest_barriers(
    host: IonicCrystal, guest: MobileIon, cation: MobileIon, options: GuestOptions | None = None
) -> GuestResult:
    """Compute the barriers of a guest anion in a host.

    Partial occupancies count as weights, as in any field of this package; ions of the guest's own
    element stay in the host.

    Args:
        host: the crystal, with all its ions.
        guest: the guest anion.
        cation: the host's mobile cation.
        options: conventions.

    Raises:
        InputError: the guest is no anion, or the cation is none of the host's.
        StructureError: the host cannot be treated, or a pair has no parameters.
    """
    options = options or GuestOptions()
    is_cation = (host.numbers == cation.number) & (host.charges > 0.0)
    if not guest.charge < 0.0 or not is_cation.any():
        raise InputError(f"A guest is an anion, and the host holds the cation: {guest}, {cation}.")
    cell = compact(host)
    shape = grid_shape(cell.cell, options.barriers.spacing_angstrom)
    check_grid_size(shape)
    complete = _framework(cell, guest, options)
    springs = springs_of(cell, complete, options.barriers.potential)
    rigid, chosen = _landscape(complete, springs, shape, options)
    removed, reason = _without_cations(cell, is_cation, (complete, springs), guest, shape, options)
    return GuestResult(
        guest=guest,
        cation=cation,
        in_place=_ion_barriers(guest, rigid, chosen, complete.quality, shape),
        removed=removed,
        removed_reason=reason,
        insertion_ev=chosen.minimum_ev,
        insertion_rigid_ev=rigid.minimum_ev,
        site_frac=(chosen.minimum_frac @ cell.cell @ np.linalg.inv(host.cell)) % 1.0,
        room=room_at(cell, guest, rigid.minimum_frac),
    )


def _framework(cell: IonicCrystal, guest: MobileIon, options: GuestOptions) -> Framework:
    return framework_of(cell, guest, options.barriers.potential, own_element_stays=True)


def _landscape(
    framework: Framework, springs: Springs, shape: Shape, options: GuestOptions
) -> tuple[GuestThresholds, GuestThresholds]:
    """Thresholds in one framework: at rest, and with the host treated as the options say."""
    cutoff = options.barriers.potential.cutoff_angstrom
    energies = bvse_field(framework, shape, cutoff_angstrom=cutoff)
    grid = percolation(energies, cut_ev=options.barriers.cut_ev, beyond_ev=RELAXING_WINDOW_EV)
    rigid, relaxing = guest_thresholds(framework, springs, energies, grid, cutoff_angstrom=cutoff)
    return rigid, relaxing if options.barriers.lattice == "relaxing" else rigid


def _without_cations(
    cell: IonicCrystal,
    is_cation: NDArray[np.bool_],
    complete: tuple[Framework, Springs],
    guest: MobileIon,
    shape: Shape,
    options: GuestOptions,
) -> tuple[IonBarriers, str]:
    """Barriers without the mobile cations, or why there are none.

    The ions that stay keep the springs of the complete host.
    """
    rest = _kept(cell, ~is_cation)
    try:
        framework = _framework(rest, guest, options)
    except UnpreparableStructureError:
        unknown = GuestThresholds(
            barriers_ev=UNKNOWN,
            from_region_ev=UNKNOWN,
            minimum_ev=np.nan,
            minimum_frac=np.full(3, np.nan),
        )
        quality = complete[0].quality
        return _ion_barriers(guest, unknown, unknown, quality, shape), (
            f"Without its mobile cations the host holds nothing that attracts {guest}."
        )
    springs = _springs_of_rest(complete, framework, np.flatnonzero(~is_cation))
    rigid, chosen = _landscape(framework, springs, shape, options)
    return _ion_barriers(guest, rigid, chosen, framework.quality, shape), ""


def _kept(crystal: IonicCrystal, keep: NDArray[np.bool_]) -> IonicCrystal:
    names = ("frac", "numbers", "charges", "occupancies")
    return dataclasses.replace(crystal, **{name: getattr(crystal, name)[keep] for name in names})


def _springs_of_rest(
    complete: tuple[Framework, Springs], rest: Framework, kept: NDArray[np.int64]
) -> Springs:
    """Springs of the ions that stay, in the order of their framework."""
    framework, springs = complete
    row_of_entry = {int(entry): row for row, entry in enumerate(framework.entries)}
    rows = [row_of_entry[int(entry)] for entry in kept[rest.entries]]
    return Springs(
        stiffness=np.ascontiguousarray(springs.stiffness[rows]),
        compliance=np.ascontiguousarray(springs.compliance[rows]),
    )


def _ion_barriers(
    guest: MobileIon,
    rigid: GuestThresholds,
    chosen: GuestThresholds,
    quality: ParameterQuality,
    shape: Shape,
) -> IonBarriers:
    return IonBarriers(
        ion=guest,
        barriers_ev=chosen.barriers_ev,
        from_region_ev=chosen.from_region_ev,
        refined_ev=chosen.barriers_ev,
        quality=quality,
        shape=shape,
        mechanism="interstitial",
        rigid_ev=rigid.barriers_ev,
    )
