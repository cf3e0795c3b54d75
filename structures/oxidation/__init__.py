"""Oxidation states: from the file, from bond valences, or from the composition.

``assign_charges`` is the entry point; ``structures.preparation`` calls it. The neutrality of
the cell is solved for, never searched for by trying combinations of sites, so the work is
bounded by the number of sites.
"""

from structures.oxidation.assign import ChargeAssignment, assign_charges

__all__ = ["ChargeAssignment", "assign_charges"]
