"""Oxidation states: from the file, from bond valences, or from the composition.

``propose_charges`` is the entry point; ``preparation`` calls it. The neutrality of
the cell is solved for, never searched for by trying combinations of sites, so the work is
bounded by the number of sites.
"""

from dualion.structures.oxidation.assign import ChargeProposal, propose_charges

__all__ = ["ChargeProposal", "propose_charges"]
