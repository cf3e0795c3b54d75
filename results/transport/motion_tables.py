"""Tables of how ions move: single ions, jumps, sites, van Hove functions, paths, rotation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dualion.results.transport.tables import csv_text
from dualion.screening.transport.motion.tensors import fractional_anisotropy
from dualion.screening.transport.report import SpeciesReport, TransportReport
from dualion.screening.transport.self_diffusion.msd import PAIRS

AXES = ("x", "y", "z")


def ions_csv(report: TransportReport) -> str:
    """Write one row per atom: MSD tensor at one lag, principal axes, anisotropy, jumps."""
    names = ["species", "atom", "lag_ps", "msd_angstrom2"]
    names += [f"msd_{AXES[a]}{AXES[b]}_angstrom2" for a, b in PAIRS]
    names += [f"msd_{n}_angstrom2" for n in (1, 2, 3)]
    names += [f"axis_1_{a}" for a in AXES] + ["anisotropy", "jumps"]
    rows = [row for species in report.species for row in _ion_rows(species)]
    return csv_text([dict(zip(names, row, strict=True)) for row in rows], names)


def _ion_rows(species: SpeciesReport) -> list[Sequence[object]]:
    values, vectors = np.linalg.eigh(species.ion_tensors)
    shares = fractional_anisotropy(species.ion_tensors)
    jumps = species.hops[0].per_ion.tolist() if species.hops else [""] * len(values)
    return [
        (
            species.name,
            int(species.indices[ion]) + 1,
            species.ion_lag_ps,
            float(np.trace(tensor)),
            *(float(tensor[a, b]) for a, b in PAIRS),
            *values[ion, ::-1].tolist(),
            *vectors[ion, :, 2].tolist(),
            float(shares[ion]),
            jumps[ion],
        )
        for ion, tensor in enumerate(species.ion_tensors)
    ]


def jumps_csv(report: TransportReport) -> str:
    """Write one row per jump: time, atom, sites, length."""
    names = ("species", "time_ps", "atom", "from_site", "to_site", "length_angstrom")
    rows = [
        dict(zip(names, (species.name, *row), strict=True))
        for species in report.species
        for jumps in species.hops
        for row in zip(
            (jumps.frames * report.frame_step_ps).tolist(),
            (species.indices[jumps.ions] + 1).tolist(),
            jumps.origins.tolist(),
            jumps.targets.tolist(),
            jumps.lengths_angstrom.tolist(),
            strict=True,
        )
    ]
    return csv_text(rows, names)


def sites_csv(report: TransportReport) -> str:
    """Write one row per site: place, occupancy with its error, jumps out and in."""
    names = ("species", "site", "x", "y", "z", "occupancy", "occupancy_error", "jumps_out")
    rows = []
    for species in report.species:
        for jumps in species.hops:
            count = len(jumps.sites)
            leaving = np.bincount(jumps.origins, minlength=count).tolist()
            reaching = np.bincount(jumps.targets, minlength=count).tolist()
            for site in range(count):
                error = float(jumps.occupancy_error[site])
                known = (float(jumps.occupancy[site]), "" if math.isnan(error) else error)
                row = (*jumps.sites[site].tolist(), *known, leaving[site])
                full = dict(zip(names, (species.name, site, *row), strict=True))
                rows.append(full | {"jumps_in": reaching[site]})
    return csv_text(rows, (*names, "jumps_in"))


def links_csv(report: TransportReport) -> str:
    """Write one row per link of the site network: jumps with their Poisson error, length.

    ``cell_x`` to ``cell_z`` are the cells from that of the site left to that of the site reached.
    """
    places = ("species", "from_site", "to_site", "cell_x", "cell_y", "cell_z")
    names = (*places, "jumps", "jumps_error", "length_angstrom")
    rows = [
        dict(zip(names, (species.name, link.origin, link.target, *link.offset, link.jumps,
                         link.error, link.length_angstrom), strict=True))
        for species in report.species
        for jumps in species.hops
        for link in jumps.network()
    ]  # fmt: skip
    return csv_text(rows, names)


def framework_csv(report: TransportReport) -> str:
    """Write one row per atom that is not mobile: its mean place, fractional."""
    lines = report.pathlines
    rows = [
        {"symbol": symbol, **dict(zip(AXES, place, strict=True))}
        for symbol, place in zip(lines.symbols, (lines.framework % 1.0).tolist(), strict=True)
    ]
    return csv_text(rows, ("symbol", *AXES))


def van_hove_csv(report: TransportReport) -> str:
    """Write one row per species, time and distance: both parts of the van Hove function."""
    names = ("species", "time_ps", "distance_angstrom", "self_part_per_angstrom", "distinct_part")
    rows = [
        dict(zip(names, (species.name, time, *row), strict=True))
        for species in report.species
        for time, own, others in zip(
            species.van_hove.times_ps.tolist(),
            species.van_hove.self_part,
            species.van_hove.distinct_part,
            strict=True,
        )
        for row in zip(
            species.van_hove.distances_angstrom.tolist(), own.tolist(), others.tolist(), strict=True
        )
    ]
    return csv_text(rows, names)


def density_paths_csv(report: TransportReport) -> str:
    """Write one row per point of a percolating path: fractional place (unwrapped), length, F."""
    names = ("species", "dimension", "x", "y", "z", "distance_angstrom", "free_energy_ev")
    rows = [
        dict(zip(names, (species.name, path.dimension, *point), strict=True))
        for species in report.species
        for path in species.paths
        for point in zip(
            *path.frac.T.tolist(),
            path.distance_angstrom.tolist(),
            path.energies_ev.tolist(),
            strict=True,
        )
    ]
    return csv_text(rows, names)


def rotation_csv(report: TransportReport) -> str:
    """Write orientation autocorrelation and relative MSD of bound ligands, with the ceiling 2R²."""
    names = (
        "polyanion",
        "time_ps",
        "c1",
        "c1_error",
        "relative_msd_angstrom2",
        "ceiling_angstrom2",
    )
    rows = [
        dict(zip(names, (turning.formula, *row, turning.ceiling_angstrom2), strict=True))
        for turning in report.rotation
        for row in zip(
            turning.times_ps.tolist(),
            turning.correlation.tolist(),
            turning.correlation_error.tolist(),
            turning.relative_msd.tolist(),
            strict=True,
        )
    ]
    return csv_text(rows, names)
