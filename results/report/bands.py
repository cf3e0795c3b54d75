"""What ``dualion neb`` found of a candidate, for its page: both tiers, profiles, hops in space."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dualion.results.columns import BY_KEY, Row
from dualion.results.export import is_licensed
from dualion.results.neb.pair import PAIR_KINDS
from dualion.results.report.details import Detail
from dualion.results.report.scene import shown_crystal
from dualion.results.run_folder import RunFolder, identity
from dualion.results.vocabulary import FLAG_MEANINGS, split_flags, words
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import DualionError

LARGEST_BYTES = 50_000_000
FOLDER, DOCUMENT = "neb", "neb.json"
ROLES = ("cation", "anion")
MOST_LINKS = 600
MOST_PROFILES = 8
"""Profiles of one ion that are drawn, those that decide first."""
TIERS = (
    ("cation", "e{n}d_cation_ev", "e{n}d_cation_neb_ev"),
    ("anion", "e{n}d_anion_ev", "e{n}d_anion_neb_ev"),
    ("ratio", "ratio_{n}d", "ratio_{n}d_neb"),
)


def with_bands(
    run: RunFolder, details: Mapping[int, Detail], *, include_licensed: bool = False
) -> dict[int, Detail]:
    """Add elastic bands to the details, also of candidates without details.

    Args:
        run: the run.
        details: by place in ``run.rows``.
        include_licensed: show coordinates of licensed sources too.
    """
    made = dict(details)
    documents = _documents(run.folder / FOLDER)
    places = {identity(row): place for place, row in enumerate(run.rows)}
    for row in run.candidates:
        key = (str(row.get("key") or "").split("-")[0], str(row["cation"]), str(row["anion"]))
        place = places.get(identity(row), -1)
        if not row.get("neb_potential") or place < 0:
            continue
        hidden = is_licensed(str(row["source"])) and not include_licensed
        old = made.get(place, Detail(content={}))
        try:
            bands = summarise_bands(row, documents.get(key, {}), hidden=hidden)
        except (KeyError, TypeError, ValueError, DualionError):  # a damaged file
            bands = summarise_bands(row, {}, hidden=hidden)
        made[place] = replace(old, content={**old.content, "bands": bands})
    return made


def _documents(folder: Path) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Documents by structure key, cation and anion; damaged ones are left out."""
    found = {}
    for path in sorted(folder.glob(f"*/{DOCUMENT}")):
        try:
            if path.stat().st_size > LARGEST_BYTES:
                continue
            content = json.loads(path.read_text(encoding="utf-8"))
            pair = content["pair"]
            key = (str(pair["structure_key"]), str(pair["cation"]), str(pair["anion"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found[key] = content
    return found


def summarise_bands(row: Row, document: Mapping[str, Any], *, hidden: bool) -> dict[str, Any]:
    """Summarise elastic bands for a page: tables, profiles and the network in space.

    Args:
        row: the row of ``candidates.csv``.
        document: its ``neb.json``; empty where it is gone.
        hidden: leave coordinates out.
    """
    ions = {role: document.get("ions", {}).get(str(row[role]), {}) for role in ROLES}
    notes = [f"{words(flag)}: {FLAG_MEANINGS.get(flag, '')}" for flag in _flags(row)]
    if row.get("neb_problem"):
        notes.append(str(row["neb_problem"]))
    if not document:
        notes.append("The files of the bands are gone or damaged; only the table is known.")
    scene = None if hidden or not document.get("crystal") else _scene(row, document, ions)
    return {
        "title": f"Barriers with a potential: {row['neb_potential']}",
        "notes": notes,
        "tables": [_tiers(row), *_hop_tables(row, ions), *_carriers(row)],
        "plots": [plot for role in ROLES if (plot := _profiles(str(row[role]), ions[role]))],
        "scene": scene,
    }


def _flags(row: Row) -> tuple[str, ...]:
    return split_flags(row.get("neb_flags"))


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "∞" if value == math.inf else _number(value, 3)


def _verdict(value: object) -> str:
    return "unknown" if not isinstance(value, bool) else "passes" if value else "does not pass"


def _tiers(row: Row) -> dict[str, Any]:
    """Both tiers side by side."""
    head = [""]
    for name, *_ in TIERS:
        head += [f"{name}, bond valence", f"{name}, potential"]
    rows = [
        [f"{n}D", *(_text(row, key.format(n=n)) for _, *keys in TIERS for key in keys)]
        for n in (1, 2, 3)
    ]
    verdicts = ["verdict", _verdict(row.get("dai")), _verdict(row.get("dai_neb")), "", "", "", ""]
    return {"title": "Both tiers (barriers in eV)", "head": head, "rows": [*rows, verdicts]}


def _carriers(row: Row) -> list[dict[str, Any]]:
    """Formation energies of pairs and what follows from them."""
    known = [f"pair_{kind}_ev" for kind in PAIR_KINDS if row.get(f"pair_{kind}_ev") is not None]
    if not known:
        return []
    keys = [*known, *(f"e_activation_{role}_ev" for role in ROLES)]
    rows = [[BY_KEY[key].label, _text(row, key)] for key in keys]
    judged = ("dai_neb_doped", "dai_neb_intrinsic")
    rows += [[BY_KEY[key].label, _verdict(row.get(key))] for key in judged]
    return [{"title": "Carriers", "head": ["", "eV, or verdict"], "rows": rows}]


def _hop_tables(row: Row, ions: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    head = ["hop", "length / Å", "up / eV", "down / eV", "force / eV/Å", "decides", "remarks"]
    tables = []
    for role in ROLES:
        deciding = _deciding(ions[role])
        rows = [
            [
                str(hop["hop"]),
                _number(hop.get("length_angstrom"), 2),
                *(_number(rise, 3) for rise in hop["rises_ev"]),
                _number(hop.get("largest_force_ev_angstrom"), 3),
                ", ".join(f"{n}D" for n in deciding.get(hop["hop"], ())),
                ", ".join([*(words(flag) for flag in hop["flags"]), *_reason(hop)]),
            ]
            for hop in ions[role].get("hops", ())
        ]
        if rows:
            tables.append({"title": f"Hops of {row[role]}", "head": head, "rows": rows})
    return tables


def _reason(hop: Mapping[str, Any]) -> list[str]:
    return [str(hop["reason"])] if hop.get("reason") else []


def _deciding(ion: Mapping[str, Any]) -> dict[int, list[int]]:
    """Distinct hop → dimensionalities whose barrier it is."""
    found: dict[int, list[int]] = {}
    for n, hop in enumerate(ion.get("deciding_hops", ()), start=1):
        found.setdefault(int(hop), []).append(n)
    return found


def _profiles(name: str, ion: Mapping[str, Any]) -> dict[str, Any] | None:
    """Energies of the images along the way of the ion."""
    deciding = _deciding(ion)
    curves = []
    hops = sorted(ion.get("hops", ()), key=lambda hop: (hop["hop"] not in deciding, hop["hop"]))
    for hop in hops[:MOST_PROFILES]:
        x, y = hop.get("distances_angstrom") or [], hop.get("energies_ev") or []
        if len(x) == len(y) > 1 and None not in y:
            curves.append({"name": f"hop {hop['hop']}", "x": x, "y": y, "joined": True})
    if not curves:
        return None
    return {
        "title": f"Bands of {name}",
        "x_label": "way of the ion / Å",
        "y_label": "energy / eV",
        "curves": curves,
    }


def _scene(
    row: Row, document: Mapping[str, Any], ions: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The relaxed crystal, and the hops of both ions with their barriers."""
    arrays = document["crystal"]
    names = ("cell", "frac", "numbers", "charges", "occupancies")
    cell, frac, numbers, charges, occupancies = (np.array(arrays[name]) for name in names)
    crystal = IonicCrystal(
        cell=cell, frac=frac, numbers=numbers, charges=charges, occupancies=occupancies
    )
    shown = []
    for role in ROLES:
        barriers = {hop["hop"]: _higher(hop["rises_ev"]) for hop in ions[role].get("hops", ())}
        deciding = _deciding(ions[role])
        links = [
            {"from": near, "to": far, "barrier_ev": barriers.get(kind),
             "decides": int(kind) in deciding}
            for kind, near, far in ions[role].get("links", ())[:MOST_LINKS]
        ]  # fmt: skip
        name = str(row[role])
        shown.append(
            {"role": role, "name": name, "element": MobileIon.parse(name).element,
             "paths": [], "hops": links}
        )  # fmt: skip
    return {"crystal": shown_crystal(crystal), "ions": shown}


def _higher(rises: list[float | None]) -> float | None:
    known = [rise for rise in rises if rise is not None]
    return max(known) if known else None


def _number(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, int | float) else "–"
