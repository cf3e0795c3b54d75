"""Select the structures to run, of candidates or of files, with their mobile ions."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualion.results.columns import Row
from dualion.results.guest_rows import guest_salt, is_guest
from dualion.results.run_folder import RunFolder, read_candidates
from dualion.screening.ions import MobileIon
from dualion.structures.elements import atomic_number, symbol
from dualion.structures.entry import prepare_entry
from dualion.structures.errors import DualionError, InputError
from dualion.workflows.campaign.structure_lookup import find_entry, structures_of_run
from dualion.workflows.md.plan.cells import make_start_cell

if TYPE_CHECKING:
    from dualion.structures.crystal import IonicCrystal
    from dualion.structures.records import RawEntry
    from dualion.workflows.md.plan.cells import StartCell
    from dualion.workflows.md.plan.config import MdBlock

CATIONS = ("Li", "Na", "K", "Rb", "Cs", "Ag", "Cu", "Mg", "Ca", "Zn")
"""Default mobile cation of a structure that is no candidate: the first that it holds."""

HALIDES = ("I", "Br", "Cl", "F")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedStructure:
    """One selected structure.

    Attributes:
        structure_key: first part of the row's key in ``candidates.csv``.
        source_id: its name in its source.
        formula: reduced formula.
        cation, anion: mobile ions, with their charges.
        crystal: the prepared structure.
        note: remark of the preparation; usually empty.
        salt: formula of the salt that brings the anion in, where it is a guest; else empty.
    """

    structure_key: str
    source_id: str
    formula: str
    cation: str
    anion: str
    crystal: IonicCrystal
    note: str = ""
    salt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A structure that is not run, and why."""

    source_id: str
    message: str


def select_candidates(
    folder: Path, block: MdBlock, *, ids: Sequence[str] = ()
) -> tuple[list[SelectedStructure], list[Skipped]]:
    """Select structures of a folder's candidates: by their ids, or from the top.

    Args:
        folder: of a screening or campaign.
        block: how many candidates, which anions.
        ids: values of ``source_id``; none for the top of the list.

    Returns:
        The structures, and those that are skipped.

    Raises:
        InputError: there are no candidates, or none of that id, or their structures are out of
            reach.
    """
    run = read_candidates(folder)
    if not run.candidates:
        raise InputError(
            f"candidates.csv of {folder} holds no candidate; loosen the criterion, or queue a "
            "structure of your own with --structure FILE."
        )
    rows = _find_rows(run, ids) if ids else _take_top_rows(run, block)
    wanted = {(str(row["source"]), str(row["source_id"])) for row in rows}
    entries = structures_of_run(run, wanted)
    selection, skipped = [], []
    for row in rows:
        name = str(row["source_id"])
        entry = entries.get((str(row["source"]), name))
        if entry is None:
            skipped.append(Skipped(source_id=name, message="Its source no longer holds it."))
            continue
        try:
            selection.append(_make_selected(row, entry, strict=run.strict))
        except DualionError as error:
            skipped.append(Skipped(source_id=name, message=str(error)))
    return selection, skipped


def _find_rows(run: RunFolder, ids: Sequence[str]) -> list[Row]:
    """Find the best row of each id."""
    best: dict[str, Row] = {}
    for row in run.candidates:
        best.setdefault(str(row["source_id"]), row)
    for name in ids:
        if name not in best:
            close = difflib.get_close_matches(name, best, n=1, cutoff=0.0)[0]
            raise InputError(
                f"{run.folder} holds no candidate {name!r}; did you mean {close!r}? The ids are in "
                "the column source_id of candidates.csv."
            )
    return [best[name] for name in dict.fromkeys(ids)]


