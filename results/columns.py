"""The one schema of ``screened.csv`` and ``candidates.csv``: keys, labels, units, meanings.

One row per structure × cation × anion. The first columns are the project's contract: they keep
their names and meaning; later ones may be added. Terminal, report, exports and documentation take
labels and units from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "number", "truth"]
Value = str | int | float | bool | None
Row = dict[str, Value]
"""Column key → value; None is written as an empty field, infinity as ``inf``."""

SCHEMA_VERSION = 2
"""Raised whenever a number in the tables would come out differently."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: name in the tables.
        kind: what its values are.
        unit: unit, empty where there is none.
        meaning: one sentence.
        decimals: digits after the point of a number.
        heading: short heading for a reader; empty where the key says it.
    """

    key: str
    kind: Kind
    unit: str
    meaning: str
    decimals: int = 6
    heading: str = ""

    @property
    def label(self) -> str:
        """Return the heading for terminal and report, without the unit."""
        if self.heading:
            return self.heading
        ending = next((e for e in _UNIT_ENDINGS.get(self.unit, ()) if self.key.endswith(e)), "")
        return self.key.removesuffix(ending).replace("_", " ")


_UNIT_ENDINGS = {
    "eV": ("_ev",),
    "eV/atom": ("_ev_atom",),
    "v.u.": ("_vu",),
    "cm²/s": ("_cm2_s",),
    "ps": ("_ps",),
    "K": ("_k",),
    "Å": ("_angstrom",),
}
"""How keys end that carry a unit."""


def _barriers(ion: str) -> list[Column]:
    return [
        Column(
            f"e{n}d_{ion}_ev",
            "number",
            "eV",
            f"{n}D migration barrier of the {ion} by the deciding mechanism, of which the verdict "
            "is made; inf where it does not percolate",
            heading=f"E({ion}) {n}D",
        )
        for n in (1, 2, 3)
    ]


CORE: tuple[Column, ...] = (
    Column("source", "text", "", "source of the structure"),
    Column(
        "source_id",
        "text",
        "",
        "identifier of the structure in its source",
        heading="structure id",
    ),
    Column("formula", "text", "", "formula of the cell", heading="cell formula"),
    Column("reduced_formula", "text", "", "reduced formula", heading="formula"),
    Column("space_group", "text", "", "Hermann–Mauguin symbol found by spglib"),
    Column("n_sites", "integer", "", "sites in the cell", heading="sites"),
    Column("disordered", "truth", "", "whether a site is shared or partly empty"),
    Column("cation", "text", "", "mobile cation with its charge"),
    Column("anion", "text", "", "anion with its charge"),
    Column("status", "text", "", "ok, rejected (a reason in the structure) or failed (in the run)"),
    Column("reason", "text", "", "stable name of the reason where the status is not ok"),
    *_barriers("cation"),
    *_barriers("anion"),
    *(
        Column(
            f"ratio_{n}d",
            "number",
            "",
            f"{n}D barrier of the anion over that of the cation; inf where the anion does not "
            "percolate, empty where the cation does not",
            heading=f"ratio {n}D",
        )
        for n in (1, 2, 3)
    ),
    Column("dai", "truth", "", "the verdict at the chosen dimensionality", heading="DAI"),
    Column(
        "dai_dimensions",
        "text",
        "",
        "dimensionalities at which the criterion holds",
        heading="passes at",
    ),
    Column("anion_bound", "truth", "", "whether most anion sites are ligands of a polyanion"),
    Column(
        "flags",
        "text",
        "",
        "names of flags in the order of the vocabulary, separated by semicolons",
    ),
    Column("oxidation_method", "text", "", "how the oxidation states were found"),
    Column("parameters", "text", "", "least trustworthy pair parameters in use"),
    Column(
        "energy_above_hull_ev_atom",
        "number",
        "eV/atom",
        "energy above the convex hull as the source gives it",
        heading="E above hull",
    ),
    Column("band_gap_ev", "number", "eV", "band gap as the source gives it"),
    Column("seconds", "number", "s", "computing time of the structure", 4, "computing time"),
    Column("key", "text", "", "hash of structure, ions, options and schema"),
)

ANODE_REACTION: tuple[Column, ...] = (
    Column(
        "anode_reaction_ev_atom",
        "number",
        "eV/atom",
        "energy of the reaction with the cation's metal, per atom of all reactants; 0 for none",
    ),
    Column(
        "anode_products",
        "text",
        "",
        "products at the metal, the most abundant first, separated by semicolons",
    ),
    Column("anode_equation", "text", "", "the reaction with the metal, balanced"),
)
"""Reaction of a candidate with the metal anode; empty without energies of phases."""

INTERPHASE: tuple[Column, ...] = (
    Column("interphase", "text", "", "compound of the metal and the mobile anion"),
    *(
        Column(
            f"interphase_e3d_{ion}_ev",
            "number",
            "eV",
            f"3D barrier of the {ion} in that compound's bundled structure",
            heading=f"interphase E({ion}) 3D",
        )
        for ion in ("cation", "anion")
    ),
)
"""Interphase of a candidate; barriers are empty where no structure is bundled."""

GUEST: tuple[Column, ...] = (
    *(
        Column(
            f"guest_e{n}d_{key}_ev",
            "number",
            "eV",
            f"{n}D barrier of the guest {meaning}",
            heading=f"E(guest) {n}D, {short}",
        )
        for key, meaning, short in (
            ("no_cations", "without the host's mobile cations; empty where nothing attracts it "
             "then", "no cations"),
            ("no_cations_rigid", "without the host's mobile cations, all others at rest",
             "no cations, host at rest"),
        )
        for n in (1, 2, 3)
    ),
    Column(
        "guest_insertion_ev",
        "number",
        "eV",
        "bond valence site energy of the guest at its best place in the complete host, which gives "
        "way; from a guest that feels nothing, and no enthalpy of solution",
        heading="guest insertion",
    ),
    Column(
        "guest_insertion_rigid_ev",
        "number",
        "eV",
        "the same with the host's ions at rest",
        heading="guest insertion, host at rest",
    ),
    Column(
        "guest_room_angstrom",
        "number",
        "Å",
        "radius of the empty sphere at the guest's place, by the crystal radii of the host's ions",
        4,
        "guest room",
    ),
    Column(
        "guest_room_share",
        "number",
        "",
        "distance of the guest's place to the nearest ion, over the sum of both crystal radii",
        4,
        "guest room share",
    ),
)  # fmt: skip
"""Of a guest anion; empty for the structure's own anions."""

