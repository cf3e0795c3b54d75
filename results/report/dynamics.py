"""What ``dualion analyze`` found of a candidate's MD, for its page: tables and curves."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dualion.results.columns import Row
from dualion.results.md_results import upper_of
from dualion.screening.transport.measured import Measured
from dualion.screening.transport.number_text import (
    diffusion_text,
    interval_text,
    measured_text,
    number_text,
)
from dualion.structures.errors import InputError

LARGEST_FILE_BYTES = 30_000_000
MOST_RUNS = 20
CURVE_POINTS = 200
SCHEMA = "dualion-transport-"
MD_FOLDER = "md"
KELVIN_PER_INVERSE = 1000.0
UNKNOWN = "unknown"


def analyses_below(folder: Path) -> list[tuple[Path, tuple[str, ...]]]:
    """Find analyses below ``md/`` of a run's folder, with the folders above each.

    An analysis is a folder with ``transport.json``.
    """
    base = folder / MD_FOLDER
    found = sorted(path.parent for path in base.rglob("transport.json")) if base.is_dir() else []
    return [(path, path.relative_to(base).parts) for path in found]


def analyses_of(row: Row, found: Sequence[tuple[Path, tuple[str, ...]]]) -> list[Path]:
    """Select the analyses of a row: a folder above them begins with its structure key.

    Args:
        row: the row of the pair.
        found: analyses of ``analyses_below``.
    """
    key = str(row.get("key") or "").split("-")[0]
    if not key:
        return []
    return [path for path, way in found if any(part.startswith(key) for part in way)][:MOST_RUNS]


def summarise_dynamics(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Summarise analyses for a page: one block a run and one for the temperature dependence.

    Raises:
        InputError: a folder holds no analysis, or a damaged one.
    """
    runs = [_read_json(folder / "transport.json") for folder in folders]
    blocks = [_run(content, folder) for content, folder in zip(runs, folders, strict=True)]
    fits: Mapping[str, Any] = next(
        (content["arrhenius"] for content in runs if content.get("arrhenius")), {}
    )
    return [*blocks, *([_arrhenius(fits)] if fits else [])]


