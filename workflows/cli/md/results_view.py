"""What ``dualion md collect`` says of finished runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dualion.results.md_results import MOVES
from dualion.results.store import MdRun


def lines(runs: Iterable[MdRun]) -> Iterator[str]:
    """A line for each species of each finished run; D never without its error."""
    for run in runs:
        for species in run.results.get("species") or ():
            d, error = species.get("d_cm2_s"), species.get("d_error_cm2_s")
            known = isinstance(d, int | float) and isinstance(error, int | float)
            known &= species["verdict"] in MOVES  # what does not diffuse has no D
            number = f"D = {d:.3g} ± {error:.1g} cm²/s" if known else "no D"
            n_eff = species.get("n_eff")
            effective = f", N_eff {n_eff:.3g}" if isinstance(n_eff, int | float) else ""
            yield (
                f"{run.formula} {run.cell} {run.temperature_k:g} K r{run.replica} "
                f"{species['species']}: {species['verdict']}, {number}{effective}"
            )
