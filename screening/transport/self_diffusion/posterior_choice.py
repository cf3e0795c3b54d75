"""Which posterior gives D: kinisi's or the closed form.

kinisi's covariance takes the ions for independent and the variance of the data for that of the
truth, so its interval is too narrow for few ions and for ions that go together
(``benchmarks/transport_posteriors.py``). By default it therefore gives the number only where
the closed form, which measures both, finds neither.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.options import POSTERIORS, AnalysisOptions
from dualion.screening.transport.self_diffusion.coefficient import Diffusion
from dualion.screening.transport.self_diffusion.kinisi_posterior import (
    Posterior,
    has_kinisi,
    kinisi_posterior,
)
from dualion.structures.errors import InputError, MissingDependencyError

KINISI_RELATIVE_ERROR = 0.05
"""Largest relative error of D up to which kinisi's interval is used by default: with a larger
one the variance that the data suggest is not that of the truth."""

KINISI_AGREES = 3.0
"""Ratio to the closed form beyond which kinisi's posterior is not of the same motion."""

OUT_OF_RANGE = "kinisi_out_of_range"
DISAGREES = "kinisi_disagrees"

KINISI_INFLATION = 1.5
"""Largest variance over that of independent Gaussian walkers for the same."""


def check_posterior(options: AnalysisOptions) -> None:
    """Refuse a choice that is unknown or cannot be met.

    Raises:
        InputError: there is no such posterior, or it is kinisi's and kinisi is not wanted.
        MissingDependencyError: kinisi is asked for by name and is not installed.
    """
    if options.posterior not in POSTERIORS:
        raise InputError(
            f"There is no posterior {options.posterior!r}; choose from {', '.join(POSTERIORS)}."
        )
    if options.posterior != "kinisi":
        return
    if not options.with_kinisi:
        raise InputError("The posterior is kinisi's, and kinisi is not to be called; choose one.")
    if not has_kinisi():
        raise MissingDependencyError(
            "kinisi is not installed; install it with pip install 'dualion[kinisi]', or choose "
            "the closed form."
        )


def kinisi_fits(found: Diffusion) -> bool:
    """Return whether kinisi's assumptions hold: well-known D, independent ions."""
    return (
        found.verdict == "diffusing"
        and found.error_cm2_s <= KINISI_RELATIVE_ERROR * found.d_cm2_s
        and found.inflation <= KINISI_INFLATION
    )


def choose_posterior(
    found: Diffusion, own: NDArray[np.float64], step_ps: float, options: AnalysisOptions
) -> tuple[Diffusion, tuple[Posterior, ...]]:
    """Return D with the interval that the options choose, and kinisi's posterior if there is one.

    A posterior is withheld, with a flag, where kinisi's covariance does not hold or its D is far
    from the closed form's.

    Args:
        found: the closed form.
        own: shape (frames, ions, 3), Å.
        step_ps: time between frames, ps.
        options: what the user chooses.
    """
    called = options.with_kinisi and options.posterior != "closed form" and has_kinisi()
    if not (found.resolved and called):
        return found, ()
    second = kinisi_posterior(own, step_ps, found.window_ps[0])
    if not second:
        return replace(found, flags=(*found.flags, OUT_OF_RANGE)), ()
    if not 1.0 / KINISI_AGREES <= second[0].d_cm2_s / found.d_cm2_s <= KINISI_AGREES:
        return replace(found, flags=(*found.flags, DISAGREES)), ()
    if options.posterior == "auto" and not kinisi_fits(found):
        return found, second
    return (
        replace(
            found,
            d_cm2_s=second[0].d_cm2_s,
            error_cm2_s=second[0].error_cm2_s,
            low_cm2_s=second[0].low_cm2_s,
            high_cm2_s=second[0].high_cm2_s,
            posterior="kinisi",
        ),
        second,
    )
