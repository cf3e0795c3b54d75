"""Anions of known mobility: their labels, their structures, their barriers by every method.

``sourced`` labels are those of ``data/anion_mobility.csv``, each with its reference; ``noted`` ones
are the energies from memory that stand beside the structures of the shared data.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from _inputs import require_data
from pymatgen.core import Lattice, Structure

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bonding import bound_fraction
from dualion.screening.hops.mechanisms import mechanism_barriers
from dualion.screening.ions import anions_of
from dualion.structures.crystal import IonicCrystal
from dualion.structures.files import iter_raw_entries, parse_entry, reference_paths
from dualion.structures.preparation import prepare
from dualion.structures.records import RawEntry, StructureRecord

Labels = Literal["sourced", "noted"]
TABLE = Path(__file__).resolve().parent / "data" / "anion_mobility.csv"
BOUND_FROM = 0.5


@dataclass(frozen=True, kw_only=True)
class Anion:
    """One labelled anion.

    Attributes:
        name: compound, and the element where a compound has several anions.
        element: of the anion.
        activation_ev: activation energy of migration, eV; NaN where none is known.
        mobile: whether it moves.
        reported: whether somebody looked; without that, immobile means that nobody is known to.
        bound: whether most of its sites are ligands of a polyanion.
        barriers_ev: E_1D, E_2D, E_3D by method, eV.
    """

    name: str
    element: str
    activation_ev: float
    mobile: bool
    reported: bool
    bound: bool = False
    barriers_ev: dict[str, tuple[float, ...]] = field(default_factory=dict)


def measured(labels: Labels, methods: Mapping[str, BarrierOptions], cache: Path) -> list[Anion]:
    """Anions with their barriers, refined ones where the mechanism has a grid.

    Args:
        labels: which labels.
        methods: conventions by name.
        cache: barriers that were computed before, added to.
    """
    known = json.loads(cache.read_text(encoding="utf-8")) if cache.is_file() else {}
    found = []
    for label, structure in _structures(labels):
        key = f"{label.name} {label.element} {labels}"
        if set(methods) - set(known.get(key, {}).get("barriers_ev", {})):
            known[key] = _computed(structure, label.element, methods)
            cache.write_text(json.dumps(known), encoding="utf-8")
        found.append(Anion(**{**asdict(label), **known[key]}))
    return found


def _computed(
    structure: Structure, element: str, methods: Mapping[str, BarrierOptions]
) -> dict[str, object]:
    crystal: IonicCrystal = prepare(structure)
    ion = next(ion for ion in anions_of(crystal) if ion.element == element)
    barriers = {
        name: mechanism_barriers(crystal, ion, options).refined_ev
        for name, options in methods.items()
    }
    return {"bound": bound_fraction(crystal, ion) >= BOUND_FROM, "barriers_ev": barriers}


def _structures(labels: Labels) -> Iterator[tuple[Anion, Structure]]:
    shared = {row["name"]: row for row in _shared_rows()}
    if labels == "noted":
        for name, row in shared.items():
            energy = row["activation_energy_ev"]
            yield (
                Anion(
                    name=name,
                    element=row["anion"],
                    activation_ev=math.nan if energy is None else float(energy),
                    mobile=bool(row["mobile"]),
                    reported=energy is not None,
                ),
                _shared_structure(row),
            )
        return
    for row in sourced_rows():
        known = shared.get(row["structure"])
        yield _sourced(row), _shared_structure(known) if known else _bundled(row["bundled"])


def sourced_rows() -> list[dict[str, str]]:
    """Rows of the sourced table that count, one an anion."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["use"] != "none"]


def _sourced(row: dict[str, str]) -> Anion:
    energy = row["activation_energy_ev"] if row["use"] == "energy" else ""
    return Anion(
        name=row["structure"] or row["compound"],
        element=row["ion"],
        activation_ev=float(energy) if energy else math.nan,
        mobile=row["evidence"].startswith("mobile"),
        reported=row["evidence"] != "not_reported",
    )


def _shared_rows() -> Iterator[dict[str, object]]:
    path = require_data() / "anion_mobility_dev.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        yield from map(json.loads, rows)


def _shared_structure(row: dict[str, object]) -> Structure:
    return Structure(Lattice.from_parameters(*row["lattice"]), row["species"], row["coords"])


def _bundled(name: str) -> Structure:
    path = next(path for path in reference_paths() if path.name == name)
    for entry in iter_raw_entries([path]):
        if isinstance(entry, RawEntry):
            record = parse_entry(entry)
            if isinstance(record, StructureRecord):
                return record.structure
    raise SystemExit(f"{path} holds no structure.")
