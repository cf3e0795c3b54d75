"""Which of several readings of a list of atoms is meant: the stated formula and Z decide.

A label may stand for two elements, and a coordinate printed with few decimals for a special or a
general position. The usual reading is taken unless the formula contradicts it and another one
agrees with it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dualion.structures.files.cif.formula import Amounts, formula_agrees, largest_difference
from dualion.structures.files.cif.sites import AtomRow
from dualion.structures.files.cif.special_positions import Placement, place

MOST_COMBINATIONS = 512
"""Above this, the choices are made one after the other."""

CONTENT_TOLERANCE = 0.03
"""Largest relative difference between the atoms of the cell and Z formula units."""

EXACT_FRACTION = 1e-3
"""Atomic fractions closer than this to the stated ones differ by the rounding of the formula."""

ROUGH_MATCH = 0.01
"""Mismatch in the score of a composition that agrees with the formula, but not exactly."""

NO_MATCH = 1.0

Score = tuple[int, float, int, int]
"""Stated elements that are missing, mismatch of the fractions, whether Z contradicts, and how
many choices are not the usual ones; the smallest is the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a file says that its cell holds.

    Attributes:
        formula: atoms of a formula unit; None where it is not stated.
        units: formula units in the cell (Z); None where it is not stated.
    """

    formula: Amounts | None = None
    units: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows:
    """Rows as they are read in one setting.

    Attributes:
        rows: the rows, with elements and positions chosen.
        score: how well they fit what is stated.
        reread: labels that are not read in the usual way.
    """

    rows: list[AtomRow]
    score: Score
    reread: tuple[str, ...] = ()


def choose_readings(
    rows: Sequence[AtomRow],
    operators: tuple[str, ...],
    cell: NDArray[np.float64],
    stated: Stated,
) -> ReadRows:
    """Choose elements and positions of the rows.

    Args:
        rows: the list of atoms as printed.
        operators: operators of the space group.
        cell: shape (3, 3), rows are the lattice vectors, Å.
        stated: formula and Z of the file.

    Returns:
        The rows, each on the special position that its digits mean.
    """
    usual = [place(row.position, row.printed, operators, cell) for row in rows]
    found = _Search(rows, [[placement] for placement in usual], stated)
    best = found.best()
    if stated.formula is not None and best.score[:3] > (0, 0.0, 0):
        placements = [
            _unlike(first, place(row.position, [(x, x) for x in row.position], operators, cell),
                    place(row.position, row.loose, operators, cell))
            for row, first in zip(rows, usual, strict=True)
        ]  # fmt: skip
        wider = _Search(rows, placements, stated).best()
        # Only what makes the formula hold is worth to leave the usual reading for.
        if wider.score[1] <= ROUGH_MATCH and wider.score < best.score:
            best = wider
    return best


def _unlike(*placements: Placement) -> list[Placement]:
    """Placements of different multiplicities, in order."""
    return list({p.multiplicity: p for p in reversed(placements)}.values())[::-1]


class _Search:
    """All combinations of elements and placements.

    A choice is an index into the elements of a group of labels, or the placements of a row.
    """

    def __init__(
        self, rows: Sequence[AtomRow], placements: list[list[Placement]], stated: Stated
    ) -> None:
        self._rows = rows
        self._placements = placements
        self._stated = stated
        self._groups: dict[tuple[str, ...], list[int]] = {}
        for index, row in enumerate(rows):
            if len(row.elements) > 1:
                letters = re.sub(r"[^A-Za-z]", "", row.label)
                self._groups.setdefault((letters, *row.elements), []).append(index)
        self._spread = [i for i, options in enumerate(placements) if len(options) > 1]
        self._sizes = [len(key) - 1 for key in self._groups]
        self._sizes += [len(placements[i]) for i in self._spread]

    def best(self) -> ReadRows:
        """The combination with the best score; the usual one where no formula is stated."""
        usual = (0,) * len(self._sizes)
        if self._stated.formula is None or not self._sizes:
            return self._result(usual)
        if np.prod(np.array(self._sizes, dtype=np.float64)) <= MOST_COMBINATIONS:
            every = itertools.product(*(range(size) for size in self._sizes))
            return self._result(min(every, key=self._score))
        chosen = usual
        for place_, size in enumerate(self._sizes):
            variants = [(*chosen[:place_], n, *chosen[place_ + 1 :]) for n in range(size)]
            chosen = min(variants, key=self._score)
        return self._result(chosen)

    def _assigned(self, choices: Sequence[int]) -> list[tuple[str, Placement]]:
        assigned = [
            (row.element, options[0])
            for row, options in zip(self._rows, self._placements, strict=True)
        ]
        for choice, (key, members) in zip(choices, self._groups.items(), strict=False):
            for index in members:
                assigned[index] = (key[1 + choice], assigned[index][1])
        for choice, index in zip(choices[len(self._groups) :], self._spread, strict=True):
            assigned[index] = (assigned[index][0], self._placements[index][choice])
        return assigned

    def _score(self, choices: Sequence[int]) -> Score:
        amounts: dict[str, float] = {}
        for row, (element, placement) in zip(self._rows, self._assigned(choices), strict=True):
            name = "H" if element == "D" else element
            amounts[name] = amounts.get(name, 0.0) + row.occupancy * placement.multiplicity
        changes = sum(choice > 0 for choice in choices)
        return (*score_content(amounts, self._stated), changes)

    def _result(self, choices: Sequence[int]) -> ReadRows:
        assigned = self._assigned(choices)
        rows = [
            replace(row, elements=(element,), position=placement.position)
            for row, (element, placement) in zip(self._rows, assigned, strict=True)
        ]
        reread = tuple(
            row.label
            for row, options, (element, placement) in zip(
                self._rows, self._placements, assigned, strict=True
            )
            if element != row.element or placement is not options[0]
        )
        score = self._score(choices) if self._stated.formula else (0, 0.0, 0, 0)
        return ReadRows(rows=rows, score=score, reread=reread)


def score_content(amounts: Amounts, stated: Stated) -> tuple[int, float, int]:
    """How far the content of a cell is from what is stated; zeros where nothing contradicts.

    Args:
        amounts: atoms of each element in the cell.
        stated: formula and Z. Elements of the formula that the list of atoms lacks are left out
            of the comparison (hydrogen often is not located).

    Returns:
        Stated elements beside hydrogen that are missing, the largest difference of a fraction
        where the formula does not agree, and 1 where Z contradicts.
    """
    if stated.formula is None:
        return 0, 0.0, 0
    known = {symbol: n for symbol, n in stated.formula.items() if symbol in amounts}
    missing = sum(symbol not in amounts and symbol != "H" for symbol in stated.formula)
    mismatch = NO_MATCH
    if known and formula_agrees(amounts, known):
        exact = largest_difference(amounts, known) <= EXACT_FRACTION
        mismatch = 0.0 if exact else ROUGH_MATCH
    elif known:
        mismatch = max(2.0 * ROUGH_MATCH, round(largest_difference(amounts, known), 2))
    return missing, mismatch, int(_contradicts_units(amounts, known, stated.units))


def _contradicts_units(amounts: Amounts, known: Amounts, units: float | None) -> bool:
    """Whether the cell holds neither Z formula units nor, as some programs state it, one."""
    if units is None or not known:
        return False
    found, unit = sum(amounts.values()), sum(known.values())
    return all(abs(found / (n * unit) - 1.0) > CONTENT_TOLERANCE for n in (units, 1.0))
