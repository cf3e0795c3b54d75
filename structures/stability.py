"""Stability against the metal anode: reaction energy, products, and the interphase of LiX.

The reaction of a solid with the metal follows the pseudo-binary method: of all mixtures of the
two, the one whose equilibrium products release most energy (Richards et al., Chem. Mater. 28,
266 (2016), 10.1021/acs.chemmater.5b04082), by pymatgen's phase diagrams. Energies are formation
energies per atom, so that entries of one source agree and the elements are zero by definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING, Any

from dualion.structures.elements import atomic_number
from dualion.structures.errors import InputError
from dualion.structures.files.bundled import reference_paths

if TYPE_CHECKING:
    from pathlib import Path

    from pymatgen.analysis.phase_diagram import PhaseDiagram

STABLE_EV_ATOM = 1e-3
"""Reactions that release less than this, eV/atom, count as none."""

ANION_VALENCE = {
    "F": 1,
    "Cl": 1,
    "Br": 1,
    "I": 1,
    "H": 1,
    "O": 2,
    "S": 2,
    "Se": 2,
    "Te": 2,
    "N": 3,
    "P": 3,
    "As": 3,
}
"""Charge of single anions."""

CATION_VALENCE = {"Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Ag": 1, "Mg": 2, "Ca": 2, "Zn": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A known compound.

    Attributes:
        formula: chemical formula, of any number of formula units.
        formation_energy_ev_atom: energy of formation from the elements, eV/atom.
    """

    formula: str
    formation_energy_ev_atom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnodeReaction:
    """What a solid and the metal become.

    Attributes:
        metal: symbol of the anode.
        energy_ev_atom: energy of the reaction, eV per atom of all reactants; 0 where none
            happens, negative where energy is released.
        metal_per_formula_unit: metal atoms that one reduced formula unit takes up.
        products: reduced formulas, the most abundant first; empty where none happens.
        equation: the reaction as text; empty where none happens.
        is_complete: whether compounds of these elements were at hand at all; False where the
            answer says nothing, for lack of energies.
    """

    metal: str
    energy_ev_atom: float
    metal_per_formula_unit: float
    products: tuple[str, ...]
    equation: str
    is_complete: bool = True

    @property
    def is_stable(self) -> bool:
        """Whether no reaction happens."""
        return not self.products


def anode_reaction(
    formula: str,
    *,
    metal: str,
    phases: Iterable[Phase],
    formation_energy_ev_atom: float | None = None,
) -> AnodeReaction:
    """Return the reaction of a solid with the metal anode that releases most energy.

    Args:
        formula: composition of the solid.
        metal: symbol of the anode, for example ``Li``.
        phases: known compounds of the elements of the solid and the metal; others are ignored,
            and pure elements have energy 0 without being listed.
        formation_energy_ev_atom: energy of the solid itself, eV/atom; None to take that of
            ``phases`` (the lowest of its composition), or of their mixture where it is not
            listed.

    Raises:
        InputError: the metal or the formula is none.
    """
    from pymatgen.core import Composition, Element

    atomic_number(metal)
    solid = _composition(formula)
    elements = {str(element) for element in solid} | {metal}
    diagram, listed = _phase_diagram(elements, phases)
    anode = Composition({Element(metal): 1.0})
    complete = len(listed) > 0
    if len(solid) == 1 and metal in elements and len(elements) == 1:
        return _no_reaction(metal, complete)
    if formation_energy_ev_atom is None:
        formation_energy_ev_atom = _own_energy(solid, listed, diagram)
    best = _deepest_kink(solid, anode, diagram, formation_energy_ev_atom)
    if best is None or best.energy_ev_atom > -STABLE_EV_ATOM:
        return _no_reaction(metal, complete)
    names, equation = _named(solid, metal, best.metal_share, diagram)
    atoms = solid.reduced_composition.num_atoms
    return AnodeReaction(
        metal=metal,
        energy_ev_atom=best.energy_ev_atom,
        metal_per_formula_unit=atoms * best.metal_share / (1.0 - best.metal_share),
        products=names,
        equation=equation,
        is_complete=complete,
    )


def _no_reaction(metal: str, complete: bool) -> AnodeReaction:
    return AnodeReaction(
        metal=metal,
        energy_ev_atom=0.0,
        metal_per_formula_unit=0.0,
        products=(),
        equation="",
        is_complete=complete,
    )


def _composition(formula: str) -> Any:
    from pymatgen.core import Composition

    try:
        composition = Composition(re.sub(r"\s+", "", formula)).element_composition
    except ValueError as error:
        raise InputError(f"{formula[:60]!r} is no chemical formula ({error}).") from error
    if composition.num_atoms == 0:
        raise InputError("The formula is empty.")
    return composition


