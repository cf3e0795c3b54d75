"""What is asked of a source: one query, which every source translates as far as it can."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass

from dualion.structures.elements import atomic_number
from dualion.structures.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuery:
    """Criteria that a source can apply before it sends anything.

    A source that cannot apply a criterion leaves it to the pre-filters, which apply all of
    them again; a criterion never drops an entry that lacks the value.

    Attributes:
        elements: symbols that must all be present.
        any_of: symbols of which at least one must be present; empty for no such demand.
        exclude: symbols that must not be present.
        max_sites: most sites of the cell.
        max_energy_above_hull_ev_atom: largest energy above the hull, eV/atom.
        min_band_gap_ev: smallest band gap, eV.
        nonmetals_only: leave out what the source calls a metal.
        theoretical: True for computed entries only, False for observed ones only.
        ids: names of single structures within the source; the other criteria still apply.
        limit: most entries of one source.

    Raises:
        InputError: a symbol is no element, or a number is out of range.
    """

    elements: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_sites: int | None = None
    max_energy_above_hull_ev_atom: float | None = None
    min_band_gap_ev: float | None = None
    nonmetals_only: bool = False
    theoretical: bool | None = None
    ids: tuple[str, ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        for name in ("elements", "any_of", "exclude"):
            symbols = tuple(dict.fromkeys(getattr(self, name)))
            for symbol in symbols:
                atomic_number(symbol)
            object.__setattr__(self, name, symbols)
        clash = set(self.exclude) & set(self.elements)
        if clash:
            raise InputError(
                f"{', '.join(sorted(clash))} is both asked for and excluded; drop one of the two."
            )
        for name in ("max_sites", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}; it must be at least 1.")
        for name in ("max_energy_above_hull_ev_atom", "min_band_gap_ev"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < 1e6:
                raise InputError(f"{name} is {value}; it must be a number of eV from 0 up.")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, so that a source would have to send all it has."""
        return self == SourceQuery(limit=self.limit)

    def canonical(self) -> str:
        """The query as text; equal queries give equal texts, on every machine."""
        content = dataclasses.asdict(self)
        for name in ("elements", "any_of", "exclude", "ids"):
            content[name] = sorted(content[name])
        return json.dumps(content, sort_keys=True)

    def accepts_elements(self, present: set[str]) -> bool:
        """Whether a set of symbols fits ``elements``, ``any_of`` and ``exclude``."""
        return (
            set(self.elements) <= present
            and (not self.any_of or bool(present & set(self.any_of)))
            and not present & set(self.exclude)
        )


def digest(*parts: str) -> str:
    """SHA-256 of texts, as hexadecimal; parts cannot run into one another."""
    joined = "\0".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
