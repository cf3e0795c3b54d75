"""Every flag, reason and status: its name, its place in the order, and what it means.

Tables, terminal, report and documentation take them from here. A name is stable: tables of years
ago keep their meaning. A test walks the code in both directions, so that no name is without a
meaning and no meaning without a use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One name of the vocabulary.

    Attributes:
        name: stable snake_case name.
        group: what it speaks of; groups follow each other in the order of the vocabulary.
        meaning: one or two sentences for a reader who has never seen the name.
    """

    name: str
    group: str
    meaning: str


def _terms(group: str, meanings: dict[str, str]) -> tuple[Term, ...]:
    return tuple(
        Term(name=name, group=group, meaning=meaning) for name, meaning in meanings.items()
    )


FLAGS: tuple[Term, ...] = (
    *_terms(
        "reading of the source",
        {
            "stated_formula_differs": "The atoms that the file lists make another composition "
            "than the formula that it states: atoms, occupancies or multiplicities are wrong in "
            "one of them.",
            "elements_guessed": "The file gives labels without type symbols, and no formula "
            "settles which elements they mean.",
            "implicit_hydrogens": "Sites stand for OH or water whose hydrogen atoms are not "
            "listed.",
            "symmetry_contradicts_cell": "The symmetry operators of the file do not fit its cell.",
        },
    ),
    *_terms(
        "preparation of the structure",
        {
            "occupancy_normalised": "Occupancies slightly above 1 were scaled to 1.",
            "split_sites": "Sites too close to each other to be occupied at once share their "
            "atoms.",
            "crowded_sites": "Sites too close to each other hold slightly more than one atom "
            "together.",
            "crowded_sites_weighted": "Sites too close to each other held more than one atom "
            "together; their occupancies were scaled down to one.",
            "given_oxidation_rejected": "The oxidation states in the input do not add up or "
            "contradict the bonds and were replaced.",
            "occupancy_rebalanced": "Occupancies were changed noticeably to make the cell neutral.",
            "short_contacts_ignored": "Short contacts between atoms of one element were not "
            "taken as bonds when oxidation states were assigned.",
            "unusual_oxidation_states": "Only oxidation states that are rare for an element "
            "balance the charges.",
            "long_bonds_assumed": "An element was taken as the centre of a polyanion although its "
            "bonds are longer than usual.",
            "charge_balance_forced": "The charges do not add up; the cell was made neutral by "
            "force. Cation barriers hold, anion barriers only roughly.",
            "occupancies_lost": "All sites are full, yet fewer mobile cations would balance the "
            "charges: the source probably lost the occupancies.",
            "cations_missing": "Cations seem to be missing from the structure, often hydrogen.",
            "surplus_electrons": "The structure holds more electrons than formal charges account "
            "for.",
        },
    ),
    *_terms(
        "verdict",
        {
            "dimensionality_decides": "The verdict differs between 1D, 2D and 3D percolation.",
            "ratio_reading_decides": "The verdict differs between the ratios anion/cation and "
            "cation/anion.",
            "guest_cations_decide": "The verdict on the guest differs between a host with its "
            "mobile cations in place and one without them.",
            "mechanism_decides": "The verdict differs between the deciding mechanism and the "
            "published recipe (empty lattice).",
            "disorder_decides": "Most ordered configurations of the disordered structure give "
            "another verdict than its weighted occupancies.",
        },
    ),
    *_terms(
        "shortlist",
        {
            "high_gii": "The global instability index exceeds 0.2 v.u.: bonds are strained, or the "
            "structure is wrong.",
            "neutral_atoms": "An element has no charge beside ions: atoms are missing, or the "
            "oxidation states are wrong.",
            "redox_active": "The structure holds a metal of several oxidation states, which may "
            "conduct electrons or be reduced; the column oxidation_states tells which.",
        },
    ),
    *_terms(
        "cation–anion pair",
        {
            "anion_bound": "Most sites of the anion are ligands of a polyanion (P–S, P–O, B–O …). "
            "Such an anion can rotate, but migration would have to break the polyanion.",
            "anion_partly_bound": "Some sites of the anion are ligands of a polyanion, others are "
            "free.",
            "ratio_forced_by_symmetry": "A symmetry operation swaps both sublattices: by one "
            "mechanism for both ions the ratio is exactly 1, and any other proves nothing.",
            "interpolated_parameters": "The parameters of a pair were interpolated between "
            "oxidation states.",
            "nearest_state_parameters": "The parameters of a pair belong to the nearest tabulated "
            "oxidation state.",
            "estimated_parameters": "The parameters of a pair are not tabulated but estimated "
            "from bond valence radii.",
            "weighted_occupancies": "Partly occupied sites enter the energy landscape with their "
            "occupancy as weight; believe the ordered configurations (ensemble_*) before them.",
            "oxidation_states_guessed": "Oxidation states follow from the composition alone.",
            "guest_anion": "The anion is none of the structure's own: it is a guest, one ion more "
            "in the complete host, which hops between gaps.",
            "guest_does_not_fit": "The guest has no place in the host: the best one is nearer to "
            "an ion than 0.6 of the sum of the radii, or costs more than an anion interstitial of "
            "any bundled alkali halide in its own salt. It does not pass.",
            "anion_element_also_cation": "The element of the anion is also present as a cation; "
            "all its sites left the framework.",
        },
    ),
    *_terms(
        "numerical error",
        {
            "grid_error_decides": "The refined barriers, free of the error of the grid, give "
            "another verdict.",
        },
    ),
    *_terms(
        "trajectory",
        {
            "temperature_ramp": "The thermostat's temperature changes along the run: it enters no "
            "mean temperature and no Arrhenius fit.",
            "temperature_from_frames": "The temperature is the mean of what the frames state.",
            "given_frame_step_differs": "The time step that was given differs from that of the "
            "file.",
            "repeated_steps_replaced": "A restart computed some steps again; its frames replace "
            "the earlier ones.",
            "units_from_input": "The units were read from the program's input or log beside the "
            "trajectory.",
            "units_from_velocities": "The units were told from the velocities, which must agree "
            "with the temperature.",
            "truncated_file": "The trajectory file ends within a frame; the whole frames were "
            "analysed.",
            "pieces_joined": "Consecutive pieces of one run, in several files, were joined.",
            "repeated_frames_dropped": "Frames that a restart wrote twice were dropped.",
            "time_step_from_incar": "The time step was read from the INCAR beside the trajectory.",
            "machine_learned": "Forces came from VASP's machine-learned force field.",
            "already_unwrapped": "The positions in the file run on across the cell's faces.",
            "unwrapped_here": "The positions were unwrapped by the shortest step between frames.",
            "steps_faster_than_thermal": "Atoms move further between frames than heat allows: "
            "frames may be missing, or the time step is wrong.",
            "cell_varies": "The cell changes along the trajectory; displacements are fractional "
            "ones in the mean cell.",
        },
    ),
    *_terms(
        "molecular dynamics run",
        {
            "free_flight": "The displacement grows like a free flight: the run is too short for "
            "diffusion.",
            "molten": "No species keeps its sites: the cell has melted.",
            "framework_moves": "Ions of the reference framework leave their sites.",
            "energy_drifts": "The energy drifts along the run.",
            "temperature_drifts": "The temperature drifts along the run.",
        },
    ),
    *_terms(
        "diffusion and transport",
        {
            "no_motion": "The atoms do not move at all.",
            "too_few_frames": "The run has too few frames for a fit.",
            "window_unconfirmed": "The data do not confirm that the fit begins after the "
            "displacement has become diffusive.",
            "few_jumps_or_unlike_ions": "Either the ions jumped seldom, or they are not alike; the "
            "error of D allows for both.",
            "n_eff_below_56": "Fewer than 56 effective jumps: the ion is not called mobile.",
            "msd_below_half_hop": "The mean squared displacement stays below half a squared hop.",
            "bound_ligand": "The ion is a ligand that turns with its polyanion; it has no D.",
            "bonds_break": "Bonds of the polyanion break or are exchanged.",
            "replicas_scatter": "Replicas differ by more than their errors; the error of the mean "
            "was widened.",
            "kinisi_out_of_range": "The posterior of kinisi is withheld: its covariance holds only "
            "where the mean squared displacement outgrows the square root of time.",
            "kinisi_disagrees": "The posterior of kinisi is withheld: it differs from the closed "
            "form by more than a factor of 3.",
            "replicas_disagree": "Some replicas diffuse and others do not: the verdict is that of "
            "all together.",
            "potentials_disagree": "Two potentials contradict each other on an ion: one excludes "
            "the D of the other, or both D differ by more than a factor of 3 and their errors.",
            "d_falls_with_length": "D of the halves of the run is larger than D of the whole: the "
            "motion is bounded or has not become diffusive, and D is not that of long times.",
            "two_temperatures": "The activation energy comes from two temperatures alone: nothing "
            "tests that the line is straight.",
            "charges_unknown": "An ion has no usual charge; without charges there is no "
            "conductivity.",
            "charges_not_neutral": "The charges of the cell do not add up to zero.",
            "temperature_unknown": "The temperature is not known; without it there is no "
            "conductivity.",
            "zero_temperature": "The temperature is zero.",
            "nothing_diffuses": "No ion is known to diffuse, so no current is known either.",
            "numbers_fixed_by_masses": "In the frame of the centre of mass, the masses alone fix "
            "the transport numbers of two species.",
            "numbers_fixed_by_frame": "One species moves against the reference frame: its "
            "transport number is 1 by that choice.",
        },
    ),
    *_terms(
        "barriers with a potential",
        {
            "other_ion_along": "Another ion of the same element left its site with the hop.",
            "framework_rearranged": "An atom of another element left its site with the hop.",
            "end_into_other": "An end relaxed into the other; there is no hop of its own.",
            "rest_below_ends": "The ion rests on its way lower than at either end; its barrier is "
            "counted from there.",
            "not_converged": "The band did not reach its force limit.",
            "no_barrier_on_the_way": "No image of the band is higher than both ends.",
            "hop_without_barrier": "A hop that may decide has no barrier.",
            "vacancy_failed": "A vacancy could not be relaxed.",
            "end_not_converged": "The relaxation of a vacancy did not reach its force limit.",
            "bottleneck_only": "The barrier is the energy of the highest image alone, its ion held "
            "in the plane across the path.",
            "host_rearranged": "An ion of the host has another coordination number after the "
            "relaxation.",
            "host_not_a_minimum": "The relaxed host falls to a lower energy when its atoms are "
            "shaken: its symmetry does not last with this potential.",
            "host_not_converged": "The relaxation of the host did not reach its force limit.",
            "carrier_not_converged": "The relaxation of a defect that brings carriers did not "
            "reach its force limit.",
            "pairs_too_low": "The potential gives pairs of defects far less energy than was "
            "measured in alkali halides; there are no activation energies.",
            "pairs_unproven": "The potential's energies of pairs of defects were not compared with "
            "measured ones.",
            "pair_costs_nothing": "A pair of defects has no positive formation energy with the "
            "potential: the crystal would be full of them, or the potential is wrong.",
        },
    ),
)

