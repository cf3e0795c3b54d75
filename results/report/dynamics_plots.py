"""Curves of a candidate's MD on its page: MSD with bands and fits, g(r), networks, Arrhenius."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualion.results.report.dynamics_tables import read_rows
from dualion.results.transport.projection import (
    connections,
    half_lines,
    outline,
    view_labels,
    view_plane,
)
from dualion.screening.transport.arrhenius import Arrhenius
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.motion.hops import Link
from dualion.screening.transport.self_diffusion.msd_band import REACH_SHARE
from dualion.structures.errors import InputError

CURVE_POINTS = 200
FIT_POINTS = 40
KELVIN_PER_INVERSE = 1000.0
ROOM_K = 300.0
CM2_S_TO_SLOPE = 6.0e4
"""Slope of an MSD in Å²/ps that 1 cm²/s gives."""
VIEW_AXIS = 2

Plot = dict[str, Any]
Curves = dict[str, tuple[list[float], list[float]]]


def msd_plots(content: Mapping[str, Any], folder: Path) -> list[Plot]:
    """Make the plots of the MSD with bands and fits: linear, and log–log with a line of slope 1.

    Args:
        content: of ``transport.json``.
        folder: with ``msd.csv`` and ``msd_band.csv``.
    """
    curves = _read_curves(folder / "msd.csv", _msd)
    bands = read_rows(folder / "msd_band.csv")
    shown = {name: _seen(curve) for name, curve in curves.items()}
    linear_curves, log_curves = (_msd_curves(shown, bands, log=log) for log in (False, True))
    fits = _fits(content, list(curves))
    shared = {"x_label": "time / ps", "y_label": "MSD / Å²"}
    linear = {"title": "Mean squared displacement", "curves": [*linear_curves, *fits], **shared}
    log = {
        "title": "Mean squared displacement, log–log", "log_x": True, "log": True,
        "curves": [*log_curves, *fits, *_guide(log_curves)], **shared,
    }  # fmt: skip
    return [linear, log] if shown else []


def _seen(curve: tuple[list[float], list[float]]) -> tuple[list[float], list[float]]:
    """The lags that have a band; later ones have few origins."""
    count = max(2, int(REACH_SHARE * len(curve[0])))
    return curve[0][:count], curve[1][:count]


def _msd_curves(
    shown: Curves, bands: Sequence[Mapping[str, str]], *, log: bool
) -> list[dict[str, Any]]:
    """Each MSD with its band, the lags even on the axis."""
    drawn = []
    for number, (name, (x, y)) in enumerate(shown.items()):
        chosen = range(len(x))
        if log:
            spaced = np.geomspace(1, max(len(x) - 1, 1), CURVE_POINTS).round().astype(int)
            chosen = np.unique(spaced).tolist()
        curve = _curve(number, name, [x[i] for i in chosen], [y[i] for i in chosen])
        own = [row for row in bands if row["species"] == name]
        if own:
            keys = ("time_ps", "low_angstrom2", "high_angstrom2")
            curve["band"] = [_rounded([float(row[key]) for row in own]) for key in keys]
        drawn.append(curve)
    return drawn


def _curve(number: int, name: str, x: list[float], y: list[float]) -> dict[str, Any]:
    return {"name": name, "colour": number, "x": _thinned(x), "y": _thinned(y)}


def _fits(content: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The line of each ion that diffuses, over the window that it was fitted in."""
    found = []
    for species in content["species"]:
        window = (species.get("window_start_ps"), species.get("window_end_ps"))
        known = species["verdict"] == "diffusing" and species["species"] in names
        if not known or None in window or species.get("intercept_angstrom2") is None:
            continue
        first, last = (float(str(end)) for end in window)
        times = np.geomspace(first, last, FIT_POINTS)
        slope = CM2_S_TO_SLOPE * float(species["d_cm2_s"])
        line = float(species["intercept_angstrom2"]) + slope * times
        found.append(
            {
                "name": f"{species['species']}: fit over its window", "kind": "fit",
                "colour": list(names).index(species["species"]),
                "x": _rounded(times), "y": _rounded(line),
            }
        )  # fmt: skip
    return found


