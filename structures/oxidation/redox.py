"""Which metal ions are redox-active: such compounds conduct electrons or are reduced."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from dualion.structures.oxidation.tables import icsd_counts

OTHER_STATES_SHARE = 1 / 6
"""Share of a metal's sites in the ICSD that have another than its commonest state, from which its
states count as several."""

SAME_STATE_E = 0.25
"""Averages of mixed charges this close to a state are that state, e."""

Activity = Literal["none", "reducible", "open_shell"]
"""``open_shell``: one to nine d electrons in a metal of several states, which may hop from ion to
ion. ``reducible``: several states, but the shell of this one is closed, like Ti⁴⁺ and Cu⁺."""


def redox_activity(element: str, state: float) -> Activity:
    """Tell whether an ion of a d- or f-block metal is redox-active.

    A metal has several states if pymatgen lists more than one as common, or if more than
    ``OTHER_STATES_SHARE`` of its sites in the ICSD (pymatgen's bond valence statistics; O'Keeffe
    and Brese, J. Am. Chem. Soc. 113, 3226 (1991), 10.1021/ja00009a002) have another than the
    commonest; and so does one that is here in another state than that, like Ag²⁺. Main group
    elements are never called so: the reaction with the anode tells what a reduction makes of them.

    Args:
        element: chemical symbol.
        state: its oxidation state, e.
    """
    from pymatgen.core import Element

    metal = Element(element)
    if state <= 0.0 or not (metal.is_transition_metal or metal.is_lanthanoid or metal.is_actinoid):
        return "none"
    if not (_has_several_states(element) or _is_uncommon(element, state)):
        return "none"
    is_open = metal.is_transition_metal and 0.0 < metal.group - state < 10.0 and metal.group > 3
    return "open_shell" if is_open else "reducible"


@lru_cache(maxsize=128)
def _has_several_states(element: str) -> bool:
    from pymatgen.core import Element

    metal = Element(element)
    common = [state for state in metal.common_oxidation_states if state > 0]
    counts = [n for state, n in icsd_counts().get(metal.Z, {}).items() if state > 0]
    others = sum(counts) - max(counts, default=0.0)
    return len(common) > 1 or others > OTHER_STATES_SHARE * sum(counts)


def _is_uncommon(element: str, state: float) -> bool:
    """Whether a metal is in another state than its commonest one."""
    from pymatgen.core import Element

    counts = {q: n for q, n in icsd_counts().get(Element(element).Z, {}).items() if q > 0}
    commonest = max(counts, key=lambda q: counts[q], default=state)
    return abs(state - commonest) > SAME_STATE_E
