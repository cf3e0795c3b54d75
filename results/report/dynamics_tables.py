"""Tables of a candidate's MD on its page, with the texts that the terminal prints."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dualion.results.md.finished_runs import upper_of
from dualion.screening.transport.arrhenius import Arrhenius
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.measured import Measured
from dualion.screening.transport.number_text import (
    diffusion_text,
    interval_text,
    measured_text,
    number_text,
)

UNKNOWN = "unknown"
ROOM_K = 300.0
MOST_SITES = 24
"""Sites and links that a table of the page lists; files hold all."""

Table = dict[str, Any]


def tables_of_run(content: Mapping[str, Any], folder: Path) -> list[Table]:
    """Make the tables of one run.

    Args:
        content: of its ``transport.json``.
        folder: with its CSV files.
    """
    tables = [_species_table(content)]
    tables += [_rotation_table(content)] if content.get("rotation") else []
    for key, title in (
        ("transport", "Charge transport, all ions"),
        ("transport_without_rotors", "Charge transport without polyanions"),
    ):
        tables += [_transport_table(one, title) for one in content.get(key) or []]
    if any(species.get("hops") for species in content["species"]):
        tables.append(_jumps_table(content))
    return tables + _network_tables(folder)


def _species_table(content: Mapping[str, Any]) -> Table:
    rows = [
        [
            str(s["species"]),
            str(s["verdict"]),
            _d_text(s),
            _interval(s["d_low_cm2_s"], s["d_high_cm2_s"]) if _diffuses(s) else "",
            _digits(s["n_eff"]),
            words(s.get("flags") or ()),
        ]
        for s in content["species"]
    ]
    head = ["ion", "verdict", "D or its limit", "95 % interval / cm²/s", "N_eff", "flags"]
    return {"title": "Diffusion", "head": head, "rows": rows}


def _rotation_table(content: Mapping[str, Any]) -> Table:
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
    return {"title": "Polyanion rotation", "head": head, "rows": rows, "formulae": [0]}


def _transport_table(transport: Mapping[str, Any], title: str) -> Table:
    named = [
        ("conductivity / S/cm", transport["conductivity_s_cm"]),
        ("Nernst–Einstein / S/cm", transport["nernst_einstein_s_cm"]),
        ("Haven ratio", transport["haven_ratio"]),
        *((f"t({name})", value) for name, value in transport["transport_numbers"].items()),
    ]
    rows = [[name, _measured(value)] for name, value in named]
    return {"title": title, "head": ["", "value"], "rows": rows}


def _jumps_table(content: Mapping[str, Any]) -> Table:
    rows = []
    for species in content["species"]:
        if found := species.get("hops"):
            count = int(found["count"])
            rows.append(
                [
                    str(species["species"]),
                    str(found["sites"]),
                    measured_text(count, math.sqrt(count)),
                    measured_text(
                        _number(found["rate_per_ps"]), _number(found["rate_error_per_ps"])
                    ),
                    _digits(found["mean_length_angstrom"]),
                    f"{_number(found['return_share']):.0%}",
                ]
            )
    head = ["ion", "sites", "jumps", "jumps per ion and ps", "mean length / Å", "jumps back"]
    return {"title": "Jumps between sites", "head": head, "rows": rows}


def _network_tables(folder: Path) -> list[Table]:
    """Occupancies and jumps of the busiest sites and links, with their errors."""
    sites = [
        [
            row["species"], row["site"], _with_error(row["occupancy"], row["occupancy_error"]),
            _counted(row["jumps_out"]), _counted(row["jumps_in"]),
        ]
        for row in _busiest(read_rows(folder / "sites.csv"), ("jumps_out", "jumps_in"))
    ]  # fmt: skip
    links = [
        [
            row["species"], f"{row['from_site']} → {row['to_site']}{_offset(row)}",
            _counted(row["jumps"]), f"{float(row['length_angstrom']):.2f}",
        ]
        for row in _busiest(read_rows(folder / "links.csv"), ("jumps",))
    ]  # fmt: skip
    heads = (
        ("Busiest sites", ["ion", "site", "mean number of ions", "jumps out", "jumps in"], sites),
        ("Busiest links between sites", ["ion", "sites", "jumps", "length / Å"], links),
    )
    return [
        {"title": title, "head": head, "rows": rows, "folded": True}
        for title, head, rows in heads
        if rows
    ]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file of an analysis; none where it has none, or is of an older kind.

    Args:
        path: the file.
    """
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    newer = {"sites.csv": "occupancy_error", "links.csv": "length_angstrom"}.get(path.name)
    return rows if rows and (newer is None or newer in rows[0]) else []


def _busiest(rows: Sequence[dict[str, str]], keys: tuple[str, ...]) -> list[dict[str, str]]:
    order = sorted(rows, key=lambda row: -sum(int(row[key]) for key in keys))
    return [row for row in order if any(int(row[key]) for key in keys)][:MOST_SITES]


def _with_error(value: str, error: str) -> str:
    return measured_text(float(value), float(error) if error else math.nan)


def _counted(text: str) -> str:
    return measured_text(int(text), math.sqrt(int(text)))


def _offset(row: Mapping[str, str]) -> str:
    offset = [int(row[f"cell_{axis}"]) for axis in "xyz"]
    return f" in cell ({', '.join(str(n) for n in offset)})" if any(offset) else ""


def energies_table(fits: Mapping[str, Arrhenius]) -> Table:
    """Make the table of activation energies with their intervals, and of D at 300 K.

    Args:
        fits: by ion.
    """
    rows = []
    for name, fit in fits.items():
        middle, low, high = (float(values[0]) for values in fit.predict([ROOM_K]))
        rows.append(
            [
                name,
                measured_text(fit.activation_energy_ev, fit.error_ev),
                interval_text(fit.low_ev, fit.high_ev),
                ", ".join(f"{t:g}" for t in fit.temperatures_k.tolist()),
                number_text(middle, 2),
                f"{number_text(low, 2)} … {number_text(high, 2)}",
            ]
        )
    head = [
        "ion", "E_a / eV", "95 % interval / eV", "from D at / K", "D at 300 K / cm²/s",
        "95 % interval / cm²/s",
    ]  # fmt: skip
    return {"title": "Activation energies", "head": head, "rows": rows}


def temperatures_table(points: Sequence[CombinedIon]) -> Table:
    """Make the table of D, or its limit, of each ion at each temperature, replicas together.

    Args:
        points: each ion at each temperature.
    """
    rows = [
        [
            one.species,
            f"{one.temperature_k:g}",
            str(one.runs),
            one.diffusion.verdict,
            diffusion_text(
                one.diffusion.verdict,
                one.diffusion.d_cm2_s,
                one.diffusion.error_cm2_s,
                one.diffusion.upper_cm2_s,
            ),
        ]
        for one in points
    ]
    head = ["ion", "T / K", "runs", "verdict", "D or its limit"]
    return {"title": "Runs of one temperature together", "head": head, "rows": rows}


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


def words(names: Sequence[str]) -> str:
    """Write names of flags as words."""
    return ", ".join(str(name).replace("_", " ") for name in names)


def _digits(value: object, digits: int = 3) -> str:
    return f"{value:.{digits}g}" if isinstance(value, int | float) else UNKNOWN
