"""Pair energies of a mobile ion with the ions of its framework.

Opposite signs attract through a Morse term, equal signs repel through a screened Coulomb
term (Adams & Rao, Phys. Status Solidi A 208, 1746 (2011), 10.1002/pssa.201001116; Chen, Wong,
Adams, Acta Cryst. B 75, 18 (2019), 10.1107/S2052520618015718):

    E_Morse(r)   = p D0 {[exp(α(Rmin − r)) − 1]² − 1}
    E_Coulomb(r) = 14.4 z1 z2 / √(n1 n2) / r · erfc(r / (f (rc1 + rc2)))

Codes differ in the prefactor p, in f and in the radii, and the barriers move with them, so
each is a named option and goes into every result.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from dualion.screening.bvse import softbv
from dualion.screening.bvse._pair_kernel import MORSE, SCREENED_COULOMB
from dualion.screening.bvse.estimated_parameters import (
    COULOMB_EV_ANGSTROM,
    principal_quantum_number,
)
from dualion.screening.bvse.pair_parameters import ParameterQuality, morse_parameters
from dualion.screening.bvse.pair_potential import KernelRow, PairPotential
from dualion.screening.ions import MobileIon
from dualion.structures.elements import symbol
from dualion.structures.errors import InputError, MissingParametersError

SMALLEST_DISTANCE_ANGSTROM = 0.3
"""Pair energies are held constant below this distance; no ion gets that close."""

Radii = Literal["ase", "softbv", "softbv_anions"]
RADII: tuple[Radii, ...] = get_args(Radii)


@dataclass(frozen=True, slots=True, kw_only=True)
class PotentialOptions:
    """Conventions of the pair energies.

    Attributes:
        preset: name of the set that these options belong to.
        morse_prefactor: p, the fraction of D0 that multiplies the Morse term.
        screening_factor: f of the Coulomb term.
        radii: radii of the Coulomb term: ``ase`` for the covalent radii of neutral atoms,
            ``softbv`` for softBV's, ``softbv_anions`` for softBV's between anions alone.
        cutoff_angstrom: pairs farther apart than this do not interact, Å.
        parameter_quality: the least trustworthy parameters that are accepted.
    """

    preset: str = "bvlain"
    morse_prefactor: float = 0.5
    screening_factor: float = 0.74
    radii: Radii = "ase"
    cutoff_angstrom: float = 10.0
    parameter_quality: ParameterQuality = ParameterQuality.ESTIMATED


PRESETS: dict[str, PotentialOptions] = {
    options.preset: options
    for options in (
        PotentialOptions(),
        PotentialOptions(preset="full_depth", morse_prefactor=1.0),
        PotentialOptions(preset="f070", screening_factor=0.70),
        PotentialOptions(preset="softbv_radii", radii="softbv"),
        PotentialOptions(preset="dualion", radii="softbv_anions"),
    )
}
"""Named conventions: bvlain's (the default), and one change of it each. ``dualion`` lets anions
repel each other: the radii of neutral atoms are half those of anions, and the term vanishes."""


def preset(name: str) -> PotentialOptions:
    """The conventions of that name.

    Raises:
        InputError: there is no such preset.
    """
    if name in PRESETS:
        return PRESETS[name]
    close = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.0)[0]
    raise InputError(
        f"There is no preset {name!r}; did you mean {close!r}? Known: {', '.join(PRESETS)}."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MorsePair:
    """Morse energy of one pair of ions.

    Attributes:
        depth_ev: p·D0, eV.
        alpha_per_angstrom: α, 1/Å.
        r_min_angstrom: distance of the minimum, Å.
    """

    depth_ev: float
    alpha_per_angstrom: float
    r_min_angstrom: float

    def energy_ev(self, r_angstrom: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pair energy in eV at distances in Å, any shape."""
        y = np.exp(self.alpha_per_angstrom * (self.r_min_angstrom - r_angstrom))
        return self.depth_ev * y * (y - 2.0)

    def radial_derivatives(self, r_angstrom: float, order: int) -> NDArray[np.float64]:
        """Return ((1/r) d/dr)ⁿ of the energy for n = 0 … order, shape (order + 1,), eV/Å²ⁿ.

        Args:
            r_angstrom: distance of the two ions, Å, above zero.
            order: the highest n.
        """
        alpha, scale = (
            self.alpha_per_angstrom,
            np.exp(self.alpha_per_angstrom * self.r_min_angstrom),
        )
        steep = _exponential_derivatives(2.0 * alpha, r_angstrom, order)
        wide = _exponential_derivatives(alpha, r_angstrom, order)
        return np.asarray(self.depth_ev * (scale**2 * steep - 2.0 * scale * wide))

    def kernel_row(self) -> KernelRow:
        """Return the kind and the constants as the kernels take them."""
        return float(MORSE), self.depth_ev, self.alpha_per_angstrom, self.r_min_angstrom


