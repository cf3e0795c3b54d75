"""How long a force call takes: measured on the cell itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from dualion.workflows.potentials.standalone.recipes import quiet

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

RATTLE_ANGSTROM = 0.01
"""Each call gets other positions, since calculators keep the results of the last ones, Å."""

MOST_CALLS = 20


def time_force_call(
    calculator: Calculator,
    cell: Atoms,
    *,
    budget_s: float,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Measure the time of a force call, s: the median of as many calls as the budget allows.

    The first call, which compiles and fills caches, does not count; one always follows it.

    Args:
        calculator: the potential.
        cell: periodic cell; it is left as it is.
        budget_s: time in which a further call is started, s.
        clock: tells the time, s.
    """
    atoms = cell.copy()
    atoms.calc = calculator
    taken: list[float] = []
    with quiet():
        atoms.get_forces()
        began = clock()
        while not taken or (clock() - began < budget_s and len(taken) < MOST_CALLS):
            atoms.rattle(RATTLE_ANGSTROM, seed=len(taken))
            start = clock()
            atoms.get_forces()
            taken.append(clock() - start)
    return sorted(taken)[len(taken) // 2]
