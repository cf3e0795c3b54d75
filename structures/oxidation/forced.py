"""Last resort for salts whose atoms do not add up: a neutral cell, named as forced.

Databases hold salts without their hydrogen atoms, with lost or wrong occupancies, or with a
surplus electron. Their formal states are known (O²⁻, P⁵⁺, Li⁺), only the sum is not zero. Two
changes of what a cation's barrier does not see make the cell neutral: fewer of the mobile
cations themselves, which leave the framework when they probe it; else one factor on the
charges of all anions. A cation meets anions through Morse terms, whose parameters are those
of the nearest tabulated anion state, and other cations through Coulomb terms, so its barriers
are those of the formal states (where Li and Na are both thinned out, each meets less of the
other). An anion's barriers do depend on the factor: the repulsion between anions is scaled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dualion.structures.disorder import FULL_OCCUPANCY, MOBILE_CATIONS, SiteTable
from dualion.structures.oxidation import tables
from dualion.structures.oxidation.assign import ChargeProposal

FORCED_METHOD = "composition_forced"
FORCED_FLAG = "charge_balance_forced"
LEAST_ANION_FACTOR = 0.4
MOST_ANION_FACTOR = 1.6
"""Beyond these factors on the anions' charges the formal states mean nothing: subnitrides with
metallic electrons, oxides without most of their cations."""
LEAST_MOBILE_SHARE = 0.25
"""Least share of the mobile cations that must stay in the cell."""


def force_neutral(
    table: SiteTable,
    proposals: Iterable[ChargeProposal],
    *,
    kept: Collection[int],
    all_atoms_given: bool,
) -> tuple[SiteTable, ChargeProposal] | None:
    """Make a salt neutral by fewer mobile cations or by scaled charges of its anions.

    Args:
        table: the entries.
        proposals: charges that are not neutral, the soundest first.
        kept: atomic numbers whose charges must not change, because the user gave them.
        all_atoms_given: whether full sites are really full, as in a relaxed cell; surplus
            positive charge then means electrons, not lost occupancies.

    Returns:
        The table and the charges, flagged ``charge_balance_forced`` and one of
        ``cations_missing``, ``occupancy_rebalanced``, ``occupancies_lost`` and
        ``surplus_electrons``; ``None`` where the crystal is no salt or the change too large.
    """
    for proposal in proposals:
        if not _is_salt(table, proposal.charges):
            continue
        forced = None
        if float(proposal.charges @ table.occupancies) > 0:
            forced = _with_fewer_cations(table, proposal, all_atoms_given=all_atoms_given)
        forced = forced or _with_scaled_anions(table, proposal, kept)
        if forced is not None:
            return forced
    return None


def _is_salt(table: SiteTable, charges: NDArray[np.float64]) -> bool:
    """Whether a non-metal beyond the Zintl formers is an anion, beside an electropositive cation.

    Alloys and Zintl phases whose electron count does not add up are metals.
    """
    anions = set(table.numbers[charges < 0].tolist()) - tables.ZINTL_FORMERS
    cations = set(table.numbers[charges > 0].tolist())
    electropositive = any(
        z in MOBILE_CATIONS or tables.electronegativities()[z] <= tables.ZINTL_METAL_LIMIT
        for z in cations
    )
    return bool(anions) and electropositive


def _with_fewer_cations(
    table: SiteTable, proposal: ChargeProposal, *, all_atoms_given: bool
) -> tuple[SiteTable, ChargeProposal] | None:
    """Lower the occupancies of mobile cations: those on partly empty sites, else all of them."""
    charges, occupancies = proposal.charges, table.occupancies
    net = float(charges @ occupancies)
    mobile = np.isin(table.numbers, MOBILE_CATIONS) & (charges > 0)
    attempts = [(mobile & (occupancies < FULL_OCCUPANCY), "occupancy_rebalanced")]
    if not all_atoms_given:
        attempts.append((mobile, "occupancies_lost"))
    for entries, flag in attempts:
        carried = float(charges[entries] @ occupancies[entries])
        share = 1.0 - net / carried if carried > 0 else 0.0
        if share >= LEAST_MOBILE_SHARE:
            changed = replace(table, occupancies=np.where(entries, share, 1.0) * occupancies)
            return changed, _mark_forced(proposal, charges, flag)
    return None


def _with_scaled_anions(
    table: SiteTable, proposal: ChargeProposal, kept: Collection[int]
) -> tuple[SiteTable, ChargeProposal] | None:
    """Multiply the charges of all anions by the factor that makes the cell neutral."""
    charges = proposal.charges
    net = float(charges @ table.occupancies)
    free = (charges < 0) & ~np.isin(table.numbers, list(kept))
    carried = float(charges[free] @ table.occupancies[free])
    factor = 1.0 - net / carried if carried < 0 else 0.0
    if not LEAST_ANION_FACTOR <= factor <= MOST_ANION_FACTOR:
        return None
    flag = "cations_missing" if net < 0 else "surplus_electrons"
    return table, _mark_forced(proposal, np.where(free, factor, 1.0) * charges, flag)


def _mark_forced(
    proposal: ChargeProposal, charges: NDArray[np.float64], flag: str
) -> ChargeProposal:
    """A proposal that says that, and how, it was forced."""
    return ChargeProposal(
        charges=charges, method=FORCED_METHOD, flags=(*proposal.flags, FORCED_FLAG, flag)
    )
