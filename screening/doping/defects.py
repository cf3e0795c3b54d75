"""Neutral defects of a perfect cell, so that a short run shows carriers.

- Schottky: cations and anions missing in the salt's ratio.
- Frenkel: an ion moved from its site to an interstitial of its landscape.
- Inserted salt: as in ``dualion.screening.doping.configurations``.
- Vacancy pair: one cation and the anions that balance it, or the other way round, of the two
  mobile ions.

The sites follow from symmetry and the bond valence map; where several configurations remain, the
seed decides among the lowest by the bond valence estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dualion.screening.doping.configurations import configurations_in_cell
from dualion.screening.doping.doping_plan import DopingOptions, formula_unit_of
from dualion.screening.doping.formula_unit_changes import (
    FormulaUnitChange,
    host_ion,
    mobile_cation,
    salt_change,
)
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError

DefectKind = Literal["schottky", "frenkel", "salt"]
PERFECT = "perfect"
"""Name of a cell without defects."""
LOOKED_AT = 4
"""Configurations among which the seed decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectPlan:
    """Defects of one kind in a cell.

    Attributes:
        name: what results call the cell, like ``schottky_Li1_I1``, ``frenkel_Li2`` or
            ``salt_LiI1``; ``perfect`` where there are none. The numbers are ions (or formula
            units of the salt) in the cell.
        unit: one defect.
        count: how many.
        asked_per_formula_unit: concentration that was asked for; NaN where a number was.
        reached_per_formula_unit: defects per formula unit of the cell.
    """

    name: str
    unit: FormulaUnitChange
    count: int
    asked_per_formula_unit: float
    reached_per_formula_unit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DefectiveCell:
    """A cell with its defects.

    Attributes:
        name: the defects in words.
        crystal: neutral.
        plan: what was put in; ``None`` for the perfect cell.
        degeneracy: configurations that symmetry relates to the chosen one.
        distinct: symmetry-distinct configurations in all; −1 where there are too many to count.
        seed: seed of the choice.
    """

    name: str
    crystal: IonicCrystal
    plan: DefectPlan | None
    degeneracy: int
    distinct: int
    seed: int


def schottky_change(cation: MobileIon, anion: MobileIon) -> FormulaUnitChange:
    """Return the smallest neutral set of cation and anion vacancies.

    Args:
        cation: the ion of positive charge.
        anion: the ion of negative charge.

    Raises:
        InputError: the charges are not of opposite sign, or balance in no small whole numbers.
    """
    if not cation.charge > 0 > anion.charge:
        raise InputError(
            f"A Schottky defect needs a cation and an anion, not {cation} and {anion}."
        )
    for cations in range(1, 7):
        anions = -cations * cation.charge / anion.charge
        if abs(anions - round(anions)) < 1e-6:
            return FormulaUnitChange(
                name="schottky", removed=((cation, cations), (anion, round(anions)))
            )
    raise InputError(
        f"{cation} and {anion} balance in no small whole numbers; choose other ions for the "
        "vacancies."
    )


def frenkel_change(ion: MobileIon) -> FormulaUnitChange:
    """Move one ion to an interstitial."""
    return FormulaUnitChange(name="frenkel", removed=((ion, 1),), inserted=((ion, 1),))


def plan_defects(
    cell: IonicCrystal,
    kind: DefectKind,
    *,
    ions: tuple[str, ...] = (),
    salt: str = "",
    per_formula_unit: float = math.nan,
    count: int = 0,
) -> DefectPlan:
    """Choose how many defects of a kind a cell gets.

    Args:
        cell: the supercell.
        kind: schottky, frenkel or salt.
        ions: for schottky a cation and an anion of the cell, for frenkel one ion, as elements or
            ions; without them the mobile cation and the anion of lowest charge.
        salt: formula of the inserted salt.
        per_formula_unit: wanted defects per formula unit; at least one defect is made.
        count: number of defects instead of a concentration.

    Raises:
        InputError: neither or both of concentration and number are given, the cell lacks an ion,
            or the kind is unknown.
    """
    asked = math.isfinite(per_formula_unit)
    if asked == (count > 0) or (asked and per_formula_unit <= 0.0):
        raise InputError("Give defects either per formula unit, above 0, or as a number.")
    unit = _choose_change(cell, kind, ions, salt)
    formula_units = formula_unit_of(cell)[1]
    number = max(1, round(per_formula_unit * formula_units)) if asked else count
    return DefectPlan(
        name=_name_defects(unit, number),
        unit=unit,
        count=number,
        asked_per_formula_unit=per_formula_unit,
        reached_per_formula_unit=number / formula_units,
    )