REASONS: tuple[Term, ...] = (
    *_terms(
        "barriers with a potential",
        {
            "no_hop_in_reach": "The ion has no second site and no periodic image in reach of a "
            "hop.",
            "cell_too_small": "The ion would hop onto its own image in the supercell.",
            "disordered": "The structure is disordered; a potential needs an ordered one.",
            "no_salt": "No structure of the salt of both ions is known.",
            "no_pair": "The salt of both ions has more than one of one of them.",
            "no_interstitial": "The ion has no place between those of the crystal.",
        },
    ),
    *_terms(
        "filters of the source",
        {
            "no_cation": "The structure holds none of the mobile cations that were asked for.",
            "no_anion": "The structure holds none of the anions that were asked for.",
            "element_missing": "An element that the query requires is missing.",
            "no_wanted_element": "None of the elements that the query accepts is there.",
            "excluded_element": "The structure holds an element that the query excludes.",
            "toxic_element": "The structure holds an element of the list of toxic ones.",
            "radioactive_element": "The structure holds an element of the list of radioactive "
            "ones.",
            "costly_element": "The structure holds an element of the list of costly ones.",
            "noble_gas_element": "The structure holds a noble gas.",
            "too_many_sites": "The cell has more sites than the limit allows.",
            "above_hull": "The energy above the convex hull exceeds the limit.",
            "small_band_gap": "The band gap lies below the limit.",
            "metallic": "The source calls the compound a metal.",
            "theoretical": "The source says that the compound has not been observed.",
            "not_theoretical": "The source says that the compound has been observed.",
            "high_r_value": "The R value of the refinement exceeds the limit.",
            "temperature_out_of_range": "The structure was measured outside the temperature range.",
            "high_pressure": "The structure was measured above the pressure limit.",
            "year_out_of_range": "The structure was published outside the range of years.",
            "duplicate": "The same structure stands elsewhere in the input.",
        },
    ),
    *_terms(
        "shortlist",
        {
            "doubtful_structure": "Atoms of the structure are lost or wrong, as its flags say; "
            "--keep-doubtful keeps it.",
            "avoided_element": "The compound holds an element that is to be avoided.",
            "not_an_anion": "What would move is no anion of its own but an atom of a cluster, like "
            "carbon with a fraction of a charge.",
        },
    ),
    *_terms(
        "source",
        {
            "source_failed": "The source answered with an error.",
            "source_unavailable": "The source did not answer.",
            "source_not_usable": "The source cannot be used with these settings.",
            "provider_failed": "A provider of the federation did not answer as it should.",
            "bad_entry": "An entry of the answer has not the form that the protocol gives it.",
            "bad_answer": "The source answered with something that is no result.",
            "not_in_cache": "The source is offline and the answer is not in the cache.",
            "not_fetched": "The entry exists and did not arrive; the same command fetches it.",
            "missing_document": "The source lists the entry but does not give its document.",
            "optimade_unknown_positions": "Some atoms of the OPTIMADE entry have no positions.",
            "optimade_implicit_atoms": "The OPTIMADE entry implies atoms that it does not list.",
            "optimade_site_attachments": "Groups of atoms in the OPTIMADE entry have no positions.",
            "optimade_assemblies": "Groups of sites in the OPTIMADE entry exclude one another.",
        },
    ),
    *_terms(
        "file",
        {
            "cannot_open": "The file cannot be opened.",
            "not_a_file": "The path is no file.",
            "empty": "The file is empty.",
            "not_text": "The file is no text in a known encoding.",
            "damaged": "The compressed data are damaged.",
            "truncated": "The data end too early.",
            "too_large": "The file is larger than the limit.",
            "encrypted": "The archive is encrypted.",
            "overlapping_members": "The member of an archive shares its bytes with another one.",
            "nested_archive": "The archive lies inside another archive.",
            "too_many_members": "The archive holds more members than the limit.",
            "zip_bomb": "The archive grows beyond the limit when it is unpacked.",
            "unsafe_path": "A member of the archive points out of the archive.",
            "link_member": "A member of the archive is a link.",
            "special_member": "A member of the archive is no ordinary file.",
            "unknown_format": "There is no reader for this format.",
        },
    ),
    *_terms(
        "text of the structure",
        {
            "unreadable": "The text is no crystal structure.",
            "structure_error": "The structure cannot be used.",
            "no_structure": "The entry holds no structure.",
            "not_a_structure": "The JSON holds no structure.",
            "bad_json": "The text is no valid JSON.",
            "bad_row": "A row of the table is no structure.",
            "bad_site": "A site of the structure is incomplete.",
            "bad_poscar": "The text is no POSCAR.",
            "no_elements": "The POSCAR names no elements.",
            "bad_xyz": "A frame of the extended XYZ file cannot be read.",
            "bad_loop": "A loop of the CIF has rows of unequal length.",
            "bad_number": "A number cannot be read or makes no sense.",
            "bad_occupancy": "An occupancy is no number between 0 and 1.",
            "bad_cell": "The lengths and angles of the cell make no crystal.",
            "bad_symmetry": "A symmetry operation cannot be read.",
            "unknown_space_group": "The space group is not known and no operations are listed.",
            "no_cell": "The text has no complete unit cell.",
            "no_atoms": "The structure has no atoms.",
            "no_coordinates": "The text lists no coordinates.",
            "missing_coordinates": "An atom has no coordinates.",
            "unknown_element": "A species is no chemical element.",
            "unknown_species": "A site holds something that is no chemical species.",
            "modulated": "The structure is modulated; its average cell would mislead.",
            "magnetic_cif": "The CIF describes a magnetic structure.",
            "not_periodic": "The structure is not periodic in three directions.",
        },
    ),
    *_terms(
        "preparation of the structure",
        {
            "unpreparable": "The structure cannot be made ready for the physics.",
            "empty_structure": "No site is occupied.",
            "bad_arrays": "The arrays of the structure do not fit together.",
            "flat_cell": "The lattice vectors span no volume.",
            "overlapping_atoms": "Atoms lie on top of each other.",
            "occupancy_above_one": "A site holds more than one atom.",
            "not_ionic": "The structure has no anion: a metal, an element or an alloy.",
            "no_oxidation_states": "No sound oxidation states were found.",
            "charge_unbalanced": "The charges do not add up to zero.",
            "occupancies_lost": "All sites are full, yet fewer mobile cations would balance the "
            "charges.",
            "cations_missing": "Cations seem to be missing, often hydrogen.",
            "bad_supercell": "The supercell cannot hold the occupancies.",
            "no_configuration": "No ordered configuration was asked for.",
        },
    ),
    *_terms(
        "screening",
        {
            "missing_parameters": "A pair of ions has no parameters.",
            "no_such_ion": "The crystal does not hold the ion that was asked for.",
            "no_counter_ions": "The framework of the mobile ion holds no ion of the other sign.",
            "cell_too_large": "The grid would not fit into memory.",
            "engine_cannot": "The chosen engine cannot treat this structure.",
        },
    ),
    *_terms(
        "run",
        {
            "time_limit": "The structure took longer than the time limit.",
            "out_of_memory": "The structure needed more memory than there is.",
            "crashed": "A library crashed on the structure, also when it ran alone.",
            "worker_lost": "Several workers were lost while the structure ran alone.",
            "internal_error": "A fault of the program; please report it.",
        },
    ),
    *_terms(
        "relaxation",
        {
            "energy_not_finite": "The engine gave an energy or a force that is no number.",
            "cell_ran_away": "The cell changed its volume beyond what a relaxation can mean.",
            "atoms_too_close": "Two atoms came closer than ions can.",
            "engine_failed": "The engine raised an error.",
        },
    ),
    *_terms(
        "trajectory",
        {
            "unreadable_trajectory": "The file is no trajectory.",
            "unknown_units": "The trajectory is in units that cannot be told.",
            "bad_header": "The file does not begin like its format.",
            "bad_xml": "The XML is not well-formed.",
            "bad_time_step": "The time between frames is no positive number.",
            "no_frames": "The file holds no frame.",
            "one_frame": "The file holds one frame; motion needs more.",
            "no_atom_ids": "The dump has no atom ids.",
            "not_a_number": "A number cannot be read.",
            "wrong_columns": "A line has too few or too many columns.",
            "not_finite": "A position or an energy is no finite number.",
            "shuffled": "The order of the atoms changes between frames.",
            "atoms_change": "The number or kind of atoms changes between frames.",
            "uneven_times": "The times of the frames are not evenly spaced.",
            "impossible_step": "Atoms move further between frames than is possible.",
            "jump_over_half_cell": "An atom moves by half a cell between frames.",
        },
    ),
    *_terms(
        "molecular dynamics run",
        {
            "target_n_eff": "The mobile ions have made as many effective jumps as asked for.",
            "nothing_moves": "No mobile ion has left its surroundings.",
            "budget_spent": "The budget of simulated time is spent.",
            "more_needed": "The run is to be continued.",
            "cancelled": "The user cancelled the run.",
            "cannot_run": "The run cannot be started.",
            "cannot_start": "The program of the engine cannot be started.",
            "missing_binary": "The program of the engine is not installed.",
            "missing_potential": "A potential or a basis set is missing.",
            "missing_restart": "The restart files of the run are missing.",
            "damaged_checkpoint": "The checkpoint of the run is damaged.",
            "folder_missing": "The folder of the run is gone.",
            "folder_damaged": "The folder of the run is damaged.",
            "bad_geometry": "Atoms are too close for the electronic structure to be solved.",
            "scf_not_converged": "The electronic structure did not converge.",
            "licence": "The licence of the engine was refused.",
            "engine_stopped": "The engine stopped with an error.",
            "no_progress": "The engine ended without an error and without progress.",
            "killed": "The engine was ended from outside.",
            "process_lost": "The process of the run is gone.",
            "process_killed": "The process was killed repeatedly before its first checkpoint.",
            "potential_died": "The process of a potential in another environment died; the run "
            "goes on from its last checkpoint.",
            "batch_not_finite": "A potential gave NaN for a cell in a batch, and finite forces for "
            "the same cell alone.",
            "walltime_too_short": "The walltime is too short for one segment.",
            "disk": "The disk is full or cannot be written to.",
            "too_hot": "The temperature left the range of the thermostat.",
            "energy_blow_up": "The energy rose beyond what heat allows.",
            "volume_runaway": "The volume of the cell ran away.",
            "molten": "No species keeps its sites: the cell has melted.",
        },
    ),
)