def _read_json(path: Path) -> dict[str, Any]:
    _check_size(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is no valid JSON ({error}); analyse the run again.") from error
    if not isinstance(content, dict) or not str(content.get("schema", "")).startswith(SCHEMA):
        raise InputError(f"{path} was not written by dualion analyze; name its output folder.")
    return content


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(
            f"There is no {path.name} in {path.parent}; name a folder that dualion analyze wrote."
        ) from error
    if size > LARGEST_FILE_BYTES:
        raise InputError(f"{path} is larger than an analysis can be ({size / 1e6:.0f} MB).")


def _run(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    temperature = content.get("temperature_k")
    at = f"{temperature:g} K" if isinstance(temperature, int | float) else "unknown temperature"
    length_ps = float(content["n_frames"] - 1) * float(content["frame_step_ps"])
    notes = [f"Displacements relative to {content.get('framework')}."]
    if content.get("flags"):
        notes.append(f"Flags: {_words(content['flags'])}.")
    tables = [_species_table(content)]
    tables += [_rotation_table(content)] if content.get("rotation") else []
    for key, title in (
        ("transport", "Charge transport, all ions"),
        ("transport_without_rotors", "Charge transport without polyanions"),
    ):
        tables += [_transport_table(one, title) for one in content.get(key) or []]
    plots = [
        _curves(folder / "msd.csv", _msd, "Mean squared displacement", "time / ps", "MSD / Å²"),
        _curves(folder / "rdf.csv", _rdf, "Radial distribution function", "r / Å", "g(r)"),
    ]
    return {
        "title": f"{content.get('source')}, {at}, {length_ps:g} ps",
        "notes": notes,
        "tables": tables,
        "plots": [plot for plot in plots if plot["curves"]],
    }


def _species_table(content: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        [
            str(s["species"]),
            str(s["verdict"]),
            _d_text(s),
            _interval(s["d_low_cm2_s"], s["d_high_cm2_s"]) if _diffuses(s) else "",
            _digits(s["n_eff"]),
            _words(s.get("flags") or ()),
        ]
        for s in content["species"]
    ]
    head = ["ion", "verdict", "D or its limit", "95 % interval / cm²/s", "N_eff", "flags"]
    return {"title": "Diffusion", "head": head, "rows": rows}


def _rotation_table(content: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        [
            str(r["polyanion"]),
            str(r["verdict"]),
            _digits(r["lowest_correlation"]),
            f"{_digits(r['largest_relative_msd_angstrom2'])} of {_digits(r['ceiling_angstrom2'])}",
            str(r["broken_bonds"]),
        ]
        for r in content["rotation"]
    ]
    head = ["polyanion", "verdict", "lowest C₁", "ligand MSD of 2R² / Å²", "broken bonds"]
    return {"title": "Polyanion rotation", "head": head, "rows": rows}


def _transport_table(transport: Mapping[str, Any], title: str) -> dict[str, Any]:
    named = [
        ("conductivity / S/cm", transport["conductivity_s_cm"]),
        ("Nernst–Einstein / S/cm", transport["nernst_einstein_s_cm"]),
        ("Haven ratio", transport["haven_ratio"]),
        *((f"t({name})", value) for name, value in transport["transport_numbers"].items()),
    ]
    rows = [[name, _measured(value)] for name, value in named]
    return {"title": title, "head": ["", "value"], "rows": rows}


def _diffuses(species: Mapping[str, Any]) -> bool:
    return bool(species["verdict"] == "diffusing")


def _d_text(species: Mapping[str, Any]) -> str:
    """Write D, or its upper limit, as the terminal does."""
    upper = upper_of(species)
    return diffusion_text(
        str(species["verdict"]),
        _number(species["d_cm2_s"]),
        _number(species["d_error_cm2_s"]),
        math.inf if upper is None else upper,
    )


def _number(value: object) -> float:
    """Read a number of the JSON, where "inf" stands for no limit and null for unknown."""
    return math.nan if value is None else float(str(value))


def _interval(low: object, high: object) -> str:
    return interval_text(_number(low), _number(high))


def _measured(value: Mapping[str, Any]) -> str:
    """Write a value with its error, or that it is not resolved, as the terminal does."""
    names = ("value", "error", "low", "high")
    found = Measured(**{name: _number(value.get(name)) for name in names})
    known = replace(found, error=math.inf) if not value.get("resolved") else found
    return known.text()


def _arrhenius(fits: Mapping[str, Any]) -> dict[str, Any]:
    rows, curves = [], []
    for name, fit in fits.items():
        rows.append(
            [
                str(name),
                measured_text(_number(fit["activation_energy_ev"]), _number(fit["error_ev"])),
                number_text(_number(fit["d_300k_cm2_s"]), 2),
                f"{number_text(_number(fit['d_300k_low_cm2_s']), 2)} … "
                f"{number_text(_number(fit['d_300k_high_cm2_s']), 2)}",
            ]
        )
        points = [
            (KELVIN_PER_INVERSE / t, d)
            for t, d in zip(fit["temperatures_k"], fit["d_cm2_s"], strict=True)
            if isinstance(d, int | float) and d > 0.0 and t > 0.0
        ]
        if points:
            x, y = (list(axis) for axis in zip(*points, strict=True))
            curves.append({"name": str(name), "x": x, "y": y, "points": True})
    plot = {
        "title": "Arrhenius", "x_label": "1000 K / T", "y_label": "D / cm²/s",
        "curves": curves, "log": True,
    }  # fmt: skip
    return {
        "title": "temperature dependence",
        "tables": [
            {
                "title": "Activation energies",
                "head": ["ion", "E_a / eV", "D at 300 K / cm²/s", "95 % interval"],
                "rows": rows,
            }
        ],
        "plots": [plot] if curves else [],
    }


Curves = dict[str, tuple[list[float], list[float]]]


def _curves(path: Path, read: Any, title: str, x_label: str, y_label: str) -> dict[str, Any]:
    """Read the curves of a CSV file; none where it is missing."""
    found: Curves = {}
    if path.is_file():
        _check_size(path)
        with path.open(newline="", encoding="utf-8") as handle:
            try:
                found = read(csv.DictReader(handle))
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(f"{path} is damaged ({error}); analyse the run again.") from error
    curves = [
        {"name": name, "x": _thinned(x), "y": _thinned(y)} for name, (x, y) in found.items() if x
    ]
    return {"title": title, "x_label": x_label, "y_label": y_label, "curves": curves}


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
    return [float(f"{value:.4g}") for value in values[::step]]


def _words(names: Sequence[str]) -> str:
    return ", ".join(str(name).replace("_", " ") for name in names)


def _digits(value: object, digits: int = 3) -> str:
    return f"{value:.{digits}g}" if isinstance(value, int | float) else UNKNOWN
