"""What is to be run: structures of candidates, or of files, with their mobile ions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualion.results.columns import Row
from dualion.results.run_folder import RunFolder, read_candidates
from dualion.screening.ions import MobileIon
from dualion.structures.elements import atomic_number, symbol
from dualion.structures.entry import prepare_entry
from dualion.structures.errors import DualionError, InputError
from dualion.workflows.campaign.structure_lookup import find_entry, structures_of_run
from dualion.workflows.md.plan.cells import cell_of

if TYPE_CHECKING:
    from dualion.structures.crystal import IonicCrystal
    from dualion.structures.records import RawEntry
    from dualion.workflows.md.plan.cells import StartCell
    from dualion.workflows.md.plan.config import MdBlock

CATIONS = ("Li", "Na", "K", "Rb", "Cs", "Ag", "Cu", "Mg", "Ca", "Zn")
"""Mobile cations of a structure that is no candidate, the first that it holds."""

HALIDES = ("I", "Br", "Cl", "F")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One structure.

    Attributes:
        structure_key: first part of the row's key in ``candidates.csv``.
        source_id: its name in its source.
        formula: reduced formula.
        cation, anion: mobile ions, with their charges.
        crystal: the structure, made ready.
        note: what the preparation wants to be read; usually empty.
    """

    structure_key: str
    source_id: str
    formula: str
    cation: str
    anion: str
    crystal: IonicCrystal
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """What is not run, and why."""

    source_id: str
    message: str


def of_candidates(
    folder: Path, block: MdBlock, *, ids: Sequence[str] = ()
) -> tuple[list[Subject], list[Skipped]]:
    """Structures of a folder's candidates: those with some ids, or from the top.

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
    rows = _named(run, ids) if ids else _from_top(run, block)
    wanted = {(str(row["source"]), str(row["source_id"])) for row in rows}
    entries = structures_of_run(run, wanted)
    subjects, skipped = [], []
    for row in rows:
        name = str(row["source_id"])
        entry = entries.get((str(row["source"]), name))
        if entry is None:
            skipped.append(Skipped(source_id=name, message="Its source holds it no more."))
            continue
        try:
            subjects.append(_subject(row, entry, strict=run.strict))
        except DualionError as error:
            skipped.append(Skipped(source_id=name, message=str(error)))
    return subjects, skipped


def _named(run: RunFolder, ids: Sequence[str]) -> list[Row]:
    """The best row of each id."""
    import difflib

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


def _from_top(run: RunFolder, block: MdBlock) -> list[Row]:
    """The best row of each structure that the filters let pass."""
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
    """First part of a row's key: the structure's."""
    return str(row.get("key") or "").split("-")[0]


def symbol_of(ion: str) -> str:
    """Symbol of an ion such as I-."""
    found = re.match(r"[A-Z][a-z]?", ion)
    return found.group() if found else ion


def _subject(row: Row, entry: RawEntry, *, strict: bool) -> Subject:
    crystal = prepare_entry(entry, strict=strict).crystal
    return Subject(
        structure_key=structure_key_of(row),
        source_id=str(row["source_id"]),
        formula=str(row["reduced_formula"]),
        cation=str(row["cation"]),
        anion=str(row["anion"]),
        crystal=crystal,
        note=crystal.note,
    )


def of_file(name: str, *, cation: str = "", anion: str = "") -> Subject:
    """A structure that is no candidate.

    Args:
        name: a file, ``file#block``, or a name of the bundled set.
        cation, anion: symbols of the mobile ions; empty for the first usual cation, and for the
            most polarisable halide or the commonest anion.

    Raises:
        InputError: there is no such structure or ion.
        StructureError: it cannot be made ready.
    """
    entry = find_entry(name)
    prepared = prepare_entry(entry)
    crystal = prepared.crystal
    text = "\0".join((entry.format, entry.text))
    return Subject(
        structure_key=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        source_id=entry.source_id,
        formula=prepared.record.structure.composition.reduced_formula,
        cation=_ion(crystal, cation, CATIONS, positive=True),
        anion=_ion(crystal, anion, HALIDES, positive=False),
        crystal=crystal,
        note=crystal.note,
    )


def of_cell(path: Path, *, cation: str = "", anion: str = "") -> tuple[Subject, StartCell]:
    """A cell to start from as it is, such as one that ``dualion dope`` made.

    Raises:
        InputError: it cannot be read, or holds no such ion.
        StructureError: its ions have no charges that fit.
    """
    subject = of_file(str(path), cation=cation, anion=anion)
    if subject.crystal.is_disordered:
        raise InputError(f"{path} holds partly filled sites; a cell to start from has none.")
    name = path.stem if path.stem != "lowest" else f"{path.resolve().parent.name}-lowest"
    return subject, cell_of(subject.crystal, name)


def _ion(crystal: IonicCrystal, asked: str, usual: Sequence[str], *, positive: bool) -> str:
    """The mobile ion of one sign, with its charge."""
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