def _choose_change(
    cell: IonicCrystal, kind: DefectKind, ions: tuple[str, ...], salt: str
) -> FormulaUnitChange:
    if kind == "salt":
        return replace(salt_change(salt), name="salt")
    if kind == "schottky":
        cation, anion = (host_ion(cell, text) for text in ions) if ions else mobile_pair(cell)
        return schottky_change(cation, anion)
    if kind == "frenkel":
        return frenkel_change(host_ion(cell, ions[0]) if ions else mobile_cation(cell))
    raise InputError(f"There is no defect {kind!r}; known: schottky, frenkel, salt.")


def mobile_pair(cell: IonicCrystal) -> tuple[MobileIon, MobileIon]:
    """Return the usual mobile cation and the anion of the smallest charge.

    Raises:
        InputError: the cell lacks one of them.
    """
    cation = mobile_cation(cell)
    anions = {
        (float(charge), int(number))
        for number, charge in zip(cell.numbers, cell.charges, strict=True)
        if charge < 0
    }
    if not anions:
        raise InputError("The cell holds no anion to take out.")
    charge, number = max(anions)
    return cation, MobileIon(number, charge)


def _name_defects(unit: FormulaUnitChange, count: int) -> str:
    """The defects in words that can be part of a file name."""
    if unit.name == "frenkel":
        return f"frenkel_{unit.removed[0][0].element}{count}"
    if unit.name == "salt":
        parts = "".join(f"{ion.element}{n if n > 1 else ''}" for ion, n in unit.inserted)
        return f"salt_{parts}_{count}"
    parts = "_".join(f"{ion.element}{n * count}" for ion, n in unit.removed)
    return f"{unit.name}_{parts}"


def insert_defects(
    cell: IonicCrystal, plan: DefectPlan, options: DopingOptions | None = None
) -> DefectiveCell:
    """Put the defects of a plan into a cell.

    Args:
        cell: ordered supercell.
        plan: what is put in.
        options: seed, and how interstitials are looked for.

    Raises:
        InputError: there is no room, or fewer ions than are to be taken out.
        StructureError: a landscape cannot be computed.
    """
    options = options or DopingOptions()
    found = configurations_in_cell(cell, plan.unit, plan.count, most=2 * LOOKED_AT, options=options)
    lowest = found.configurations[:LOOKED_AT]
    chosen = lowest[int(np.random.default_rng(options.seed).integers(len(lowest)))]
    return DefectiveCell(
        name=plan.name,
        crystal=chosen.configuration.crystal,
        plan=plan,
        degeneracy=chosen.configuration.degeneracy,
        distinct=found.distinct,
        seed=options.seed,
    )


def default_cells(
    cell: IonicCrystal,
    cation: MobileIon,
    anion: MobileIon,
    options: DopingOptions | None = None,
) -> tuple[DefectiveCell, ...]:
    """Return the usual plan: the perfect cell, and one with a vacancy pair of the mobile ions.

    Args:
        cell: ordered supercell.
        cation: its mobile cation.
        anion: the anion that may move.
        options: seed.

    Raises:
        InputError: the ions are not in the cell, or do not balance.
    """
    options = options or DopingOptions()
    perfect = DefectiveCell(
        name=PERFECT, crystal=cell, plan=None, degeneracy=1, distinct=1, seed=options.seed
    )
    plan = plan_defects(cell, "schottky", ions=(str(cation), str(anion)), count=1)
    return perfect, insert_defects(cell, plan, options)
