"""Named sets of conventions for both ions of a pair: mechanism, pair energies, what is judged."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from dualion.screening.barrier_types import BarrierOptions, JudgedBarriers
from dualion.screening.bvse.potential import PRESETS
from dualion.screening.disorder_ensemble import Disorder
from dualion.structures.errors import InputError

DEFAULT_PRESET = "dualion"
PUBLISHED_PRESET = "bvlain"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairConventions:
    """How the barriers of a pair are computed and judged.

    Attributes:
        published: conventions of the cation, and of the anion by the published recipe.
        deciding_anion: conventions of the anion's barriers that decide; None for the published.
        judged: barriers of which the verdict is made.
        disorder: which disordered structures are also computed as ordered configurations.
    """

    published: BarrierOptions
    deciding_anion: BarrierOptions | None = None
    judged: JudgedBarriers = "grid"
    disorder: Disorder = "weighted"


PAIR_CONVENTIONS: dict[str, PairConventions] = {
    DEFAULT_PRESET: PairConventions(
        published=BarrierOptions(),
        deciding_anion=BarrierOptions(potential=PRESETS["dualion"], mechanism="vacancy"),
        judged="refined",
        disorder="shortlist",
    ),
    **{
        name: PairConventions(published=BarrierOptions(potential=potential))
        for name, potential in PRESETS.items()
        if name != DEFAULT_PRESET
    },
}
"""``bvlain`` is the published recipe (Cen et al., Nat. Sustain. 2025): whole sublattices are taken
out, barriers are those on the grid; ``full_depth``, ``f070`` and ``softbv_radii`` are the same with
other pair energies. ``dualion`` keeps it for the cation; an anion hops into a vacancy among anions
that repel each other by softBV's radii, refined barriers are judged, and disordered structures on
the shortlist are computed as ordered configurations too."""


def pair_conventions(name: str) -> PairConventions:
    """Return the conventions of that name for both ions of a pair.

    Args:
        name: of the preset.

    Raises:
        InputError: there is no such name.
    """
    if name in PAIR_CONVENTIONS:
        return PAIR_CONVENTIONS[name]
    close = difflib.get_close_matches(name, PAIR_CONVENTIONS, n=1, cutoff=0.0)[0]
    raise InputError(
        f"There is no preset {name!r}; did you mean {close!r}? "
        f"Known: {', '.join(PAIR_CONVENTIONS)}."
    )
