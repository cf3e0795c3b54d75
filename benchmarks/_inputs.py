"""Inputs that several benchmarks share: seeded samples of the public data sets."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dualion.structures.crystal import IonicCrystal
from dualion.structures.files import iter_raw_entries, parse_entry
from dualion.structures.records import RawEntry, StructureRecord

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PEER_FORBIDDEN = ["O-", "P3-"]
"""What bvlain forbids when it assigns oxidation states."""


def require_data() -> Path:
    """Folder of the public data sets."""
    if not DATA.is_dir():
        raise SystemExit(f"The public data sets are not at {DATA}; see benchmarks/README.md.")
    return DATA


def sample_rows(name: str, count: int, *, seed: int) -> list[RawEntry]:
    """Random rows of a ``.jsonl.gz`` file, the same for the same seed."""
    entries = [e for e in iter_raw_entries([require_data() / name]) if isinstance(e, RawEntry)]
    return random.Random(seed).sample(entries, min(count, len(entries)))


def obelix_records() -> Iterator[StructureRecord]:
    """Every structure of OBELiX's training set."""
    for entry in iter_raw_entries([require_data() / "obelix" / "train_cifs.tar.gz"]):
        if isinstance(entry, RawEntry):
            yield parse_entry(entry)


def short_id(source_id: str) -> str:
    """The last part of a source id, without what repeats in every row."""
    return (
        source_id.rsplit("#", 1)[-1] if "jsonl" in source_id else Path(source_id.split("#")[0]).stem
    )


def peer_prepared(structure: Any) -> tuple[Any, IonicCrystal]:
    """A structure as bvlain prepares it: pymatgen's BVAnalyzer, ordered sites.

    Raises:
        ValueError: the analyser finds no oxidation states.
    """
    from pymatgen.analysis.bond_valence import BVAnalyzer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bare = structure.copy()
        bare.remove_oxidation_states()
        decorated = BVAnalyzer(forbidden_species=PEER_FORBIDDEN).get_oxi_state_decorated_structure(
            bare
        )
    crystal = IonicCrystal(
        cell=decorated.lattice.matrix,
        frac=decorated.frac_coords,
        numbers=np.array([site.specie.Z for site in decorated]),
        charges=np.array([float(site.specie.oxi_state) for site in decorated]),
        occupancies=np.ones(len(decorated)),
        oxidation_method="bond_valence",
    )
    return decorated, crystal
