"""``dualion neb --engine vasp|cp2k``: hand hops over to a DFT program, and read them back."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from dualion.results.tables import guard_cell
from dualion.screening.ions import MobileIon
from dualion.structures.errors import DualionError, InputError
from dualion.structures.symmetry import primitive_crystal
from dualion.workflows.cli.neb.session import make_folder
from dualion.workflows.execution.files import write_json, write_text
from dualion.workflows.execution.locks import folder_lock
from dualion.workflows.neb.handover.hop_folder import HopFolder, NotComputedError
from dualion.workflows.neb.handover.hop_images import HopImages, bond_valence_hops, stored_hops
from dualion.workflows.neb.handover.programs import Handover, read_hop
from dualion.workflows.neb.tables import hop_json

if TYPE_CHECKING:
    from rich.console import Console

    from dualion.workflows.md.plan.selection import SelectedStructure
    from dualion.workflows.neb.run import NebOptions

DIGITS = 4
COLUMNS = (
    "source_id", "formula", "ion", "hop", "length_angstrom", "origin", "origin_rise_ev",
    "origin_back_ev", "program", "rise_ev", "back_ev", "largest_force_ev_angstrom", "steps",
    "flags", "state",
)  # fmt: skip
"""Columns of ``vasp.csv`` and ``cp2k.csv``: climbs from the near and the far end, eV, by what the
images come from and by the program; empty where there is none."""

Row = dict[str, Any]


def hand_over_all(
    console: Console,
    work: Sequence[tuple[SelectedStructure, Path]],
    handover: Handover,
    options: NebOptions,
    wanted: Sequence[int],
) -> None:
    """Write the hops that are not there yet, read those that are finished, and show all.

    Args:
        console: where the table is shown.
        work: structures and the folder of each; all folders lie side by side.
        handover: the program.
        options: limits of cells and bands.
        wanted: numbers of hops; empty for those that decide a barrier.

    Raises:
        InputError: a folder cannot be written, or a setting is wrong.
    """
    folder = work[0][1].parent
    make_folder(folder)
    rows: list[Row] = []
    with folder_lock(folder):
        for selected, path in work:
            for ion in (selected.cation, selected.anion):
                rows += _ion_rows(selected, path, MobileIon.parse(ion), handover, options, wanted)
        write_text(folder / f"{handover.name}.csv", rows_csv(rows))
    _show(console, rows)
    if any(row["state"] == "written" for row in rows):
        console.print(f"  {handover.command}", highlight=False)
    console.print(f"  {folder}", highlight=False, soft_wrap=True)


def _ion_rows(
    selected: SelectedStructure,
    path: Path,
    ion: MobileIon,
    handover: Handover,
    options: NebOptions,
    wanted: Sequence[int],
) -> list[Row]:
    about = {"source_id": selected.source_id, "formula": selected.formula, "ion": str(ion)}
    place = path / str(ion) / handover.name
    try:
        hops = _written(place, wanted) or _new_hops(selected, path, ion, options, wanted)
    except DualionError as error:
        return [about | {"program": handover.name, "state": str(error)}]
    return [about | _hop_row(hop, place, handover, options) for hop in hops]


def _written(place: Path, wanted: Sequence[int]) -> list[HopImages]:
    """Hops that were handed over before, if all that are wanted are among them."""
    folders = [HopFolder(one) for one in sorted(place.glob("hop-*")) if HopFolder(one).written]
    hops = [folder.hop() for folder in folders]
    if not set(wanted) <= {hop.hop for hop in hops}:
        return []
    return [hop for hop in hops if not wanted or hop.hop in wanted]


def _new_hops(
    selected: SelectedStructure,
    path: Path,
    ion: MobileIon,
    options: NebOptions,
    wanted: Sequence[int],
) -> list[HopImages]:
    """Bands of a potential where the folder holds some, else images along bond valence paths."""
    if any((path / str(ion)).glob("hop-*.extxyz")):
        origin, deciding = _potential_of(path, ion)
        return stored_hops(path / str(ion), ion, origin=origin, wanted=wanted or deciding)
    if selected.crystal.is_disordered:
        raise InputError(
            "The structure is disordered, and a hop needs one set of atoms; give an ordered "
            "configuration of it."
        )
    return bond_valence_hops(
        primitive_crystal(selected.crystal),
        ion,
        images=options.band.images,
        most_atoms=options.most_atoms,
        smallest_width_angstrom=options.smallest_width_angstrom,
        wanted=wanted,
    )


def _potential_of(path: Path, ion: MobileIon) -> tuple[str, list[int]]:
    """Name of the potential and its deciding hops, by ``neb.json``; no hops without it."""
    try:
        content = json.loads((path / "neb.json").read_text(encoding="utf-8"))
        deciding = sorted({hop for hop in content["ions"][str(ion)]["deciding_hops"] if hop >= 0})
        name = str(content["row"]["neb_potential"])
    except (OSError, ValueError, KeyError, TypeError):
        return "potential", []
    bands = {int(one.stem.removeprefix("hop-")) for one in (path / str(ion)).glob("hop-*.extxyz")}
    return name, [hop for hop in deciding if hop in bands]


def _hop_row(hop: HopImages, place: Path, handover: Handover, options: NebOptions) -> Row:
    folder = HopFolder(place / f"hop-{hop.hop:04d}")
    row: Row = {
        "hop": hop.hop,
        "length_angstrom": hop.length_angstrom,
        "origin": hop.origin,
        "origin_rise_ev": hop.rises_ev[0],
        "origin_back_ev": hop.rises_ev[1],
        "program": handover.name,
    }
    try:
        if not folder.written:
            handover.write(hop, folder, options.band)
            return row | {"state": "written"}
        found = read_hop(handover, folder)
    except (NotComputedError, InputError) as error:
        return row | {"state": str(error)}
    write_json(folder.path / "result.json", hop_json(found, hop.length_angstrom))
    return row | {
        "rise_ev": found.rises_ev[0],
        "back_ev": found.rises_ev[1],
        "largest_force_ev_angstrom": found.largest_force_ev_angstrom,
        "steps": found.steps,
        "flags": ";".join(found.flags),
        "state": found.reason or "read",
    }


def rows_csv(rows: Sequence[Row]) -> str:
    """Write the table of hops.

    Args:
        rows: with columns of ``COLUMNS``.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}" if math.isfinite(value) else ""
    return guard_cell(value) if isinstance(value, str) else value


def _show(console: Console, rows: Sequence[Row]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("structure", "ion", "hop", "Å", "before", "by", "DFT", "back", "force"):
        table.add_column(name, justify="right" if name in ("hop", "Å", "force") else "left")
    for row in rows:
        numbers = (
            _number(row.get(key), digits)
            for key, digits in (("length_angstrom", 2), ("origin_rise_ev", 3))
        )
        found = (_number(row.get(key), 3) for key in ("rise_ev", "back_ev"))
        table.add_row(
            Text(str(row["formula"])),
            Text(str(row["ion"])),
            str(row.get("hop", "")),
            *numbers,
            Text(str(row.get("origin", ""))),
            *found,
            _number(row.get("largest_force_ev_angstrom"), 3),
        )
    console.print(table)
    for row in rows:
        if row["state"] not in ("read", "written"):
            console.print(Text(f"  {row['formula']} {row['ion']}: {row['state']}"))


def _number(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) and math.isfinite(value) else "-"
