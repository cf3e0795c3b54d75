"""A CIF block as a pymatgen structure, and what the block says beside it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import UnreadableStructureError
from dualion.structures.files.build import OCCUPANCY_TOLERANCE, too_many_sites
from dualion.structures.files.cif.formula import read_formula
from dualion.structures.files.cif.readings import ROUGH_MATCH, ReadRows, Stated, choose_readings
from dualion.structures.files.cif.sites import (
    AtomRow,
    number,
    read_rows,
    stands_for_hydrogen,
    with_oxidation,
)
from dualion.structures.files.cif.special_positions import SAME_SITE_FRACTIONAL
from dualion.structures.files.cif.symmetry import (
    Operators,
    fits_cell,
    listed_operators,
    symbol_operators,
)
from dualion.structures.files.cif.text import CifItems, read_items

if TYPE_CHECKING:
    from pymatgen.core import Structure

_CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")

_FORMULAS = (
    "_chemical_formula_sum",
    "_chemical_formula_structural",
    "_chemical_formula_iupac",
    "_chemical_formula_moiety",
    "_chemical_formula_analytical",
)

_DATABASES = {
    "_database_code_icsd": "ICSD",
    "_database_code_depnum_ccdc_archive": "CCDC",
    "_database_code_csd": "CSD",
    "_database_code_cod": "COD",
    "_cod_database_code": "COD",
    "_database_code_amcsd": "AMCSD",
    "_database_code_pdf": "PDF",
    "_amcsd_database_code": "AMCSD",
}

CifMetadata = dict[str, str | float | bool | None]


def read_cif(text: str, *, max_sites: int) -> tuple[Structure, CifMetadata, list[str]]:
    """Read one block of a CIF.

    Args:
        text: the block.
        max_sites: most sites that the cell may have.

    Returns:
        The structure of the whole cell (partial occupancies kept, oxidation states where
        the file gives them), the metadata, and notes on what was changed.

    Raises:
        UnreadableStructureError: the block is no crystal structure, or an unusable one.
    """
    items = read_items(text)
    _refuse_special(items)
    notes: list[str] = []
    cell = _cell_parameters(items)
    stated = _stated(items)
    rows = read_rows(items, notes, stated.formula or ())
    if len(rows) > max_sites:
        raise too_many_sites(len(rows), max_sites)
    metadata = _metadata(items)
    operators, chosen = _choose_rows(items, cell, rows, stated, metadata, notes)
    _note_hydrogens(chosen.rows, items, metadata, notes)
    if any(row.is_guess for row in chosen.rows):
        metadata["elements_guessed"] = True
    structure = _expand(cell, with_oxidation(chosen.rows, items, notes), operators, notes)
    return structure, metadata, notes


def _note_hydrogens(
    rows: list[AtomRow], items: CifItems, metadata: CifMetadata, notes: list[str]
) -> None:
    for label in stands_for_hydrogen(rows, items):
        metadata["implicit_hydrogens"] = True
        notes.append(f"site {label} stands for implicit hydrogens as well")


def _stated(items: CifItems) -> Stated:
    """Formula and Z of the block; the sum formula before others, which are written in groups."""
    texts = (items.get(name) for name in _FORMULAS)
    formulas = (read_formula(text) for text in texts if text)
    units = number(items.get("_cell_formula_units_z") or "")
    return Stated(
        formula=next((formula for formula in formulas if formula), None),
        units=units if units is not None and 0.1 < units < 1e4 else None,
    )


def _refuse_special(items: CifItems) -> None:
    dimension = number(items.get("_cell_modulation_dimension") or "0")
    if dimension:
        raise UnreadableStructureError(
            "The structure is modulated; its average cell alone would be misleading. Give a "
            "commensurate approximant.",
            reason="modulated",
        )
    magnetic = any("symop_magn" in name for name in items.loops)
    if magnetic and not listed_operators(items):
        raise UnreadableStructureError(
            "The file lists magnetic operators only; export the nuclear structure with "
            "_space_group_symop_operation_xyz.",
            reason="magnetic_cif",
        )


def _cell_parameters(items: CifItems) -> list[float]:
    lengths = [number(items.get(f"_cell_{name}") or "") for name in _CELL[:3]]
    # 90 degrees is the default of the core dictionary where an angle is not written at all.
    angles = [number(items.values.get(f"_cell_{name}", "90")) or 0.0 for name in _CELL[3:]]
    usable = [length for length in lengths if length is not None and 0.1 < length < 10_000.0]
    if len(usable) < 3 or not all(0.0 < angle < 180.0 for angle in angles):
        raise UnreadableStructureError(
            "The block has no complete cell (_cell_length_a to _cell_angle_gamma); write it into "
            "the file.",
            reason="no_cell",
        )
    return [*usable, *angles]


def _choose_rows(
    items: CifItems,
    cell: list[float],
    rows: list[AtomRow],
    stated: Stated,
    metadata: CifMetadata,
    notes: list[str],
) -> tuple[Operators, ReadRows]:
    """The operators of the block and its rows; among readings, those that fit what it states."""
    from pymatgen.core import Lattice

    matrix = Lattice.from_parameters(*cell).matrix
    operators = listed_operators(items)
    if operators:
        if not fits_cell(operators, matrix):
            metadata["symmetry_fits_cell"] = False
            notes.append("the symmetry operators of the file do not fit its cell")
    else:
        operators = ("x, y, z",)
        readings = symbol_operators(items)
        if readings:
            metadata["symmetry_from_symbol"] = True
            return _best_setting(readings, matrix, rows, stated, notes)
        notes.append("the file names no symmetry; it was read as P1")
    chosen = choose_readings(rows, operators, matrix, stated)
    _note_reread(chosen, notes)
    return operators, chosen


def _best_setting(
    readings: list[Operators],
    matrix: NDArray[np.float64],
    rows: list[AtomRow],
    stated: Stated,
    notes: list[str],
) -> tuple[Operators, ReadRows]:
    notes.append("the file lists no symmetry operators; they were taken from its space group")
    fitting = [reading for reading in readings if fits_cell(reading, matrix)]
    if not fitting:
        raise UnreadableStructureError(
            "The file lists no symmetry operators, and no setting of its space group fits the "
            "cell; add _space_group_symop_operation_xyz.",
            reason="bad_symmetry",
        )
    best: tuple[Operators, ReadRows] | None = None
    for operators in fitting:
        chosen = choose_readings(rows, operators, matrix, stated)
        if best is None or chosen.score < best[1].score:
            best = operators, chosen
        if stated.formula is None or best[1].score <= (0, 0.0, 0, 0):
            break
    assert best is not None
    if len(fitting) > 1:
        agrees = stated.formula is not None and best[1].score[:2] <= (0, ROUGH_MATCH)
        notes.append(
            "the setting of the space group was chosen by the stated formula"
            if agrees
            else "the space group has several settings; the usual one was assumed"
        )
    _note_reread(best[1], notes)
    return best


def _note_reread(chosen: ReadRows, notes: list[str]) -> None:
    if chosen.reread:
        notes.append(f"the stated formula decides how {', '.join(chosen.reread[:5])} must be read")


def _expand(
    cell: list[float], rows: list[AtomRow], operators: Operators, notes: list[str]
) -> Structure:
    from pymatgen.io.cif import CifParser

    parser = CifParser.from_str(
        _clean_text(cell, rows, operators),
        occupancy_tolerance=OCCUPANCY_TOLERANCE,
        site_tolerance=SAME_SITE_FRACTIONAL,
        check_cif=False,
    )
    try:
        structures = parser.parse_structures(primitive=False, on_error="raise")
    except ValueError as error:
        if "exceeded tolerance" in str(error):
            raise UnreadableStructureError(
                "The occupancies of a site sum to more than 1; sites that exclude one another "
                "must be partly occupied. Correct the occupancies.",
                reason="occupancy_above_one",
            ) from error
        raise
    notes.extend(parser.warnings)
    return structures[0]


def _clean_text(cell: list[float], rows: list[AtomRow], operators: Operators) -> str:
    """A small CIF with nothing in it that could be misread."""
    lines = ["data_block"]
    lines += [f"_cell_{name} {value!r}" for name, value in zip(_CELL, cell, strict=True)]
    lines += ["loop_", "_symmetry_equiv_pos_as_xyz"]
    lines += [f"'{operator}'" for operator in operators]
    states = {_type_symbol(row): row.oxidation_e for row in rows if row.oxidation_e is not None}
    if states:
        lines += ["loop_", "_atom_type_symbol", "_atom_type_oxidation_number"]
        lines += [f"{symbol} {state!r}" for symbol, state in states.items()]
    names = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    lines += ["loop_", *(f"_atom_site_{name}" for name in names)]
    for row in rows:
        label = re.sub(r"[^A-Za-z0-9+*\-]", "", row.label)[:20]
        x, y, z = row.position
        numbers = f"{x!r} {y!r} {z!r} {row.occupancy!r}"
        lines.append(f"{row.element}_{label} {_type_symbol(row)} {numbers}")
    return "\n".join(lines) + "\n"


def _type_symbol(row: AtomRow) -> str:
    if row.oxidation_e is None:
        return row.element
    return f"{row.element}{abs(row.oxidation_e):g}{'-' if row.oxidation_e < 0 else '+'}"


def _metadata(items: CifItems) -> CifMetadata:
    metadata: CifMetadata = {}
    temperature = items.get("_diffrn_ambient_temperature", "_cell_measurement_temperature")
    kelvin = number(temperature) if temperature else None
    if kelvin is not None and math.isfinite(kelvin):
        metadata["temperature_k"] = kelvin
    formula = items.get("_chemical_formula_sum")
    if formula:
        metadata["stated_formula"] = " ".join(formula.split())[:200]
    for name, database in _DATABASES.items():
        code = items.get(name)
        if code:
            metadata["database_code"] = f"{database} {' '.join(code.split())[:60]}"
            break
    return metadata