@dataclass(frozen=True, slots=True, kw_only=True)
class CoulombPair:
    """Screened Coulomb repulsion of one pair of ions.

    Attributes:
        strength_ev_angstrom: 14.4 z1 z2 / √(n1 n2), eV Å.
        screening_length_angstrom: f (rc1 + rc2), Å.
    """

    strength_ev_angstrom: float
    screening_length_angstrom: float

    def energy_ev(self, r_angstrom: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pair energy in eV at distances in Å, any shape."""
        screened = erfc(r_angstrom / self.screening_length_angstrom)
        return np.asarray(self.strength_ev_angstrom * screened / r_angstrom)

    def radial_derivatives(self, r_angstrom: float, order: int) -> NDArray[np.float64]:
        """Return ((1/r) d/dr)ⁿ of the energy for n = 0 … order, shape (order + 1,), eV/Å²ⁿ.

        The recursion of the Ewald sum's short-range tensors (Smith, CCP5 Newsletter 46, 18
        (1998)), with β = 1/screening length.

        Args:
            r_angstrom: distance of the two ions, Å, above zero.
            order: the highest n.
        """
        beta = 1.0 / self.screening_length_angstrom
        gauss = np.exp(-((beta * r_angstrom) ** 2)) / (beta * np.sqrt(np.pi))
        b = float(erfc(beta * r_angstrom)) / r_angstrom
        values = [b]
        for n in range(order):
            b = ((2 * n + 1) * b + (2.0 * beta**2) ** (n + 1) * gauss) / r_angstrom**2
            values.append(b if n % 2 else -b)
        return self.strength_ev_angstrom * np.array(values)

    def kernel_row(self) -> KernelRow:
        """Return the kind and the constants as the kernels take them."""
        length = self.screening_length_angstrom
        return float(SCREENED_COULOMB), self.strength_ev_angstrom, length, 0.0


def _exponential_derivatives(alpha: float, r: float, order: int) -> NDArray[np.float64]:
    """((1/r) d/dr)ⁿ exp(−αr), by r² hₙ₊₂ = α² hₙ − (2n + 1) hₙ₊₁."""
    h = np.empty(order + 2)
    h[0] = np.exp(-alpha * r)
    h[1] = -alpha * h[0] / r
    for n in range(order):
        h[n + 2] = (alpha**2 * h[n] - (2 * n + 1) * h[n + 1]) / r**2
    return h[: order + 1]


def pair_of(
    mobile: MobileIon, number: int, charge: float, options: PotentialOptions
) -> tuple[PairPotential | None, ParameterQuality]:
    """Find the pair energy of the mobile ion with one framework ion.

    Args:
        mobile: the mobile ion.
        number: atomic number of the framework ion.
        charge: charge of the framework ion, e.
        options: conventions of the pair energies.

    Returns:
        the pair energy, None where the framework atom is neutral and so does not interact, and how
        its parameters were found.

    Raises:
        MissingParametersError: no parameters of the accepted quality.
    """
    product = mobile.charge * charge
    if product == 0.0:
        return None, ParameterQuality.TABULATED
    if product > 0.0:
        return _coulomb_pair(mobile, number, charge, options), ParameterQuality.TABULATED
    ions = ((mobile.number, mobile.charge), (number, charge))
    cation, anion = ions if mobile.charge > 0 else ions[::-1]
    found, quality = morse_parameters(cation, anion, worst=options.parameter_quality)
    pair = MorsePair(
        depth_ev=options.morse_prefactor * found.d0_ev,
        alpha_per_angstrom=found.alpha_per_angstrom,
        r_min_angstrom=found.r_min_angstrom,
    )
    return pair, quality


def _coulomb_pair(
    mobile: MobileIon, number: int, charge: float, options: PotentialOptions
) -> CoulombPair:
    n1, n2 = (principal_quantum_number(z) for z in (mobile.number, number))
    radii = _radius(mobile.number, mobile.charge, options.radii) + _radius(
        number, charge, options.radii
    )
    return CoulombPair(
        strength_ev_angstrom=COULOMB_EV_ANGSTROM * mobile.charge * charge / (n1 * n2) ** 0.5,
        screening_length_angstrom=options.screening_factor * radii,
    )


def _radius(number: int, charge: float, radii: Radii) -> float:
    """Covalent radius in Å."""
    if radii == "softbv_anions" and charge < 0.0:
        return softbv.anion_radius_angstrom(number, charge)
    if radii != "softbv":
        return float(softbv.ase_covalent_radii()[number])
    by_charge = softbv.softbv_radii().get(number)
    if not by_charge:
        raise MissingParametersError(
            f"softBV has no covalent radius for {symbol(number)}; use --radii ase."
        )
    return by_charge[min(by_charge, key=lambda known: abs(known - charge))]


def with_changes(options: PotentialOptions, **changes: float | str | None) -> PotentialOptions:
    """The options with what is not None changed; the preset is then named ``custom``."""
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        return options
    return replace(options, preset="custom", **given)  # type: ignore[arg-type]


def refusing_estimates(options: PotentialOptions) -> PotentialOptions:
    """The same conventions, with tabulated pair parameters alone."""
    return replace(options, parameter_quality=ParameterQuality.TABULATED)
