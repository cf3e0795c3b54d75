"""What flags, reasons and sources mean, in a sentence each."""

from __future__ import annotations

FLAGS: dict[str, str] = {
    "anion_bound": "Most sites of the anion are ligands of a polyanion (P–S, P–O, B–O …). Such an "
    "anion can rotate, but migration would have to break the polyanion.",
    "anion_partly_bound": "Some sites of the anion are ligands of a polyanion, others are free.",
    "anion_element_also_cation": "The anion's element is also present as a cation; all its sites "
    "left the framework.",
    "dimensionality_decides": "The verdict differs between 1D, 2D and 3D percolation.",
    "ratio_reading_decides": "The verdict differs between anion/cation and cation/anion.",
    "grid_error_decides": "The refined barriers, free of the grid's error, give another verdict.",
    "ratio_forced_by_symmetry": "A symmetry operation swaps both sublattices, so that the ratio is "
    "exactly 1 and proves nothing.",
    "interpolated_parameters": "A pair's parameters were interpolated between oxidation states.",
    "nearest_state_parameters": "A pair's parameters belong to the nearest tabulated oxidation "
    "state.",
    "estimated_parameters": "A pair's parameters are not tabulated but estimated from bond valence "
    "radii.",
    "stated_formula_differs": "The atoms that the file lists make another composition than the "
    "formula that it states: atoms, occupancies or multiplicities are wrong in one of them.",
    "elements_guessed": "The file gives labels without type symbols, and no formula settles which "
    "elements they mean.",
    "implicit_hydrogens": "Sites stand for OH or water whose hydrogen atoms are not listed.",
    "symmetry_contradicts_cell": "The symmetry operators of the file do not fit its cell.",
    "weighted_occupancies": "Partly occupied sites enter with their occupancy as weight.",
    "oxidation_states_guessed": "Oxidation states were guessed from the composition alone.",
    "given_oxidation_rejected": "The oxidation states in the file do not add up and were replaced.",
    "occupancy_normalised": "Occupancies slightly above 1 were scaled to 1.",
    "occupancy_rebalanced": "Occupancies were changed noticeably to make the cell neutral.",
    "split_sites": "Sites too close to each other to be occupied at once.",
    "crowded_sites": "Sites closer to each other than ions can be, by a little.",
    "crowded_sites_weighted": "Occupancies of sites that exclude each other were scaled down.",
    "charge_balance_forced": "The charges do not add up; neutrality was forced.",
    "cations_missing": "Cations seem to be missing from the structure.",
    "surplus_electrons": "The structure holds more electrons than formal charges account for.",
}

REASONS: dict[str, str] = {
    "no_cation": "holds none of the mobile cations that were asked for",
    "no_anion": "holds none of the anions that were asked for",
    "duplicate": "the same structure stands elsewhere in the input",
    "unreadable": "the text is no crystal structure",
    "missing_parameters": "a pair of ions has no parameters",
    "no_oxidation_states": "no sound oxidation states were found",
    "charge_unbalanced": "the charges do not add up to zero",
    "cell_too_large": "the grid would not fit into memory",
    "missing_coordinates": "an atom has no coordinates",
    "overlapping_atoms": "atoms lie on top of each other",
    "unknown_element": "a species is no chemical element",
    "overlapping_members": "the member of an archive shares its bytes with another one",
    "zip_bomb": "unpacks to far more than a set of structures does",
    "special_member": "the member of an archive is no ordinary file",
    "occupancy_above_one": "a site holds more than one atom",
    "not_ionic": "no anion: a metal, an element or an alloy",
    "time_limit": "took longer than the time limit",
    "worker_lost": "its process died, twice: memory or a crash of a library",
    "out_of_memory": "needed more memory than there is",
    "internal_error": "a fault of the program; please report it",
}

STATUSES: dict[str, str] = {
    "ok": "barriers of both ions were computed",
    "rejected": "something in the structure prevents the computation",
    "failed": "the run could not finish it",
}

SOURCES: dict[str, str] = {
    "file": "The user's own files; their licence applies.",
    "icsd": "ICSD, FIZ Karlsruhe: licensed. Coordinates are left out of this page and must not be "
    "passed on.",
    "materials_project": "Materials Project, CC BY 4.0; cite 10.1063/1.4812323.",
    "optimade": "An OPTIMADE provider; see its licence.",
    "optimade:cod": "Crystallography Open Database, CC0; cite 10.1107/S0021889809016690.",
}

CITATIONS: tuple[str, ...] = (
    "Criterion: Cen et al., Adaptive interphase enabled pressure-free all-solid-state lithium "
    "metal batteries, Nat. Sustain. (2025).",
    "Parameters: Chen, Wong & Adams, Acta Cryst. B 75, 18 (2019), 10.1107/S2052520618015718, as "
    "shipped in bvlain.",
    "Software: dualion, with the version named here.",
    "3D viewer in this page: Rego & Koes, Bioinformatics 31, 1322 (2015), "
    "10.1093/bioinformatics/btu829 (3Dmol.js, BSD-3-Clause).",
)