def _guide(curves: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line of slope 1 above the curves."""
    ends = [(c["x"][0], c["x"][-1], c["y"][-1]) for c in curves if len(c["x"]) > 2]
    top = max((y / x for _, x, y in ends if x > 0.0), default=0.0)
    if top <= 0.0:
        return []
    x = [ends[0][0], ends[0][1]]
    return [{"name": "∝ t", "kind": "guide", "x": x, "y": [1.6 * top * v for v in x]}]


def rdf_plots(folder: Path) -> list[Plot]:
    """Make the plot of the radial distributions.

    Args:
        folder: with ``rdf.csv``.
    """
    curves = _read_curves(folder / "rdf.csv", _rdf)
    drawn = [_curve(number, name, *curve) for number, (name, curve) in enumerate(curves.items())]
    title = "Radial distribution function"
    shared = {"title": title, "x_label": "r / Å", "y_label": "g(r)"}
    return [{"curves": drawn, **shared}] if drawn else []


def arrhenius_plots(points: Sequence[CombinedIon], fits: Mapping[str, Arrhenius]) -> list[Plot]:
    """Plot D at several temperatures: what is resolved with errors, limits, and fits with bands.

    Args:
        points: each ion at each temperature.
        fits: by ion.
    """
    curves: list[dict[str, Any]] = []
    for number, name in enumerate(dict.fromkeys(one.species for one in points)):
        if name in fits:
            curves.append(_fit_curve(name, number, fits[name]))
        own = [one for one in points if one.species == name]
        known = [one for one in own if one.diffusion.resolved]
        limits = [one for one in own if math.isfinite(one.diffusion.upper_cm2_s)]
        for kind, chosen in (("points", known), ("limits", limits)):
            if chosen:
                curves.append(_points_curve(name, number, kind, chosen))
    if not curves:
        return []
    labels = {"x_label": "1000 K / T", "y_label": "D / cm²/s"}
    return [{"title": "Arrhenius", "curves": curves, "log": True, **labels}]


def _fit_curve(name: str, number: int, fit: Arrhenius) -> dict[str, Any]:
    top = max(float(fit.temperatures_k.max()), ROOM_K + 1.0)
    temperatures = np.linspace(ROOM_K, top, FIT_POINTS)
    middle, low, high = fit.predict(temperatures)
    x = _rounded(KELVIN_PER_INVERSE / temperatures)
    band = [x, _rounded(low), _rounded(high)]
    label = f"{name}: fit to resolved D"
    return {"name": label, "colour": number, "x": x, "y": _rounded(middle), "band": band}


def _points_curve(
    name: str, number: int, kind: str, points: Sequence[CombinedIon]
) -> dict[str, Any]:
    resolved = kind == "points"
    curve: dict[str, Any] = {
        "name": name if resolved else f"{name}: upper limit",
        "kind": kind,
        "colour": number,
        "x": [KELVIN_PER_INVERSE / one.temperature_k for one in points],
        "y": [one.diffusion.d_cm2_s if resolved else one.diffusion.upper_cm2_s for one in points],
    }
    if resolved:
        curve["error"] = [one.diffusion.error_cm2_s for one in points]
    return curve


def network_plots(content: Mapping[str, Any], folder: Path) -> list[Plot]:
    """Project sites and the jumps between them on the cell, seen along c, one plot an ion.

    Args:
        content: of ``transport.json``.
        folder: with ``sites.csv``, ``links.csv`` and ``framework.csv``.
    """
    vectors = (content.get("run") or {}).get("cell_angstrom")
    sites = read_rows(folder / "sites.csv")
    if not vectors or not sites:
        return []
    cell = np.array(vectors, dtype=np.float64)
    host, links = read_rows(folder / "framework.csv"), read_rows(folder / "links.csv")
    names = dict.fromkeys(row["species"] for row in sites)
    return [_network(name, cell, sites, links, host) for name in names]


def _network(
    name: str,
    cell: NDArray[np.float64],
    sites: Sequence[Mapping[str, str]],
    links: Sequence[Mapping[str, str]],
    host: Sequence[Mapping[str, str]],
) -> Plot:
    plane = view_plane(cell, VIEW_AXIS).T
    own = [row for row in sites if row["species"] == name]
    places = _places(own) % 1.0
    between = connections([_link(row) for row in links if row["species"] == name])
    halves, jumps = half_lines(places, between)
    return {
        "title": f"Sites of {name} and jumps between them",
        "kind": "network",
        "x_label": view_labels(VIEW_AXIS)[0].replace(" (Å)", " / Å"),
        "y_label": view_labels(VIEW_AXIS)[1].replace(" (Å)", " / Å"),
        "outline": np.round(outline(cell, VIEW_AXIS), 3).tolist(),
        "sites": np.round(places @ cell @ plane, 3).tolist(),
        "occupancy": [float(row["occupancy"]) for row in own],
        "lines": np.round(halves @ cell @ plane, 3).reshape(-1, 4).tolist(),
        "jumps": jumps.tolist(),
        "host": np.round(_places(host) % 1.0 @ cell @ plane, 3).tolist(),
        "host_elements": list(dict.fromkeys(row["symbol"] for row in host)),
        "most_jumps": max((one.jumps for one in between), default=0),
        "all_jumps": sum(one.jumps for one in between),
    }


def _places(rows: Sequence[Mapping[str, str]]) -> NDArray[np.float64]:
    return np.array([[float(row[axis]) for axis in "xyz"] for row in rows]).reshape(-1, 3)


def _link(row: Mapping[str, str]) -> Link:
    x, y, z = (int(row[f"cell_{axis}"]) for axis in "xyz")
    return Link(
        origin=int(row["from_site"]),
        target=int(row["to_site"]),
        offset=(x, y, z),
        jumps=int(row["jumps"]),
        error=float(row["jumps_error"]),
        length_angstrom=float(row["length_angstrom"]),
    )


def _read_curves(path: Path, read: Callable[[csv.DictReader[str]], Curves]) -> Curves:
    """Read the curves of a CSV file; none where it is missing."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as handle:
        try:
            found = read(csv.DictReader(handle))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} is damaged ({error}); analyse the run again.") from error
    return {name: curve for name, curve in found.items() if curve[0]}


def _msd(rows: csv.DictReader[str]) -> Curves:
    names = {
        key: found.group(1)
        for key in rows.fieldnames or ()
        if (found := re.fullmatch(r"msd_total_(.+)_angstrom2", key))
    }
    curves: Curves = {name: ([], []) for name in names.values()}
    for row in rows:
        for key, name in names.items():
            curves[name][0].append(float(row["time_ps"]))
            curves[name][1].append(float(row[key]))
    return curves


def _rdf(rows: csv.DictReader[str]) -> Curves:
    curves: Curves = {}
    for row in rows:
        x, y = curves.setdefault(row["pair"], ([], []))
        x.append(float(row["distance_angstrom"]))
        y.append(float(row["g"]))
    return curves


def _thinned(values: list[float]) -> list[float]:
    step = max(1, -(-len(values) // CURVE_POINTS))
    return _rounded(values[::step])


def _rounded(values: Sequence[float] | NDArray[np.float64]) -> list[float]:
    return [float(f"{float(value):.4g}") for value in values]