MECHANISM: tuple[Column, ...] = (
    *(
        Column(
            f"mechanism_{ion}",
            "text",
            "",
            f"mechanism of the {ion} whose barriers decide; "
            "interstitial guest for an anion that is put in",
        )
        for ion in ("cation", "anion")
    ),
    *(
        Column(
            f"e{n}d_anion_rigid_ev",
            "number",
            "eV",
            f"{n}D barrier of the anion by the deciding mechanism if no other ion gave way",
            heading=f"E(anion) {n}D, rigid",
        )
        for n in (1, 2, 3)
    ),
)
"""How the ions move by whose barriers the verdict is made."""

PUBLISHED: tuple[Column, ...] = (
    *(
        Column(
            f"published_e{n}d_anion_ev",
            "number",
            "eV",
            f"{n}D barrier of the anion by the published recipe: through the empty lattice, on the "
            "grid",
            heading=f"published E(anion) {n}D",
        )
        for n in (1, 2, 3)
    ),
    *(
        Column(
            f"published_ratio_{n}d",
            "number",
            "",
            f"{n}D ratio by the published recipe, both barriers on the grid",
            heading=f"published ratio {n}D",
        )
        for n in (1, 2, 3)
    ),
    Column("published_dai", "truth", "", "the verdict by the published recipe",
           heading="published DAI"),
)  # fmt: skip
"""The same pair by the published recipe (Cen et al., Nat. Sustain. 2025) and the same criterion."""

