"""Pre-filters: what is sorted out before any barrier is computed, and why.

A filter is data: a name for the audit trail, its parameters, and a test that gives the sentence
of a rejection. A filter never rejects an entry that lacks the value it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dualion.structures.elements import atomic_number
from dualion.structures.errors import InputError
from dualion.structures.records import Metadata, Rejection
from dualion.structures.sources.query import SourceQuery

ANIONS = frozenset({"H", "N", "P", "As", "O", "S", "Se", "Te", "F", "Cl", "Br", "I"})
"""Elements that occur as single anions; at least one must be there."""

ELEMENT_LISTS: dict[str, frozenset[str]] = {
    "radioactive": frozenset(
        {"Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm"}
        | {"Bk", "Cf", "Es", "Fm", "Md", "No", "Lr"}
    ),
    "toxic": frozenset({"Be", "As", "Cd", "Hg", "Tl", "Pb"}),
    "costly": frozenset({"Ru", "Rh", "Pd", "Re", "Os", "Ir", "Pt", "Au", "Sc", "Lu"}),
    "noble_gas": frozenset({"He", "Ne", "Ar", "Kr", "Xe", "Rn"}),
}
"""Lists of elements by name. radioactive: without a stable isotope (Bi left in). toxic: compounds
restricted or acutely toxic (Be; and As, Cd, Hg, Tl, Pb of the RoHS and ATSDR lists). costly:
metals above roughly 1000 US$/kg (USGS Mineral Commodity Summaries 2024)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What filters look at.

    Attributes:
        elements: chemical symbols that are present (D as H).
        n_sites: sites of the cell, shared ones once.
        metadata: what the source and the reader know.
    """

    elements: frozenset[str]
    n_sites: int
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefilter:
    """One filter.

    Attributes:
        name: stable snake_case name; the reason of its rejections.
        parameters: its numbers and names, for the record of a run.
        test: gives why an entry is rejected, or None.
    """

    name: str
    parameters: dict[str, str | float]
    test: Callable[[Facts], str | None]

    def apply(self, source: str, source_id: str, facts: Facts) -> Rejection | None:
        """Return the rejection of an entry, or None where it passes.

        Args:
            source: name of the source.
            source_id: name of the entry in the source.
            facts: what is known of the entry.
        """
        message = self.test(facts)
        if message is None:
            return None
        return Rejection(
            source=source, source_id=source_id, stage="filter", reason=self.name, message=message
        )


def first_rejection(
    filters: Iterable[Prefilter], source: str, source_id: str, facts: Facts
) -> Rejection | None:
    """Return the rejection of the first filter that an entry fails, or None.

    Args:
        filters: the filters, in the order in which they are tried.
        source: name of the source.
        source_id: name of the entry in the source.
        facts: what is known of the entry.
    """
    for item in filters:
        rejection = item.apply(source, source_id, facts)
        if rejection is not None:
            return rejection
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementLimits:
    """Limits on how a structure was measured, for entries that say so.

    Attributes:
        max_r_value: largest R value, a fraction.
        min_temperature_k: lowest temperature of the measurement, K.
        max_temperature_k: highest temperature of the measurement, K.
        max_pressure_gpa: highest pressure, GPa.
        min_year: earliest year of publication.
        max_year: latest year of publication.
    """

    max_r_value: float | None = None
    min_temperature_k: float | None = None
    max_temperature_k: float | None = None
    max_pressure_gpa: float | None = None
    min_year: int | None = None
    max_year: int | None = None


def standard_filters(
    query: SourceQuery,
    *,
    cation: str | None = None,
    avoid: Iterable[str] = (),
    measurement: MeasurementLimits | None = None,
) -> tuple[Prefilter, ...]:
    """The filters that a query, a cation and limits ask for, cheapest first.

    Args:
        query: its criteria are applied again, since not every source can.
        cation: symbol of the mobile cation; it and an anion must be there.
        avoid: names of ``ELEMENT_LISTS``.
        measurement: limits on how a structure was measured.

    Raises:
        InputError: a list of elements or the cation is not known.
    """
    filters = [*_element_filters(query, cation, tuple(avoid))]
    filters += [
        limit_filter("too_many_sites", "n_sites", maximum=query.max_sites),
        limit_filter(
            "above_hull",
            "energy_above_hull_ev_atom",
            maximum=query.max_energy_above_hull_ev_atom,
        ),
        limit_filter("small_band_gap", "band_gap_ev", minimum=query.min_band_gap_ev),
    ]
    if query.nonmetals_only:
        filters.append(_flag_filter("metallic", "is_metal", unwanted=True))
    if query.theoretical is not None:
        name = "theoretical" if query.theoretical is False else "not_theoretical"
        filters.append(_flag_filter(name, "theoretical", unwanted=not query.theoretical))
    limits = measurement or MeasurementLimits()
    filters += [
        limit_filter("high_r_value", "r_value", maximum=limits.max_r_value),
        limit_filter(
            "temperature_out_of_range",
            "temperature_k",
            minimum=limits.min_temperature_k,
            maximum=limits.max_temperature_k,
        ),
        limit_filter("high_pressure", "pressure_gpa", maximum=limits.max_pressure_gpa),
        limit_filter("year_out_of_range", "year", minimum=limits.min_year, maximum=limits.max_year),
    ]
    return tuple(item for item in filters if item is not None)


def limit_filter(
    name: str, key: str, *, minimum: float | None = None, maximum: float | None = None
) -> Prefilter | None:
    """Build a filter on a number of the metadata (or ``n_sites``); None where no limit is given.

    Args:
        name: name of the filter, which becomes the reason of its rejections.
        key: name of the number; entries without it pass.
        minimum: lowest value that passes, in the unit of the number.
        maximum: highest value that passes, in the unit of the number.
    """
    if minimum is None and maximum is None:
        return None

    def test(facts: Facts) -> str | None:
        value = facts.n_sites if key == "n_sites" else facts.metadata.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return None
        if minimum is not None and value < minimum:
            return f"{key} is {value:g}, below the limit of {minimum:g}."
        if maximum is not None and value > maximum:
            return f"{key} is {value:g}, above the limit of {maximum:g}."
        return None

    limits = {"minimum": minimum, "maximum": maximum}
    parameters: dict[str, str | float] = {"key": key}
    parameters |= {word: value for word, value in limits.items() if value is not None}
    return Prefilter(name=name, parameters=parameters, test=test)


def _flag_filter(name: str, key: str, *, unwanted: bool) -> Prefilter:
    """A filter on a yes or no of the metadata."""

    def test(facts: Facts) -> str | None:
        return (
            f"The source says {key}: {unwanted}." if facts.metadata.get(key) is unwanted else None
        )

    return Prefilter(name=name, parameters={"key": key, "unwanted": str(unwanted)}, test=test)


def _element_filters(
    query: SourceQuery, cation: str | None, avoid: tuple[str, ...]
) -> Iterable[Prefilter | None]:
    if cation is not None:
        atomic_number(cation)
        yield _required_filter("no_cation", (cation,))
        yield _any_filter("no_anion", ANIONS - {cation})
    yield _required_filter("element_missing", query.elements)
    if query.any_of:
        yield _any_filter("no_wanted_element", frozenset(query.any_of))
    if query.exclude:
        yield _avoid_filter("excluded_element", frozenset(query.exclude))
    for name in dict.fromkeys(avoid):
        if name not in ELEMENT_LISTS:
            raise InputError(
                f"There is no list of elements {name!r}; known are {', '.join(ELEMENT_LISTS)}."
            )
        yield _avoid_filter(f"{name}_element", ELEMENT_LISTS[name])


def _required_filter(name: str, symbols: tuple[str, ...]) -> Prefilter | None:
    if not symbols:
        return None

    def test(facts: Facts) -> str | None:
        missing = [symbol for symbol in symbols if symbol not in facts.elements]
        return f"It holds no {', '.join(missing)}." if missing else None

    return Prefilter(name=name, parameters={"elements": " ".join(symbols)}, test=test)


def _any_filter(name: str, symbols: frozenset[str]) -> Prefilter:
    listed = ", ".join(sorted(symbols))

    def test(facts: Facts) -> str | None:
        return None if facts.elements & symbols else f"It holds none of {listed}."

    return Prefilter(name=name, parameters={"elements": listed}, test=test)


def _avoid_filter(name: str, symbols: frozenset[str]) -> Prefilter:
    listed = ", ".join(sorted(symbols))

    def test(facts: Facts) -> str | None:
        found = sorted(facts.elements & symbols)
        return f"It holds {', '.join(found)}." if found else None

    return Prefilter(name=name, parameters={"elements": listed}, test=test)
