"""What an ICSD entry says beside its structure: conditions, quality, origin.

Two generations of item names are in use; both are read. Units follow the core CIF dictionary
(temperature in K, pressure in kPa, R factors as fractions).
"""

from __future__ import annotations

import re

from dualion.structures.files.cif.sites import number
from dualion.structures.files.cif.text import CifItems, read_items
from dualion.structures.sources.base import Value, clean_metadata

KPA_PER_GPA = 1e6

_TEMPERATURE = ("_diffrn_ambient_temperature", "_cell_measurement_temperature")
_PRESSURE = ("_diffrn_ambient_pressure", "_cell_measurement_pressure")
_R_VALUE = (
    "_refine_ls_r_factor_all",
    "_refine_ls_r_factor_gt",
    "_refine_ls_r_factor_obs",
    "_refine_ls_r_factor_ref",
    "_pd_proc_ls_prof_r_factor",
)
_REMARKS = (
    "_publ_section_comment",
    "_exptl_special_details",
    "_refine_special_details",
    "_chemical_special_details",
    "_database_icsd_remark",
    "_icsd_remark",
    "_icsd_comment",
    "_audit_creation_method",
)
_THEORETICAL = re.compile(
    r"\b(theoretical|calculated structure|structure calculated|ab.initio|first.principles|DFT|"
    r"predicted|simulated|hypothetical)\b",
    re.IGNORECASE,
)


def collection_code(items: CifItems) -> str:
    """The ICSD collection code of a block; empty where it has none."""
    code = items.get("_database_code_icsd") or ""
    match = re.search(r"\d+", code)
    return match.group() if match else ""


def icsd_metadata(
    text: str, *, licence: str, retrieved: str, theoretical: bool | None
) -> dict[str, Value]:
    """Metadata of one block.

    Args:
        text: the block.
        licence: licence note.
        retrieved: date of retrieval.
        theoretical: what is known of all entries of the export; None to tell from the block.
    """
    items = read_items(text)
    temperature_k = _first_number(items, _TEMPERATURE)
    pressure_kpa = _first_number(items, _PRESSURE)
    r_value = _r_value(items)
    if theoretical is None:
        theoretical = _is_theoretical(items, measured=r_value is not None)
    code = collection_code(items)
    metadata = clean_metadata(
        {
            "retrieved": retrieved,
            "licence": licence,
            "collection_code": code,
            "experimental_ids": f"icsd-{code}" if code and theoretical is not True else None,
            "temperature_k": temperature_k,
            "pressure_gpa": None if pressure_kpa is None else pressure_kpa / KPA_PER_GPA,
            "r_value": r_value,
            "year": _year(items),
            "theoretical": theoretical,
            "stated_formula": items.get("_chemical_formula_sum"),
            "reference": _reference(items),
        }
    )
    if _has_attached_hydrogens(items):
        metadata["implicit_hydrogens"] = True
    return metadata


def _first_number(items: CifItems, names: tuple[str, ...]) -> float | None:
    for name in names:
        value = number(items.get(name) or "")
        if value is not None:
            return value
    return None


def _r_value(items: CifItems) -> float | None:
    """The R factor as a fraction; values above 1 are percentages, 0 means that none is given."""
    value = _first_number(items, _R_VALUE)
    if value is None or value <= 0.0:
        return None
    return value / 100.0 if value > 1.0 else value


def _is_theoretical(items: CifItems, *, measured: bool) -> bool | None:
    """Whether the entry says that it was computed; None where it says nothing either way."""
    remarks = " ".join(" ".join(items.column(name) or ()) for name in _REMARKS)
    if _THEORETICAL.search(remarks):
        return True
    return False if measured or items.get(*_TEMPERATURE) else None


def _year(items: CifItems) -> float | None:
    for name in ("_citation_year", "_journal_year"):
        for text in items.column(name) or ():
            value = number(text)
            if value is not None and 1900 <= value <= 2200:
                return value
    return None


def _reference(items: CifItems) -> str:
    """Journal, year, volume and first page of the first citation."""
    parts = []
    for names in (
        ("_citation_journal_full", "_journal_name_full"),
        ("_citation_year", "_journal_year"),
        ("_citation_journal_volume", "_journal_volume"),
        ("_citation_page_first", "_journal_page_first"),
    ):
        column = items.column(*names)
        if column and column[0].strip() not in ("", "?", "."):
            parts.append(" ".join(column[0].split()))
    return ", ".join(parts)


def _has_attached_hydrogens(items: CifItems) -> bool:
    column = items.column("_atom_site_attached_hydrogens") or ()
    return any((number(text) or 0.0) > 0.0 for text in column)