CALIBRATED: tuple[Column, ...] = tuple(
    Column(
        f"e_calibrated_{ion}{ending}_ev",
        "number",
        "eV",
        f"{meaning} of the {ion} at the chosen dimensionality, calibrated against known barriers; "
        "empty where no calibration applies",
        4,
        f"calibrated E({ion}){short}",
    )
    for ion in ("cation", "anion")
    for ending, meaning, short in (
        ("", "likely barrier", ""),
        ("_low", "lower end of the 90 % interval of the barrier", ", low"),
        ("_high", "upper end of the 90 % interval of the barrier", ", high"),
    )
)
"""Barriers as nature may have them; the criterion stays on the raw ones."""

ENSEMBLE: tuple[Column, ...] = (
    Column(
        "ensemble_count",
        "integer",
        "",
        "ordered configurations of a disordered structure that were computed",
    ),
    Column(
        "ensemble_pass_share",
        "number",
        "",
        "share of these that pass the criterion",
        4,
        "share of configurations that pass",
    ),
    *(
        Column(
            f"ensemble_{ion}_{what}_ev",
            "number",
            "eV",
            f"{what} barrier of the {ion} over these, at the chosen dimensionality",
            heading=f"E({ion}) of configurations, {what}",
        )
        for ion in ("cation", "anion")
        for what in ("median", "lowest", "highest")
    ),
    *(
        Column(
            f"ensemble_e{n}d_{ion}_ev",
            "text",
            "eV",
            f"{n}D barriers of the {ion} in each of these, separated by semicolons",
        )
        for ion in ("cation", "anion")
        for n in (1, 2, 3)
    ),
)
"""The pair in ordered configurations of a disordered structure; empty for an ordered one."""

EXTRA: tuple[Column, ...] = (
    Column("source_file", "text", "", "file, or archive and member, that it was read from"),
    *MECHANISM,
    *PUBLISHED,
    *ENSEMBLE,
    *(
        Column(
            f"e{n}d_{ion}_grid_ev",
            "number",
            "eV",
            f"{n}D barrier of the {ion} on the points of the grid; of hops, which have none, the "
            "barrier itself",
            heading=f"E({ion}) {n}D, grid",
        )
        for ion in ("cation", "anion")
        for n in (1, 2, 3)
    ),
    *(
        Column(
            f"e{n}d_{ion}_refined_ev",
            "number",
            "eV",
            f"{n}D barrier of the {ion} on the continuous potential, free of the grid's error",
            heading=f"E({ion}) {n}D, refined",
        )
        for ion in ("cation", "anion")
        for n in (1, 2, 3)
    ),
    Column("message", "text", "", "explanation with its cause and its remedy"),
    Column(
        "set_aside",
        "text",
        "",
        "why a pair that passes is no candidate, separated by semicolons; empty for a candidate",
    ),
    Column(
        "oxidation_states",
        "text",
        "",
        "ions of the structure with their charges, separated by semicolons",
    ),
    Column(
        "linked_ids",
        "text",
        "",
        "other ids of the material by the properties file, separated by semicolons",
    ),
    Column("occupancy_handling", "text", "", "full, or weighted by occupancy"),
    Column(
        "gii_vu",
        "number",
        "v.u.",
        "global instability index of the cell, its quality mark",
        4,
        "GII",
    ),
    Column("anion_bound_fraction", "number", "", "share of anion sites that are ligands", 4),
    Column("bound_strength", "number", "", "how firmly the anion is bound, 0 to 1, no step", 4),
    Column(
        "dai_other_reading",
        "truth",
        "",
        "the verdict with the other reading of the ratio",
        heading="DAI, other reading",
    ),
    *(
        Column(
            f"e{n}d_{ion}_region_ev",
            "number",
            "eV",
            f"{n}D barrier of the {ion} above the minimum of the percolating region itself",
            heading=f"E({ion}) {n}D, above region minimum",
        )
        for ion in ("cation", "anion")
        for n in (1, 2, 3)
    ),
    *CALIBRATED,
    *ANODE_REACTION,
    *INTERPHASE,
    *GUEST,
)

