"""From plain words (a command line, a YAML file) to checked options of a screening."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dualion.screening import barrier_types
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse import potential
from dualion.screening.conventions import DEFAULT_PRESET, PUBLISHED_PRESET, pair_conventions
from dualion.screening.criterion import DaiCriterion
from dualion.screening.disorder_ensemble import DISORDER
from dualion.screening.guests.guest_ions import guest_ions
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import InputError

SPACING_ANGSTROM = (0.02, 1.0)
CUTOFF_ANGSTROM = (2.0, 30.0)
"""Smallest and largest that make sense, Å."""


def known_name(what: str, name: str, known: Iterable[str]) -> str:
    """Return the name, if it is known.

    Args:
        what: kind of thing that the name stands for, for the message.
        name: as the user gave it.
        known: all names that exist; at least one.

    Raises:
        InputError: it is not; the message names the closest one.
    """
    names = list(known)
    if name in names:
        return name
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
    raise InputError(
        f"There is no {what} {name!r}; did you mean {close!r}? Known: {', '.join(names)}."
    )


def within(what: str, value: float, bounds: tuple[float, float], unit: str = "") -> float:
    """Return the value, if it is finite and within the bounds.

    Args:
        what: name of the quantity, for the message.
        value: as the user gave it, in ``unit``.
        bounds: smallest and largest that are allowed, in ``unit``; the largest may be infinite.
        unit: for the message; empty for a plain number.

    Raises:
        InputError: it is not.
    """
    low, high = bounds
    if not (math.isfinite(value) and low <= value <= high):
        between = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at least {low:g}"
        raise InputError(f"The {what} is {value:g}; give a number {between} {unit}".rstrip() + ".")
    return value


def screen_options(
    *,
    cations: Iterable[str],
    anions: Iterable[str] = (),
    criterion: dict[str, Any] | None = None,
    spacing_angstrom: float = 0.2,
    engine: str = "native",
    preset: str = DEFAULT_PRESET,
    mechanism: str | None = None,
    lattice: str | None = None,
    changes: dict[str, float | str | None] | None = None,
    disorder: str | None = None,
    refuse_estimates: bool = False,
    strict: bool = False,
    guests: Iterable[str] = (),
) -> ScreenOptions:
    """Checked options of a screening.

    Args:
        cations: symbols of the mobile cations.
        anions: symbols of the anions; none for every anion.
        criterion: fields of ``DaiCriterion``.
        spacing_angstrom: largest distance of grid points, Å.
        engine: name of the engine.
        preset: name of the conventions; the engine ``bvlain`` has those of the published recipe.
        mechanism: how the anion moves by whose barriers the verdict is made; None for the preset's.
        lattice: whether the ions around a hop of the anion give way; None for the preset's.
        changes: fields of ``PotentialOptions`` that differ from the preset; None for no change.
        disorder: which disordered structures are also computed as ordered configurations; None
            for the preset's.
        refuse_estimates: accept tabulated pair parameters alone.
        strict: refuse structures whose charges balance only by force.
        guests: anions that are put into each structure, one or several between commas in a text.

    Raises:
        InputError: a name is unknown or a number makes no sense.
    """
    known_name("engine", engine, barrier_types.ENGINE_NAMES)
    by_recipe = engine == "bvlain" and preset == DEFAULT_PRESET  # that engine knows no other
    conventions = pair_conventions(PUBLISHED_PRESET if by_recipe else preset)
    spacing = within("grid spacing", spacing_angstrom, SPACING_ANGSTROM, "Å")
    changed = _checked_changes(changes or {})

    def asked(options: BarrierOptions, **others: Any) -> BarrierOptions:
        pair_energies = potential.with_changes(options.potential, **changed)
        if refuse_estimates:
            pair_energies = potential.refusing_estimates(pair_energies)
        if options.mechanism != "vacancy":  # hops have no grid
            others |= {"spacing_angstrom": spacing}
        return replace(options, potential=pair_energies, **others)

    published = asked(conventions.published, engine=engine)
    deciding = conventions.deciding_anion
    if mechanism or lattice:
        deciding = replace(
            deciding or conventions.published,
            mechanism=_checked_mechanism(mechanism, deciding or conventions.published),
            lattice=known_name("lattice", lattice or "relaxing", barrier_types.LATTICES),  # type: ignore[arg-type]
        )
    return ScreenOptions(
        cations=tuple(dict.fromkeys(cations)),
        anions=tuple(dict.fromkeys(anions)),
        criterion=DaiCriterion(**(criterion or {})),
        barriers=published,
        deciding_anion=asked(deciding, engine=engine) if deciding else None,
        judged=conventions.judged,
        disorder=known_name("treatment of disorder", disorder or conventions.disorder, DISORDER),  # type: ignore[arg-type]
        guests=tuple(str(guest) for guest in guest_ions(tuple(guests))),
        strict=strict,
    )


def _checked_mechanism(mechanism: str | None, usual: BarrierOptions) -> barrier_types.Mechanism:
    return known_name("mechanism", mechanism or usual.mechanism, barrier_types.MECHANISMS)  # type: ignore[return-value]


def _checked_changes(changes: dict[str, float | str | None]) -> dict[str, float | str | None]:
    given: dict[str, float | str | None] = {
        name: value for name, value in changes.items() if value is not None
    }
    if "radii" in given:
        known_name("set of radii", str(given["radii"]), potential.RADII)
    if "cutoff_angstrom" in given:
        within("cutoff", float(given["cutoff_angstrom"] or 0.0), CUTOFF_ANGSTROM, "Å")
    if "morse_prefactor" in given:
        within("Morse prefactor", float(given["morse_prefactor"] or 0.0), (0.01, 10.0))
    if "screening_factor" in given:
        within("screening factor", float(given["screening_factor"] or 0.0), (0.01, 10.0))
    return given
