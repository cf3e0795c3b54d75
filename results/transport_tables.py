"""Tables of a finished transport analysis: JSON and CSV, every number with error and unit."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence

import numpy as np

from screening.transport.analysis import SpeciesReport, TransportReport
from screening.transport.arrhenius import Arrhenius
from screening.transport.measured import Measured
from screening.transport.onsager import Transport
from screening.transport.rotation import Rotation

SCHEMA = "dualion-transport-1"

SPECIES_COLUMNS: Mapping[str, str] = {
    "source": "trajectory",
    "temperature_k": "temperature (K)",
    "species": "ions",
    "n_ions": "number of ions",
    "verdict": "verdict",
    "d_cm2_s": "D (cm²/s)",
    "d_error_cm2_s": "standard error of D (cm²/s)",
    "d_low_cm2_s": "lower end of the 95 % interval (cm²/s)",
    "d_high_cm2_s": "upper end of the 95 % interval (cm²/s)",
    "window_start_ps": "first lag of the fit (ps)",
    "window_end_ps": "last lag of the fit (ps)",
    "log_slope": "log–log slope in the window",
    "non_gaussian": "non-Gaussian parameter at the window's start",
    "n_eff": "effective number of jumps",
    "relative_error_he_zhu_mo": "relative error by He, Zhu and Mo",
    "lindemann": "Lindemann index",
    "jumps": "jumps between sites",
    "d_end_point_cm2_s": "D from the end point, MSD/6t (cm²/s), no error",
    "d_kinisi_cm2_s": "D by kinisi (cm²/s)",
    "d_kinisi_error_cm2_s": "standard deviation of kinisi's posterior (cm²/s)",
    "flags": "flags",
}
"""Columns of the species table and what they hold."""


def species_rows(report: TransportReport) -> list[dict[str, object]]:
    """One row per group of ions, with the keys of ``SPECIES_COLUMNS``."""
    return [_species_row(report, species) for species in report.species]


def _species_row(report: TransportReport, species: SpeciesReport) -> dict[str, object]:
    d = species.diffusion
    posterior = species.posterior[0] if species.posterior else None
    return {
        "source": report.source,
        "temperature_k": report.temperature_k,
        "species": species.name,
        "n_ions": d.n_ions,
        "verdict": d.verdict,
        "d_cm2_s": d.d_cm2_s,
        "d_error_cm2_s": d.error_cm2_s,
        "d_low_cm2_s": d.low_cm2_s,
        "d_high_cm2_s": d.high_cm2_s,
        "window_start_ps": d.window_ps[0],
        "window_end_ps": d.window_ps[1],
        "log_slope": d.log_slope,
        "non_gaussian": d.non_gaussian,
        "n_eff": d.n_eff,
        "relative_error_he_zhu_mo": d.relative_error_he_zhu_mo,
        "lindemann": species.lindemann,
        "jumps": len(species.hops[0].frames) if species.hops else 0,
        "d_end_point_cm2_s": _estimate(species, "end_point"),
        "d_kinisi_cm2_s": posterior.d_cm2_s if posterior else math.nan,
        "d_kinisi_error_cm2_s": posterior.error_cm2_s if posterior else math.nan,
        "flags": ";".join((*d.flags, *report.flags)),
    }


def _estimate(species: SpeciesReport, name: str) -> float:
    return next((e.d_cm2_s for e in species.estimates if e.name == name), math.nan)


def species_csv(reports: Sequence[TransportReport]) -> str:
    """CSV of the species of some runs; the units are in the column names."""
    return _csv([row for report in reports for row in species_rows(report)], SPECIES_COLUMNS)


def msd_csv(report: TransportReport) -> str:
    """CSV of all MSDs: time, then total, x, y and z for each group, Å²."""
    columns = ["time_ps"]
    for species in report.species:
        columns += [f"msd_{part}_{species.name}_angstrom2" for part in ("total", "x", "y", "z")]
    times = report.species[0].msd.times_ps
    series = [times]
    for species in report.species:
        series += [species.msd.total, *species.msd.directions.T]
    rows = [dict(zip(columns, values, strict=True)) for values in np.stack(series, axis=1)]
    return _csv(rows, {name: name for name in columns})


def rdf_csv(report: TransportReport) -> str:
    """CSV of all radial distributions and running coordination numbers, one row per bin."""
    rows = [
        {
            "pair": "-".join(rdf.pair),
            "distance_angstrom": float(r),
            "g": float(g),
            "coordination": float(n),
            "g_first_half": float(first),
            "g_second_half": float(second),
        }
        for rdf in report.rdfs
        for r, g, n, first, second in zip(
            rdf.distances_angstrom, rdf.g, rdf.coordination, *rdf.g_halves, strict=True
        )
    ]
    names = ("pair", "distance_angstrom", "g", "coordination", "g_first_half", "g_second_half")
    return _csv(rows, {name: name for name in names})


def _csv(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _plain(value) for key, value in row.items()} for row in rows)
    return buffer.getvalue()


def _plain(value: object) -> object:
    return f"{value:.9g}" if isinstance(value, float | np.floating) else value


def report_json(report: TransportReport, arrhenius: Mapping[str, Arrhenius] | None = None) -> str:
    """The whole analysis as JSON; ``null`` stands for unknown, "inf" for no limit."""
    content = {
        "schema": SCHEMA,
        "source": report.source,
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
        "arrhenius": {name: arrhenius_dict(a) for name, a in (arrhenius or {}).items()},
    }
    return json.dumps(_clean(content), indent=2, allow_nan=False) + "\n"


def _species_json(report: TransportReport, species: SpeciesReport) -> dict[str, object]:
    row = _species_row(report, species)
    values, axes = species.diffusion.principal_axes
    row["flags"] = list(species.diffusion.flags)
    row["d_tensor_cm2_s"] = species.diffusion.tensor_cm2_s.tolist()
    row["d_tensor_error_cm2_s"] = species.diffusion.tensor_error_cm2_s.tolist()
    row["d_principal_cm2_s"] = values.tolist()
    row["principal_axes"] = axes.tolist()
    row["intercept_angstrom2"] = species.diffusion.intercept_angstrom2
    row["density_barriers_ev"] = list(species.path_ev)
    if species.hops:
        jumps = species.hops[0]
        row["hops"] = {
            "count": len(jumps.frames),
            "sites": len(jumps.sites),
            "rate_per_ps": jumps.rate_per_ps,
            "rate_error_per_ps": jumps.rate_error_per_ps,
            "mean_length_angstrom": _mean(jumps.lengths_angstrom),
            "mean_residence_ps": _mean(jumps.residence_ps),
            "collective_share": jumps.collective_share,
            "return_share": jumps.return_share,
            "per_ion": jumps.per_ion.tolist(),
        }
    return row


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
        "window_ps": list(transport.window_ps),
        "flags": list(transport.flags),
    }


def _measured(number: Measured) -> dict[str, object]:
    return {
        "value": number.value,
        "error": number.error,
        "low": number.low,
        "high": number.high,
        "resolved": number.resolved or number.error == 0.0,
    }


def arrhenius_dict(fit: Arrhenius) -> dict[str, object]:
    """An Arrhenius fit with its prediction at 300 K, as plain values."""
    middle, low, high = fit.predict([300.0])
    return {
        "activation_energy_ev": fit.activation_energy_ev,
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


def summary_lines(report: TransportReport) -> list[str]:
    """The findings in a few lines of text."""
    lines = [
        f"{report.source}: {report.n_frames} frames of {report.frame_step_ps:g} ps, "
        f"{report.temperature_k:g} K; displacements relative to {report.framework}"
    ]
    for species in report.species:
        d = species.diffusion
        number = f"D = {d.d_cm2_s:.3g} ± {d.error_cm2_s:.1g} cm²/s"
        interval = f"95 %: {d.low_cm2_s:.3g} … {d.high_cm2_s:.3g}"
        flags = f"  [{', '.join(d.flags)}]" if d.flags else ""
        lines.append(f"  {species.name:10s} {d.verdict:13s} {number} ({interval}){flags}")
    lines += [_rotation_line(rotation) for rotation in report.rotation]
    for name, found in (
        ("all ions", report.transport),
        ("without polyanions", report.transport_without_rotors),
    ):
        lines += [line for one in found for line in _transport_lines(name, one)]
    if report.flags:
        lines.append(f"  flags: {', '.join(report.flags)}")
    return lines


def _rotation_line(rotation: Rotation) -> str:
    return (
        f"  {rotation.formula}: {rotation.verdict}, R = {rotation.bond_length_angstrom:.2f} Å, "
        f"C₁ down to {rotation.correlation.min():.2f}, {rotation.broken_bonds} broken, "
        f"{rotation.exchanges} exchanged"
    )


def _transport_lines(name: str, transport: Transport) -> list[str]:
    numbers = ", ".join(
        f"t({species}) {value.text() if value.error else f'{value.value:g}'}"
        for species, value in zip(transport.species, transport.numbers, strict=True)
    )
    return [
        f"  {name}: σ {transport.conductivity_s_cm.text()} S/cm, Nernst–Einstein "
        f"{transport.nernst_einstein_s_cm.text()} S/cm, Haven {transport.haven_ratio.text()}",
        f"    {numbers}",
    ]