SCREENED: tuple[Column, ...] = CORE + EXTRA
COMPOUND: tuple[Column, ...] = (
    Column(
        "compound_structures",
        "integer",
        "",
        "candidates that are the same ions in the same composition: polymorphs and repeats",
        heading="structures of the compound",
    ),
    Column(
        "compound_place",
        "integer",
        "",
        "place of the row among these, 1 is best",
        heading="place in the compound",
    ),
)
"""Candidates grouped by compound."""
RANK = Column("rank", "integer", "", "place in the ranking, 1 is best")
SCORE = Column(
    "score", "number", "", "product of the parts below, each to the power of its weight, 0 to 1"
)
SCORE_PARTS: tuple[Column, ...] = (
    Column("score_cation_moves", "number", "", "probability that the cation's barrier is < 0.8 eV"),
    Column("score_anion_moves", "number", "", "probability that the anion moves"),
    Column("score_free_anion", "number", "", "1 for a free anion, 0 for one bound in polyanions"),
    Column("score_agreement", "number", "", "1 where mechanisms agree on the anion's probability"),
    Column("score_robustness", "number", "", "1 where no convention changes the verdict"),
    Column("score_disorder", "number", "", "1 if ordered, else share of configurations passing"),
    Column("score_structure", "number", "", "1 up to a GII of 0.2 v.u., 0 from 0.4 v.u. on"),
    Column("score_redox", "number", "", "1 without redox-active metals, 0 with an open d shell"),
    Column("score_stability", "number", "", "1 on the hull, 0 from 0.1 eV/atom on, empty: unknown"),
    Column("score_ratio", "number", "", "1 for equal barriers, 0 from a factor of 2 on"),
    Column("score_gap", "number", "", "1 from a gap of 4 eV on, 0 without one, empty: unknown"),
    Column("score_potentials", "number", "", "share on which potentials agree in MD, empty: none"),
)

MD_DECIMALS = 12
"""Digits of D in cm²/s, whose interesting values lie between 1e-8 and 1e-4."""


def _md_of(ion: str) -> list[Column]:
    of = f"of the {ion} at the reference temperature"
    d, ea = f"MD D({ion})", f"MD E_a({ion})"
    return [
        Column(
            f"md_d_{ion}_cm2_s",
            "number",
            "cm²/s",
            f"D {of}, all replicas; empty where unresolved",
            MD_DECIMALS,
            d,
        ),
        Column(
            f"md_d_{ion}_error_cm2_s",
            "number",
            "cm²/s",
            "its standard error",
            MD_DECIMALS,
            f"{d}, error",
        ),
        Column(
            f"md_d_{ion}_upper_cm2_s",
            "number",
            "cm²/s",
            "upper limit of D where no diffusion is resolved",
            MD_DECIMALS,
            f"{d}, upper limit",
        ),
        Column(
            f"md_n_eff_{ion}", "number", "", f"effective jumps {of}", 1, heading=f"MD N_eff({ion})"
        ),
        Column(
            f"md_verdict_{ion}", "text", "", f"kind of motion {of}", heading=f"MD verdict({ion})"
        ),
        Column(f"md_ea_{ion}_ev", "number", "eV", f"activation energy of D of the {ion}", 4, ea),
        Column(f"md_ea_{ion}_error_ev", "number", "eV", "its standard error", 4, f"{ea}, error"),
    ]