STATUSES: dict[str, str] = {
    "ok": "The barriers of both ions were computed.",
    "rejected": "Something in the structure prevents the computation.",
    "failed": "The run could not finish the structure.",
}

FLAG_MEANINGS: dict[str, str] = {term.name: term.meaning for term in FLAGS}
REASON_MEANINGS: dict[str, str] = {term.name: term.meaning for term in REASONS}
VERDICT_FLAGS: frozenset[str] = frozenset(
    term.name for term in FLAGS if term.group in ("verdict", "numerical error")
)
"""Flags that follow from the criterion, not from the structure: an export judges them anew."""

_PLACES = {term.name: place for place, term in enumerate(FLAGS)}


def sort_flags(flags: Iterable[str]) -> tuple[str, ...]:
    """Sort flags by the order of the vocabulary, each once; unknown ones come last, by name.

    Args:
        flags: names of flags; empty names are left out.
    """
    known = {flag for flag in flags if flag}
    return tuple(sorted(known, key=lambda flag: (_PLACES.get(flag, len(_PLACES)), flag)))


def join_flags(flags: Iterable[str]) -> str:
    """Write flags as they stand in a table: sorted, separated by semicolons."""
    return ";".join(sort_flags(flags))


def split_flags(text: object) -> tuple[str, ...]:
    """Read the flags of a table's cell."""
    return tuple(flag for flag in str(text or "").split(";") if flag)


def words(name: object) -> str:
    """Write a stable name as words, for a reader."""
    return str(name).replace("_", " ")
