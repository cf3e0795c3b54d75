"""How long is long enough: the run at which an ion that was not seen to diffuse would be.

An ion is called mobile from N_eff = N·MSD/a² = 56 jumps on (He, Zhu, Mo, npj Comput. Mater. 4, 18
(2018), doi:10.1038/s41524-018-0074-y), and N_eff grows by 6 N D/a² a time of the longest lag. With
D at the upper end of what the run allows, that gives the least time; a larger cell has as many
jumps in less time, and so has a hotter one, by exp(−E_a/kT).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.constants import physical_constants

from dualion.screening.transport.report import SpeciesReport, TransportReport
from dualion.screening.transport.self_diffusion.coefficient import REACH_SHARE
from dualion.screening.transport.self_diffusion.run_length import FALLS
from dualion.screening.transport.self_diffusion.upper_limit import CM2_S_PER_A2_PS
from dualion.screening.transport.self_diffusion.verdict import MOBILE_N_EFF

BOLTZMANN_EV_K = physical_constants["Boltzmann constant in eV/K"][0]

ASSUMED_EA_EV = 0.4
"""Activation energy of an ion of which none is known, eV; between those of fast cations and slow
anions, and named wherever it is used."""

HOTTEST_K = 1500.0
"""Few solids are themselves above this; no hotter run is proposed, K."""

LONGER = 2.0
"""Where jumps are enough and the MSD is not yet linear, the longest lag must at least double."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededTime:
    """What a run lacks to tell whether one group of ions diffuses.

    Attributes:
        species: name of the group.
        temperature_k: temperature of the run, K, or NaN.
        run_ps: length of the run, ps.
        n_eff: effective jumps seen.
        limit_cm2_s: D that the run excludes, and all above, cm²/s; ``inf`` where it excludes none.
        least_ps: run length for N_eff = 56 were D at that limit, ps; NaN where unknown.
        expected_ps: the same for D as seen, ps; ``inf`` where D is not beyond its error or falls
            with the length of the run, and where jumps are not what is missing.
        hotter_k: temperature at which this length would do, K, were D at the limit here; NaN
            where there is none below ``HOTTEST_K``.
        ea_ev: activation energy that ``hotter_k`` takes, eV.
    """

    species: str
    temperature_k: float
    run_ps: float
    n_eff: float
    limit_cm2_s: float
    least_ps: float
    expected_ps: float
    hotter_k: float
    ea_ev: float

    @property
    def factor(self) -> float:
        """How many times longer, or larger, the run must at least be."""
        return self.least_ps / self.run_ps


def needed_times(report: TransportReport, ea_ev: float = ASSUMED_EA_EV) -> tuple[NeededTime, ...]:
    """Return what the run lacks, for each ion that might diffuse and is not known to.

    Bound ligands, their centres and what the frame of reference is made of are left out.

    Args:
        report: the finished analysis.
        ea_ev: activation energy for hotter runs, eV.
    """
    bound = {element for pair in report.bonded_pairs for element in pair}
    held = set(report.framework.partition(": ")[2].split(", "))
    run_ps = (report.n_frames - 1) * report.frame_step_ps
    return tuple(
        needed_time(species, run_ps, report.temperature_k, ea_ev)
        for species in report.species
        if species.name not in bound | held
        and not species.name.endswith("(bound)")
        and species.diffusion.verdict in ("vibrating", "not resolved")
    )


def needed_time(
    species: SpeciesReport, run_ps: float, temperature_k: float, ea_ev: float = ASSUMED_EA_EV
) -> NeededTime:
    """Return what a run lacks for one group of ions.

    Args:
        species: what the group does.
        run_ps: length of the run, ps.
        temperature_k: temperature of the run, K, or NaN.
        ea_ev: activation energy for hotter runs, eV.
    """
    d = species.diffusion
    limit = d.upper_cm2_s if d.upper_cm2_s > 0.0 else np.inf
    # N_eff a time of the run, for a D of 1 cm²/s.
    pace = REACH_SHARE * 6.0 * d.n_ions / species.hop_length_angstrom**2 / CM2_S_PER_A2_PS
    missing = max(MOBILE_N_EFF - d.n_eff, 0.0)
    moving = d.verdict == "not resolved" and d.low_cm2_s > 0.0 and FALLS not in d.flags
    if missing == 0.0:
        least = LONGER * run_ps
    else:
        least = run_ps + missing / (pace * limit) if np.isfinite(limit) else np.nan
    return NeededTime(
        species=species.name,
        temperature_k=temperature_k,
        run_ps=run_ps,
        n_eff=d.n_eff,
        limit_cm2_s=limit,
        least_ps=float(least),
        expected_ps=run_ps + missing / (pace * d.d_cm2_s) if moving and missing else np.inf,
        hotter_k=hotter_temperature(temperature_k, float(least) / run_ps, ea_ev),
        ea_ev=ea_ev,
    )


def hotter_temperature(temperature_k: float, factor: float, ea_ev: float) -> float:
    """Temperature at which D is larger by a factor, K; NaN where it is above ``HOTTEST_K``.

    Args:
        temperature_k: K.
        factor: 1 or more.
        ea_ev: activation energy, eV, over 0.
    """
    if not (np.isfinite(temperature_k) and temperature_k > 0.0 and np.isfinite(factor)):
        return float("nan")
    inverse = 1.0 / temperature_k - BOLTZMANN_EV_K * np.log(factor) / ea_ev
    hotter = 1.0 / inverse if inverse > 0.0 else np.inf
    return float(hotter) if hotter <= HOTTEST_K else float("nan")