def _take_top_rows(run: RunFolder, block: MdBlock) -> list[Row]:
    """Take the best row of each structure that passes the filters."""
    chosen: dict[str, Row] = {}
    for row in run.candidates:
        if block.free_anions_only and row.get("anion_bound"):
            continue
        if block.anions and symbol_of(str(row["anion"])) not in block.anions:
            continue
        chosen.setdefault(structure_key_of(row), row)
        if len(chosen) >= block.candidates:
            break
    if not chosen:
        raise InputError(
            f"No candidate of {run.folder} passes the filters of the md block (free_anions_only, "
            "anions); loosen them, or name candidates with --id."
        )
    return list(chosen.values())


def structure_key_of(row: Row) -> str:
    """First part of a row's key, which identifies the structure."""
    return str(row.get("key") or "").split("-")[0]


def symbol_of(ion: str) -> str:
    """Element symbol of an ion such as I-."""
    found = re.match(r"[A-Z][a-z]?", ion)
    return found.group() if found else ion


def _make_selected(row: Row, entry: RawEntry, *, strict: bool) -> SelectedStructure:
    crystal = prepare_entry(entry, strict=strict).crystal
    return SelectedStructure(
        structure_key=structure_key_of(row),
        source_id=str(row["source_id"]),
        formula=str(row["reduced_formula"]),
        cation=str(row["cation"]),
        anion=str(row["anion"]),
        crystal=crystal,
        note=crystal.note,
        salt=guest_salt(row) if is_guest(row) else "",
    )


def select_file(name: str, *, cation: str = "", anion: str = "") -> SelectedStructure:
    """Select a structure that is no candidate.

    Args:
        name: a file, ``file#block``, or a name of the bundled set.
        cation, anion: symbols of the mobile ions; empty for the first usual cation, and for the
            most polarisable halide or the most common anion.

    Raises:
        InputError: there is no such structure or ion.
        StructureError: it cannot be prepared.
    """
    entry = find_entry(name)
    prepared = prepare_entry(entry)
    crystal = prepared.crystal
    text = "\0".join((entry.format, entry.text))
    return SelectedStructure(
        structure_key=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        source_id=entry.source_id,
        formula=prepared.record.structure.composition.reduced_formula,
        cation=_choose_ion(crystal, cation, CATIONS, positive=True),
        anion=_choose_ion(crystal, anion, HALIDES, positive=False),
        crystal=crystal,
        note=crystal.note,
    )


def select_cell(
    path: Path, *, cation: str = "", anion: str = ""
) -> tuple[SelectedStructure, StartCell]:
    """Select a starting cell as it is, such as one of ``dualion dope``.

    Args:
        path: file of the cell.
        cation, anion: symbols of the mobile ions; empty for the defaults of ``select_file``.

    Raises:
        InputError: it cannot be read, holds no such ion, or is disordered.
        StructureError: its ions have no charges that fit.
    """
    selected = select_file(str(path), cation=cation, anion=anion)
    if selected.crystal.is_disordered:
        raise InputError(f"{path} holds partly filled sites; a cell to start from has none.")
    name = path.stem if path.stem != "lowest" else f"{path.resolve().parent.name}-lowest"
    return selected, make_start_cell(selected.crystal, name)


def _choose_ion(crystal: IonicCrystal, asked: str, usual: Sequence[str], *, positive: bool) -> str:
    """Choose the mobile ion of one sign, with its charge."""
    charges: dict[str, list[float]] = {}
    for z, charge in zip(crystal.numbers.tolist(), crystal.charges.tolist(), strict=True):
        if (charge > 0.0) == positive:
            charges.setdefault(symbol(z), []).append(charge)
    kind = "cation" if positive else "anion"
    if asked and symbol_of(asked) not in charges:
        raise InputError(
            f"The structure holds no {kind} {asked}; it has {', '.join(charges) or 'none'}."
        )
    common = sorted(charges, key=lambda name: -len(charges[name]))
    order = [symbol_of(asked)] if asked else [*(n for n in usual if n in charges), *common]
    if not order:
        raise InputError(f"The structure holds no {kind}.")
    mean = sum(charges[order[0]]) / len(charges[order[0]])
    return str(MobileIon(atomic_number(order[0]), mean))