MD: tuple[Column, ...] = (
    Column("md_engine", "text", "", "engine of the molecular dynamics", heading="MD engine"),
    Column(
        "md_potentials",
        "text",
        "",
        "potentials that computed the same cells, separated by semicolons; empty for one alone",
        heading="MD potentials",
    ),
    Column(
        "md_agreement",
        "number",
        "",
        "share of verdicts and D, of both ions in each cell and temperature, on which they agree",
        2,
        heading="MD agreement",
    ),
    Column(
        "md_cell",
        "text",
        "",
        "cell that these columns are of: perfect, or its defects",
        heading="MD cell",
    ),
    Column(
        "md_temperatures_k",
        "text",
        "K",
        "temperatures of its finished runs",
        heading="MD temperatures",
    ),
    Column(
        "md_reference_k",
        "number",
        "K",
        "temperature of D, N_eff and verdicts here",
        1,
        heading="MD reference temperature",
    ),
    Column("md_runs", "integer", "", "finished runs of this cell", heading="MD runs"),
    Column(
        "md_production_ps",
        "number",
        "ps",
        "analysed time of all these runs",
        2,
        heading="MD production",
    ),
    *_md_of("cation"),
    *_md_of("anion"),
    Column(
        "md_flags",
        "text",
        "",
        "names of flags of the runs, separated by semicolons",
        heading="MD flags",
    ),
)
"""Molecular dynamics of a candidate; empty before ``dualion md collect``."""

_PAIRS = (
    ("schottky", "Schottky pair", "vacancies of both ions far apart, their salt taken out"),
    ("schottky_associated", "associated Schottky pair", "vacancies of both ions side by side"),
    ("anion_frenkel", "anion Frenkel pair", "vacancy and interstitial of the anion far apart"),
    ("insertion", "inserted salt", "both ions as interstitials far apart, their salt dissolved"),
)

NEB: tuple[Column, ...] = (
    *(
        Column(
            f"e{n}d_{ion}_neb_ev",
            "number",
            "eV",
            f"{n}D barrier of the {ion} by elastic bands with a potential; inf where no hop "
            "crosses the crystal, empty where that is not known",
            4,
            f"NEB E({ion}) {n}D",
        )
        for ion in ("cation", "anion")
        for n in (1, 2, 3)
    ),
    *(
        Column(
            f"ratio_{n}d_neb",
            "number",
            "",
            f"{n}D barrier of the anion over that of the cation, by elastic bands",
            4,
            f"NEB ratio {n}D",
        )
        for n in (1, 2, 3)
    ),
    Column(
        "dai_neb",
        "truth",
        "",
        "the verdict by elastic bands, by the criterion of the run; empty where a barrier is not "
        "known",
        heading="DAI by NEB",
    ),
    Column(
        "dai_neb_doped",
        "truth",
        "",
        "the same where a dopant brings the vacancies: the barriers alone count",
        heading="DAI by NEB, doped",
    ),
    Column(
        "dai_neb_intrinsic",
        "truth",
        "",
        "the same where the crystal makes its own vacancies: activation energies count",
        heading="DAI by NEB, intrinsic",
    ),
    *(
        Column(
            f"e_activation_{ion}_ev",
            "number",
            "eV",
            f"activation energy of the {ion} at the chosen dimensionality with intrinsic "
            "vacancies: barrier and half the energy of the pair that makes them",
            4,
            f"E_a({ion}), intrinsic",
        )
        for ion in ("cation", "anion")
    ),
    *(
        Column(
            f"pair_{name}_ev",
            "number",
            "eV",
            f"formation energy with the potential, per two defects: {meaning}",
            4,
            heading,
        )
        for name, heading, meaning in _PAIRS
    ),
    Column("neb_potential", "text", "", "potential of the elastic bands", heading="NEB potential"),
    Column("neb_hops", "integer", "", "hops of both ions that were computed", heading="NEB hops"),
    Column(
        "neb_hops_left",
        "integer",
        "",
        "hops that cannot lower a barrier within the margin",
        heading="NEB hops left",
    ),
    Column(
        "neb_flags",
        "text",
        "",
        "names of flags of the bands, separated by semicolons",
        heading="NEB flags",
    ),
    Column("neb_problem", "text", "", "why a barrier is missing", heading="NEB problem"),
)
"""Barriers of a candidate with a potential; empty before ``dualion neb``."""

CANDIDATES: tuple[Column, ...] = (RANK, SCORE, *SCREENED, *SCORE_PARTS, *COMPOUND, *NEB, *MD)

BY_KEY = {column.key: column for column in CANDIDATES}
