"""Formal charges that a trajectory's conductivity needs, where the user gives none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FORMAL_CHARGES_E: Mapping[str, float] = {
    **dict.fromkeys(("H", "Li", "Na", "K", "Rb", "Cs", "Ag"), 1.0),
    **dict.fromkeys(("Be", "Mg", "Ca", "Sr", "Ba", "Zn", "Cd"), 2.0),
    **dict.fromkeys(("B", "Al", "Ga", "In", "Sc", "Y", "La", "Lu"), 3.0),
    **dict.fromkeys(("C", "Si", "Ge", "Sn", "Ti", "Zr", "Hf"), 4.0),
    **dict.fromkeys(("P", "As", "Sb", "Nb", "Ta"), 5.0),
    **dict.fromkeys(("Mo", "W"), 6.0),
    **dict.fromkeys(("O", "S", "Se", "Te"), -2.0),
    **dict.fromkeys(("F", "Cl", "Br", "I"), -1.0),
    "N": -3.0,
}
"""The usual valence of elements that have one in solid electrolytes, e."""


def formal_charges(
    symbols: Sequence[str], given: Mapping[str, float]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the charge of each element present, e, and what is wrong with them.

    Args:
        symbols: chemical symbol of each atom.
        given: element → charge, from the user; it wins over the table.

    Returns:
        The charges, and flags: ``charges_unknown`` where an element has none,
        ``charges_not_neutral`` where the cell is charged.
    """
    elements = dict.fromkeys(symbols)
    charges = {e: given.get(e, FORMAL_CHARGES_E.get(e, float("nan"))) for e in elements}
    if any(c != c for c in charges.values()):
        return charges, ("charges_unknown",)
    net = sum(charges[s] for s in symbols)
    return charges, ("charges_not_neutral",) if abs(net) > 1e-3 * len(symbols) else ()
