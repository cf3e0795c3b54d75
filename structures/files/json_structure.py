"""Structures from JSON: rows of arrays, and pymatgen dicts.

JSON is read key by key and never handed to a decoder that would import the classes that
it names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dualion.structures.files.build import (
    OCCUPANCY_TOLERANCE,
    full_site,
    lattice_of,
    number_array,
    refusal,
    too_many_sites,
)

if TYPE_CHECKING:
    from pymatgen.core import Composition, Lattice, Structure

JSON_METADATA = {
    "energy_above_hull": "energy_above_hull_ev_atom",
    "e_above_hull": "energy_above_hull_ev_atom",
    "energy_above_hull_ev_atom": "energy_above_hull_ev_atom",
    "band_gap": "band_gap_ev",
    "band_gap_ev": "band_gap_ev",
    "theoretical": "theoretical",
    "temperature_k": "temperature_k",
    "formula": "stated_formula",
}
"""Keys of a JSON row and their names in the metadata of a record."""

LARGEST_METADATA = 1e9
"""Energies, gaps and temperatures beyond this are no such thing; nor are NaN and infinity."""


def json_metadata(row: Mapping[str, Any]) -> dict[str, str | float | bool | None]:
    """What a JSON row says beside the structure, under the names of ``JSON_METADATA``."""
    metadata: dict[str, str | float | bool | None] = {}
    for key, name in JSON_METADATA.items():
        value = row.get(key)
        if isinstance(value, str):
            value = value[:200]
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            value = float(value) if abs(value) < LARGEST_METADATA else None
        if isinstance(value, (str, float, bool)) and name not in metadata:
            metadata[name] = value
    return metadata


def load_json(text: str) -> dict[str, Any]:
    """The JSON object in a text.

    Raises:
        UnreadableStructureError: there is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refusal(f"The text is no JSON ({error}); write it again.", "bad_json") from error
    if not isinstance(value, dict):
        raise refusal("The JSON value is no object with a structure in it.", "not_a_structure")
    return value


def read_row(row: Mapping[str, Any], *, max_sites: int) -> Structure:
    """A row of ``lattice``, ``species`` and flat ``coords``.

    Args:
        row: ``lattice`` is [a, b, c, alpha, beta, gamma] in Å and degrees, or three rows of
            a matrix in Å; ``species`` is [[symbol, count], …] in the order of the sites;
            ``coords`` is [x1, y1, z1, x2, …], fractional.
        max_sites: most sites that are accepted.

    Raises:
        UnreadableStructureError: the row does not hold that.
    """
    from pymatgen.core import Structure

    fractional = number_array(row["coords"], "coords").reshape(-1)
    counts = _species_counts(row["species"])
    total = sum(count for _, count in counts)
    if total > max_sites:
        raise too_many_sites(total, max_sites)
    if total * 3 != fractional.size or total == 0:
        raise refusal(
            f"The row names {total} sites and gives {fractional.size} coordinates; it must give "
            "three per site.",
            "bad_row",
        )
    species = [site for symbol, count in counts for site in [full_site(symbol)] * count]
    return Structure(lattice_of(row["lattice"]), species, fractional.reshape(-1, 3))


def _species_counts(value: object) -> list[tuple[str, int]]:
    try:
        counts = [(str(symbol), count) for symbol, count in value]  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise refusal("'species' must be a list of [symbol, count].", "bad_row") from error
    if not all(isinstance(count, int) and 0 < count < 10**9 for _, count in counts):
        raise refusal("A count in 'species' is no positive whole number.", "bad_row")
    return counts


def read_pymatgen(value: Mapping[str, Any], *, max_sites: int) -> Structure:
    """Read a pymatgen ``Structure.as_dict()``, or an entry that holds one as ``structure``.

    Args:
        value: the JSON object.
        max_sites: the largest number of sites that is accepted.

    Raises:
        UnreadableStructureError: the dict has no lattice, or a site cannot be read.
    """
    from pymatgen.core import Structure

    if "structure" in value and "sites" not in value:
        inner = value["structure"]
        if not isinstance(inner, Mapping):
            raise refusal("The 'structure' of the entry is no object.", "not_a_structure")
        if "coords" in inner:
            return read_row(inner, max_sites=max_sites)
        return read_pymatgen(inner, max_sites=max_sites)
    sites, lattice = value.get("sites"), value.get("lattice")
    if not isinstance(sites, list) or not sites or lattice is None:
        raise refusal(
            "The JSON object has no 'lattice' and 'sites'; write it with pymatgen's "
            "Structure.as_dict().",
            "not_a_structure",
        )
    if len(sites) > max_sites:
        raise too_many_sites(len(sites), max_sites)
    cell = _pymatgen_lattice(lattice)
    try:
        species = [_pymatgen_species(site["species"]) for site in sites]
        positions = [site.get("abc") for site in sites]
        if any(position is None for position in positions):
            positions = cell.get_fractional_coords([site["xyz"] for site in sites])
    except (KeyError, TypeError, AttributeError) as error:
        raise refusal(f"A site of the structure lacks {error}.", "bad_site") from error
    fractional = number_array(positions, "abc")
    if fractional.shape != (len(sites), 3):
        raise refusal("A site does not have three coordinates.", "bad_site")
    return Structure(cell, species, fractional)


def _pymatgen_lattice(value: object) -> Lattice:
    if not isinstance(value, Mapping):
        return lattice_of(value)
    pbc = value.get("pbc", (True, True, True))
    if not all(pbc):
        raise refusal("The structure is not periodic in all directions.", "not_periodic")
    if "matrix" in value:
        return lattice_of(value["matrix"])
    return lattice_of([value.get(key) for key in ("a", "b", "c", "alpha", "beta", "gamma")])


def _pymatgen_species(species: Sequence[Mapping[str, Any]]) -> Composition:
    """Occupants of one site; sums a little above 1 are scaled to 1."""
    from pymatgen.core import Composition, Element, Species

    if len(species) == 1 and species[0].get("occu") == 1:
        only = species[0]
        if only.get("oxidation_state") is None:
            return full_site(str(only["element"]))
    amounts: dict[Any, float] = {}
    for item in species:
        state = item.get("oxidation_state")
        symbol = str(item["element"])
        if not Element.is_valid_symbol(symbol):
            full_site(symbol)
        kind = Element(symbol) if state is None else Species(symbol, float(state))
        amounts[kind] = amounts.get(kind, 0.0) + float(item["occu"])
    total = sum(amounts.values())
    if not (min(amounts.values(), default=-1.0) > 0.0 and total <= OCCUPANCY_TOLERANCE):
        raise refusal(
            f"The occupancies of a site sum to {total:g} or are not positive; they must lie "
            "between 0 and 1.",
            "bad_occupancy",
        )
    return Composition({kind: amount / max(1.0, total) for kind, amount in amounts.items()})
