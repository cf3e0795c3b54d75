"""Tables of a finished transport analysis as CSV, with units in the column names."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from dualion.results.tables import guard_cell
from dualion.screening.transport.report import SpeciesReport, TransportReport
from dualion.screening.transport.self_diffusion.msd import PAIRS

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
    "d_upper_cm2_s": "upper limit of D where no diffusion is resolved (cm²/s)",
    "d_from": "what gave D and its interval: closed form or kinisi",
    "d_blocks_cm2_s": "mean of D over blocks of the run (cm²/s)",
    "d_blocks_error_cm2_s": "standard error from the scatter of the blocks (cm²/s)",
    "n_blocks": "number of blocks; 0 where the run is too short",
    "window_start_ps": "first lag of the fit (ps)",
    "window_end_ps": "last lag of the fit (ps)",
    "log_slope": "log–log slope in the window",
    "non_gaussian": "non-Gaussian parameter at the window's start",
    "n_eff": "effective number of jumps",
    "relative_error_he_zhu_mo": "relative error by He, Zhu and Mo",
    "d_1_cm2_s": "largest principal D (cm²/s)",
    "d_1_error_cm2_s": "its standard error (cm²/s)",
    "d_2_cm2_s": "middle principal D (cm²/s)",
    "d_2_error_cm2_s": "its standard error (cm²/s)",
    "d_3_cm2_s": "smallest principal D (cm²/s)",
    "d_3_error_cm2_s": "its standard error (cm²/s)",
    "anisotropy": "fractional anisotropy of D, 0 to 1",
    "anisotropy_from_noise": "the same of an isotropic D with these errors",
    "isotropic_chance": "probability of such differences if D is isotropic",
    "lindemann": "Lindemann index",
    "jumps": "jumps between sites; empty where they were not looked for",
    "d_end_point_cm2_s": "D from the end point, MSD/6t (cm²/s), no error",
    "d_kinisi_cm2_s": "D by kinisi (cm²/s)",
    "d_kinisi_error_cm2_s": "standard deviation of kinisi's posterior (cm²/s)",
    "flags": "flags",
}
"""Columns of the species table and what they hold."""


def species_rows(report: TransportReport) -> list[dict[str, object]]:
    """Make one row per group of ions, with the keys of ``SPECIES_COLUMNS``."""
    return [species_row(report, species) for species in report.species]


def species_row(report: TransportReport, species: SpeciesReport) -> dict[str, object]:
    """Make the row of one group of ions, with the keys of ``SPECIES_COLUMNS``.

    Only what diffuses has a D; the rest has an upper limit.

    Args:
        report: the finished analysis.
        species: the group of ions.
    """
    d = species.diffusion
    return {
        "source": report.source,
        "temperature_k": report.temperature_k,
        "species": species.name,
        "n_ions": d.n_ions,
        "verdict": d.verdict,
        **_diffusion_columns(species),
        "window_start_ps": d.window_ps[0],
        "window_end_ps": d.window_ps[1],
        "log_slope": d.log_slope,
        "non_gaussian": d.non_gaussian,
        "n_eff": d.n_eff,
        "relative_error_he_zhu_mo": d.relative_error_he_zhu_mo,
        **_directions(species),
        "lindemann": species.lindemann,
        "jumps": len(species.hops[0].frames) if species.hops else math.nan,
        "flags": ";".join((*d.flags, *report.flags)),
    }


def _diffusion_columns(species: SpeciesReport) -> dict[str, object]:
    """Return D by each estimator where the ions diffuse, else the limit alone."""
    d = species.diffusion
    posterior = species.posterior[0] if species.posterior else None
    blocks = species.blocks[0] if species.blocks else None
    found = {
        "d_cm2_s": d.d_cm2_s,
        "d_error_cm2_s": d.error_cm2_s,
        "d_low_cm2_s": d.low_cm2_s,
        "d_high_cm2_s": d.high_cm2_s,
        "d_blocks_cm2_s": blocks.mean_cm2_s if blocks else math.nan,
        "d_blocks_error_cm2_s": blocks.error_cm2_s if blocks else math.nan,
        "d_end_point_cm2_s": _estimate(species, "end_point"),
        "d_kinisi_cm2_s": posterior.d_cm2_s if posterior else math.nan,
        "d_kinisi_error_cm2_s": posterior.error_cm2_s if posterior else math.nan,
    }
    return {
        **(found if d.resolved else dict.fromkeys(found, math.nan)),
        "d_upper_cm2_s": d.upper_cm2_s,
        "d_from": d.posterior if d.resolved else "",
        "n_blocks": len(blocks.d_cm2_s) if blocks and d.resolved else 0,
    }


def _directions(species: SpeciesReport) -> dict[str, object]:
    """Return the principal D with errors, and the anisotropy, of what diffuses."""
    found = species.anisotropy
    row: dict[str, object] = {}
    if not species.diffusion.resolved:
        names = [f"d_{n}_{kind}" for n in (1, 2, 3) for kind in ("cm2_s", "error_cm2_s")]
        return dict.fromkeys(
            (*names, "anisotropy", "anisotropy_from_noise", "isotropic_chance"), math.nan
        )
    for number in range(3):
        row[f"d_{number + 1}_cm2_s"] = float(found.principal_cm2_s[number])
        row[f"d_{number + 1}_error_cm2_s"] = float(found.errors_cm2_s[number])
    row["anisotropy"] = found.fractional
    row["anisotropy_from_noise"] = found.fractional_from_noise
    row["isotropic_chance"] = found.isotropic_chance
    return row


def _estimate(species: SpeciesReport, name: str) -> float:
    return next((e.d_cm2_s for e in species.estimates if e.name == name), math.nan)


def species_csv(reports: Sequence[TransportReport]) -> str:
    """Write the species of runs as CSV; what is not known is empty."""
    rows = [row for report in reports for row in species_rows(report)]
    known = [{key: "" if value != value else value for key, value in row.items()} for row in rows]
    return csv_text(known, SPECIES_COLUMNS)


def msd_csv(report: TransportReport) -> str:
    """Write all MSDs as CSV: time, then total and six tensor components of each group, Å²."""
    columns = ["time_ps"]
    parts = ("total", "x", "y", "z", "yz", "xz", "xy")
    for species in report.species:
        columns += [f"msd_{part}_{species.name}_angstrom2" for part in parts]
    times = report.species[0].msd.times_ps
    series = [times]
    for species in report.species:
        series += [species.msd.total, *(species.msd.tensor[:, a, b] for a, b in PAIRS)]
    rows = [dict(zip(columns, values, strict=True)) for values in np.stack(series, axis=1)]
    return csv_text(rows, columns)


def msd_band_csv(report: TransportReport) -> str:
    """Write the 95 % interval of each MSD at some lags, one row per species and lag, Å²."""
    names = ("species", "time_ps", "msd_angstrom2", "low_angstrom2", "high_angstrom2")
    rows = [
        dict(zip(names, (species.name, *row), strict=True))
        for species in report.species
        for row in zip(
            species.band.times_ps.tolist(),
            species.band.msd_angstrom2.tolist(),
            species.band.low_angstrom2.tolist(),
            species.band.high_angstrom2.tolist(),
            strict=True,
        )
    ]
    return csv_text(rows, names)


def rdf_csv(report: TransportReport) -> str:
    """Write all radial distributions and running coordination numbers, one row per bin."""
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
    return csv_text(rows, names)


def csv_text(rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> str:
    """Write rows as CSV with the columns named, in that order.

    Args:
        rows: rows by column.
        columns: keys to write.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _plain(value) for key, value in row.items()} for row in rows)
    return buffer.getvalue()


def _plain(value: object) -> object:
    if isinstance(value, str):
        return guard_cell(value)
    return f"{value:.9g}" if isinstance(value, float | np.floating) else value