def _phase_diagram(
    elements: set[str], phases: Iterable[Phase]
) -> tuple[PhaseDiagram, list[tuple[Any, float]]]:
    """The diagram of some elements, and the compounds in it with their energies per atom."""
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition, Element

    entries = [PDEntry(Composition({Element(symbol): 1.0}), 0.0) for symbol in sorted(elements)]
    listed = []
    for phase in phases:
        composition = _composition(phase.formula)
        symbols = {str(element) for element in composition}
        if len(symbols) > 1 and symbols <= elements:
            energy = phase.formation_energy_ev_atom * composition.num_atoms
            entries.append(PDEntry(composition, energy))
            listed.append((composition.reduced_composition, phase.formation_energy_ev_atom))
    return PhaseDiagram(entries), listed


def _own_energy(solid: Any, listed: Sequence[tuple[Any, float]], diagram: PhaseDiagram) -> float:
    """Energy of the solid, eV/atom: the lowest listed of its composition, else the hull."""
    own = [
        energy
        for composition, energy in listed
        if composition.almost_equals(solid.reduced_composition)
    ]
    return min(own) if own else float(diagram.get_hull_energy_per_atom(solid))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kink:
    """A mixture: share of metal atoms, and energy released by it, eV per atom."""

    metal_share: float
    energy_ev_atom: float


def _deepest_kink(
    solid: Any, anode: Any, diagram: PhaseDiagram, energy_ev_atom: float
) -> _Kink | None:
    """The mixture that releases most, among those where the products change.

    Between two such mixtures the hull is linear, so that one of them is the deepest.
    """
    from pymatgen.core import Composition

    critical = diagram.get_critical_compositions(solid.fractional_composition, anode)
    kinks = []
    for composition in critical:
        fractions = Composition(composition).fractional_composition
        share = _metal_share(solid, anode, fractions)
        if 1e-6 < share < 1.0 - 1e-6:
            reactants = (1.0 - share) * energy_ev_atom
            released = float(diagram.get_hull_energy_per_atom(fractions)) - reactants
            kinks.append(_Kink(metal_share=share, energy_ev_atom=released))
    return min(kinks, key=lambda kink: kink.energy_ev_atom, default=None)


def _metal_share(solid: Any, anode: Any, mixture: Any) -> float:
    """Share of atoms that come as metal, from the content of an element that only one has."""
    metal = next(iter(anode))
    before = solid.get_atomic_fraction(metal)
    after = mixture.get_atomic_fraction(metal)
    return float((after - before) / (1.0 - before))


def _named(
    solid: Any, metal: str, share: float, diagram: PhaseDiagram
) -> tuple[tuple[str, ...], str]:
    """Products, most abundant first, and the balanced equation for one formula unit."""
    from pymatgen.core import Composition, Element

    fractional = solid.fractional_composition
    mixture = Composition(
        {element: (1.0 - share) * fractional[element] for element in fractional}
    ) + Composition({Element(metal): share})
    unit = solid.reduced_composition
    scale = unit.num_atoms / (1.0 - share)
    found = []
    for entry, fraction in diagram.get_decomposition(mixture).items():
        product = entry.composition.reduced_composition
        amount = fraction * scale / product.num_atoms
        found.append((amount, product.reduced_formula, product))
    found.sort(key=lambda item: (-item[0] * item[2].num_atoms, item[1]))
    metal_amount = scale * share
    right = " + ".join(f"{_amount(amount)}{name}" for amount, name, _ in found)
    equation = f"{unit.reduced_formula} + {_amount(metal_amount)}{metal} -> {right}"
    return tuple(name for _, name, _ in found), equation


def _amount(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "" if text == "1" else f"{text} "


@dataclass(frozen=True, slots=True, kw_only=True)
class Interphase:
    """The compound that a mobile anion forms with the metal.

    Attributes:
        formula: for example ``LiI`` or ``Li2S``.
        reference: bundled structure of it, from which its own barriers are computed; None
            where there is none.
    """

    formula: str
    reference: Path | None


def interphase(metal: str, anion: str) -> Interphase:
    """Return the binary compound of the metal and a mobile anion, by their usual charges.

    Args:
        metal: symbol of the metal.
        anion: symbol of the anion.

    Raises:
        InputError: the charge of one of them is not known.
    """
    anion = re.sub(r"[\d+\-]+$", "", anion)
    if metal not in CATION_VALENCE or anion not in ANION_VALENCE:
        raise InputError(
            f"The interphase of {metal} and {anion} is not known: metals are "
            f"{', '.join(CATION_VALENCE)}, anions {', '.join(ANION_VALENCE)}."
        )
    positive, negative = CATION_VALENCE[metal], ANION_VALENCE[anion]
    common = gcd(positive, negative)
    counts = ((metal, negative // common), (anion, positive // common))
    formula = "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in counts)
    paths = {path.stem: path for path in reference_paths()}
    named = [stem for stem in sorted(paths) if stem.split("_")[0] == formula]
    return Interphase(formula=formula, reference=paths[named[0]] if named else None)
