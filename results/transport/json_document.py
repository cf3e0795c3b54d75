"""A finished transport analysis as JSON, every number with its error and unit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np

from dualion.results.transport.identity import RunOrigin, identify_run, identity_json
from dualion.results.transport.tables import species_row
from dualion.screening.transport.arrhenius import Arrhenius
from dualion.screening.transport.collective.onsager import Transport
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.measured import Measured
from dualion.screening.transport.motion.density_path import DensityPath
from dualion.screening.transport.motion.hops import Hops
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.number_text import diffusion_text, interval_text, measured_text
from dualion.screening.transport.report import SpeciesReport, TransportReport
from dualion.screening.transport.self_diffusion.blocks import BlockDiffusion
from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.screening.transport.self_diffusion.upper_limit import CM2_S_PER_A2_PS

SCHEMA = "dualion-transport-2"


def report_json(
    report: TransportReport,
    arrhenius: Mapping[str, Arrhenius] | None = None,
    *,
    combined: Sequence[CombinedIon] = (),
    origin: RunOrigin | None = None,
) -> str:
    """Write the whole analysis as JSON; ``null`` stands for unknown, "inf" for no limit.

    Args:
        report: the finished analysis.
        arrhenius: fits by species.
        combined: each ion at each temperature of several runs.
        origin: what made the trajectory.
    """
    content = {
        "schema": SCHEMA,
        "source": report.source,
        "run": {
            **identity_json(identify_run(report, origin)),
            "cell_angstrom": report.pathlines.cell.tolist(),
        },
        "n_frames": report.n_frames,
        "frame_step_ps": report.frame_step_ps,
        "temperature_k": report.temperature_k,
        "volume_angstrom3": report.volume_cubic_angstrom,
        "framework": report.framework,
        "polyanions": report.polyanions,
        "flags": list(report.flags),
        "species": [_species_json(report, s) for s in report.species],
        "rotation": [_rotation_json(r) for r in report.rotation],
        "transport": [_transport_json(t) for t in report.transport],
        "transport_without_rotors": [_transport_json(t) for t in report.transport_without_rotors],
        "rdf": [
            {
                "pair": list(r.pair),
                "first_peak_angstrom": r.first_peak_angstrom,
                "peak_shift_angstrom": r.peak_shift_angstrom,
                "change_between_halves": r.change,
            }
            for r in report.rdfs
        ],
        "temperatures": [_combined_json(one) for one in combined],
        "arrhenius": {name: arrhenius_dict(a) for name, a in (arrhenius or {}).items()},
    }
    return json.dumps(_clean(content), indent=2, allow_nan=False) + "\n"


def _species_json(report: TransportReport, species: SpeciesReport) -> dict[str, object]:
    d = species.diffusion
    row = species_row(report, species)
    row["flags"] = list(d.flags)
    row["d_text"] = diffusion_text(d.verdict, d.d_cm2_s, d.error_cm2_s, d.upper_cm2_s)
    row["d_interval_text"] = interval_text(d.low_cm2_s, d.high_cm2_s) if d.resolved else ""
    row["msd_fit"] = _fit_json(d)
    row["anisotropy"] = {
        "fractional": row["anisotropy"],
        "fractional_from_noise": row["anisotropy_from_noise"],
        "isotropic_chance": row["isotropic_chance"],
    }
    row |= _directions_json(species) if d.resolved else {}
    row["blocks"] = [_blocks_json(blocks) for blocks in species.blocks] if d.resolved else []
    row["intercept_angstrom2"] = d.intercept_angstrom2
    row["density_barriers_ev"] = list(species.path_ev)
    row["density_paths"] = [_path_json(path) for path in species.paths]
    row["van_hove"] = {
        "times_ps": species.van_hove.times_ps.tolist(),
        "refilled": species.van_hove.refilled.tolist(),
    }
    if species.hops:
        row["hops"] = _hops_json(species.hops[0])
    return row


def _combined_json(one: CombinedIon) -> dict[str, object]:
    """An ion at one temperature: D with its error where it is resolved, else its limit."""
    d = one.diffusion
    return {
        "species": one.species,
        "temperature_k": one.temperature_k,
        "runs": one.runs,
        "n_ions": d.n_ions,
        "verdict": d.verdict,
        "d_cm2_s": d.d_cm2_s if d.resolved else math.nan,
        "d_error_cm2_s": d.error_cm2_s if d.resolved else math.nan,
        "d_low_cm2_s": d.low_cm2_s if d.resolved else math.nan,
        "d_high_cm2_s": d.high_cm2_s if d.resolved else math.nan,
        "d_upper_cm2_s": d.upper_cm2_s,
        "flags": list(d.flags),
    }


def _fit_json(d: Diffusion) -> dict[str, object]:
    """The slope of the MSD in its window, Å²/ps: what replicas are combined from, and no D."""
    unit = 6.0 / CM2_S_PER_A2_PS
    return {
        "slope_angstrom2_ps": unit * d.d_cm2_s,
        "error_angstrom2_ps": unit * d.error_cm2_s,
        "low_angstrom2_ps": unit * d.low_cm2_s,
        "high_angstrom2_ps": unit * d.high_cm2_s,
        "one_jump_angstrom2_ps": unit * d.one_jump_cm2_s,
    }


def _directions_json(species: SpeciesReport) -> dict[str, object]:
    directions = species.anisotropy
    return {
        "d_tensor_cm2_s": species.diffusion.tensor_cm2_s.tolist(),
        "d_tensor_error_cm2_s": species.diffusion.tensor_error_cm2_s.tolist(),
        "d_principal_cm2_s": directions.principal_cm2_s.tolist(),
        "d_principal_error_cm2_s": directions.errors_cm2_s.tolist(),
        "principal_axes": directions.axes.tolist(),
    }


def _hops_json(jumps: Hops) -> dict[str, object]:
    return {
        "count": len(jumps.frames),
        "count_error": math.sqrt(len(jumps.frames)),
        "sites": len(jumps.sites),
        "rate_per_ps": jumps.rate_per_ps,
        "rate_error_per_ps": jumps.rate_error_per_ps,
        "mean_length_angstrom": _mean(jumps.lengths_angstrom),
        "mean_residence_ps": _mean(jumps.residence_ps),
        "collective_share": jumps.collective_share,
        "collective_chance": jumps.collective_chance,
        "return_share": jumps.return_share,
        "per_ion": jumps.per_ion.tolist(),
    }


def _blocks_json(blocks: BlockDiffusion) -> dict[str, object]:
    return {
        "block_ps": blocks.block_ps,
        "d_cm2_s": blocks.d_cm2_s.tolist(),
        "mean_cm2_s": blocks.mean_cm2_s,
        "error_cm2_s": blocks.error_cm2_s,
        "low_cm2_s": blocks.low_cm2_s,
        "high_cm2_s": blocks.high_cm2_s,
    }


def _path_json(path: DensityPath) -> dict[str, object]:
    return {
        "dimension": path.dimension,
        "winding": list(path.winding),
        "barrier_ev": path.barrier_ev,
        "least_error_ev": path.least_error_ev,
        "bottleneck_visits": path.bottleneck_visits,
        "sampled": path.sampled,
        "bottleneck": (path.frac[path.bottleneck] % 1.0).tolist(),
        "length_angstrom": float(path.distance_angstrom[-1]),
        "sites": path.sites.tolist(),
        "site_cells": path.site_cells.tolist(),
        "points": path.frac.tolist(),
        "energies_ev": path.energies_ev.tolist(),
    }


def _mean(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(values.mean()) if len(values) else math.nan


def _rotation_json(rotation: Rotation) -> dict[str, object]:
    return {
        "polyanion": rotation.formula,
        "verdict": rotation.verdict,
        "bonds": rotation.n_bonds,
        "bond_length_angstrom": rotation.bond_length_angstrom,
        "relaxation_ps": rotation.relaxation_ps,
        "lowest_correlation": float(rotation.correlation.min()),
        "largest_relative_msd_angstrom2": float(rotation.relative_msd.max()),
        "ceiling_angstrom2": rotation.ceiling_angstrom2,
        "broken_bonds": rotation.broken_bonds,
        "exchanges": rotation.exchanges,
    }


def _transport_json(transport: Transport) -> dict[str, object]:
    return {
        "species": list(transport.species),
        "charges_e": transport.charges_e.tolist(),
        "temperature_k": transport.temperature_k,
        "conductivity_s_cm": _measured(transport.conductivity_s_cm),
        "nernst_einstein_s_cm": _measured(transport.nernst_einstein_s_cm),
        "haven_ratio": _measured(transport.haven_ratio),
        "onsager_s_cm": transport.onsager_s_cm.tolist(),
        "onsager_error_s_cm": transport.onsager_error_s_cm.tolist(),
        "transport_numbers": {
            name: _measured(value)
            for name, value in zip(transport.species, transport.numbers, strict=True)
        },
        "cation_number": _measured(transport.cation_number),
        "anion_number": _measured(transport.anion_number),
        "nernst_einstein_numbers": {
            name: _measured(value)
            for name, value in zip(transport.species, transport.einstein_numbers, strict=True)
        },
        "frame": transport.frame,
        "window_ps": list(transport.window_ps),
        "flags": list(transport.flags),
    }


def _measured(number: Measured) -> dict[str, object]:
    known = number.resolved or number.fixed
    return {
        "value": number.value if known else math.nan,
        "error": number.error if known else math.nan,
        "low": number.low,
        "high": number.high,
        "resolved": known,
        "text": number.text(),
    }


def arrhenius_dict(fit: Arrhenius) -> dict[str, object]:
    """Describe an Arrhenius fit and its prediction at 300 K as plain values."""
    middle, low, high = fit.predict([300.0])
    return {
        "activation_energy_ev": fit.activation_energy_ev,
        "activation_energy_text": measured_text(fit.activation_energy_ev, fit.error_ev),
        "activation_energy_interval_text": interval_text(fit.low_ev, fit.high_ev),
        "error_ev": fit.error_ev,
        "low_ev": fit.low_ev,
        "high_ev": fit.high_ev,
        "ln_d0_cm2_s": fit.ln_d0,
        "temperatures_k": fit.temperatures_k.tolist(),
        "d_cm2_s": fit.d_cm2_s.tolist(),
        "error_cm2_s": fit.error_cm2_s.tolist(),
        "left_out_k": list(fit.left_out_k),
        "reduced_chi2": fit.reduced_chi2,
        "d_300k_cm2_s": float(middle[0]),
        "d_300k_low_cm2_s": float(low[0]),
        "d_300k_high_cm2_s": float(high[0]),
        "flags": list(fit.flags),
    }


def _clean(value: object) -> object:
    """Replace what JSON cannot hold."""
    if isinstance(value, Mapping):
        return {str(k): _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return None
        return number if math.isfinite(number) else ("inf" if number > 0 else "-inf")
    if isinstance(value, np.integer):
        return int(value)
    return value
