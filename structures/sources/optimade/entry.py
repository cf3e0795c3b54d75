"""One OPTIMADE structure entry as the text of a pymatgen structure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import UnreadableStructureError

UNUSABLE_FEATURES = {
    "unknown_positions": "some of its atoms have no positions",
    "implicit_atoms": "atoms are meant that are not listed",
    "site_attachments": "groups of atoms are attached to sites without positions",
    "assemblies": "groups of its sites exclude one another, which a list of sites cannot say",
}
"""Structure features that a plain list of sites cannot hold, and why."""

SMALLEST_VOLUME_CUBIC_ANGSTROM = 1e-3


def structure_text(attributes: Mapping[str, Any]) -> str:
    """Attributes of an entry as JSON that the reader of ``pymatgen_json`` takes.

    Args:
        attributes: ``lattice_vectors`` (rows, Å), ``cartesian_site_positions`` (Å),
            ``species_at_sites`` and ``species`` with concentrations; ``vacancy`` leaves a part
            of a site empty.

    Raises:
        UnreadableStructureError: something of that is missing, or says what cannot be used.
    """
    _refuse_features(attributes)
    cell = _array(attributes, "lattice_vectors", (3, 3))
    names = attributes.get("species_at_sites")
    if not isinstance(names, list) or not names:
        raise _missing("species_at_sites")
    positions = _array(attributes, "cartesian_site_positions", (len(names), 3))
    if abs(np.linalg.det(cell)) < SMALLEST_VOLUME_CUBIC_ANGSTROM:
        raise UnreadableStructureError("The entry's cell has no volume.", reason="bad_cell")
    contents = _species(attributes)
    unknown = {str(name) for name in names} - contents.keys()
    if unknown:
        raise UnreadableStructureError(
            f"The entry's sites name {sorted(unknown)[0][:40]!r}, which it does not define.",
            reason="unknown_element",
        )
    fractional = np.linalg.solve(cell.T, positions.T).T
    sites = [
        {"species": contents[str(name)], "abc": position}
        for name, position in zip(names, fractional.tolist(), strict=True)
        if contents[str(name)]
    ]
    return json.dumps({"lattice": {"matrix": cell.tolist()}, "sites": sites})


def _refuse_features(attributes: Mapping[str, Any]) -> None:
    for feature in _features(attributes):
        if feature in UNUSABLE_FEATURES:
            raise UnreadableStructureError(
                f"The entry cannot be used: {UNUSABLE_FEATURES[feature]} ({feature}).",
                reason=f"optimade_{feature}",
            )
    dimensions = attributes.get("dimension_types")
    if isinstance(dimensions, list) and 0 in dimensions:
        raise UnreadableStructureError(
            "The structure is not periodic in all three directions.", reason="not_periodic"
        )


def _features(attributes: Mapping[str, Any]) -> list[str]:
    """Features of the entry; what they are decides whether it can be used."""
    features = attributes.get("structure_features")
    if features is None:
        return []
    if not isinstance(features, list) or not all(isinstance(name, str) for name in features):
        raise UnreadableStructureError(
            "structure_features of the entry is no list of names, so that it is not known what its "
            "sites mean.",
            reason="bad_entry",
        )
    return features


def _missing(name: str) -> UnreadableStructureError:
    return UnreadableStructureError(
        f"The entry holds no structure ({name} is missing).", reason="no_structure"
    )


def _array(attributes: Mapping[str, Any], name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    value = attributes.get(name)
    if value is None:
        raise _missing(name)
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableStructureError(
            f"{name} of the entry holds something that is no number.", reason="bad_number"
        ) from error
    if array.shape != shape or not np.isfinite(array).all():
        raise UnreadableStructureError(
            f"{name} of the entry has the shape {array.shape}, not {shape}, or is not finite.",
            reason="bad_number",
        )
    return array


def _species(attributes: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Name of each species to its elements and occupancies."""
    listed = attributes.get("species")
    if not isinstance(listed, list):
        raise _missing("species")
    contents = {}
    for item in listed:
        try:
            name = str(item["name"])
            pairs = list(zip(item["chemical_symbols"], item["concentration"], strict=True))
            if item.get("attached") or item.get("nattached"):
                _refuse_features({"structure_features": ["site_attachments"]})
            contents[name] = [_occupant(symbol, share) for symbol, share in pairs if share]
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise UnreadableStructureError(
                "A species of the entry lacks its name, symbols or concentrations.",
                reason="bad_site",
            ) from error
        contents[name] = [part for part in contents[name] if part["element"] != "vacancy"]
    return contents


def _occupant(symbol: object, share: object) -> dict[str, Any]:
    if symbol == "X":
        raise UnreadableStructureError(
            "A site of the entry holds an unknown element (X).", reason="unknown_element"
        )
    return {"element": str(symbol), "occu": float(share)}  # type: ignore[arg-type]
