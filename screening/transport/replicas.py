"""Several runs of one system at one temperature, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.self_diffusion.coefficient import Diffusion, PosteriorName
from dualion.screening.transport.self_diffusion.verdict import (
    MOBILE_N_EFF,
    Verdict,
    he_zhu_mo_error,
)
from dualion.structures.errors import InputError

SCATTER = 3.0
"""Mean square of the deviations, in errors, beyond which the runs differ by more than these."""

SUREST = 1e-6
"""Relative error below which no run counts as surer."""

N_EFF_BELOW = "n_eff_below_56"
BONDS_BREAK = "bonds_break"


def combine_replicas(parts: Sequence[Diffusion]) -> Diffusion:
    """Combine independent runs of one system at one temperature.

    D is the mean weighted by ions × window-free precision (1/relative variance, which, unlike
    1/variance, does not favour runs that moved less by chance); where the runs scatter more
    than their errors allow, the error is scaled up (Birge ratio). Verdict and flags are those of
    all runs together: one run that diffuses does not make all so.

    Args:
        parts: one result per run, of the same species.

    Raises:
        InputError: no run was given.
    """
    usable = [p for p in parts if np.isfinite(p.d_cm2_s) and np.isfinite(p.error_cm2_s)]
    if not parts:
        raise InputError("There is no run to combine; give at least one.")
    if len(usable) < 2:
        return usable[0] if usable else parts[0]
    relative = np.array(
        [max(p.error_cm2_s / max(abs(p.d_cm2_s), p.error_cm2_s), SUREST) for p in usable]
    )
    weights = relative**-2.0 / (relative**-2.0).sum()
    values = np.array([p.d_cm2_s for p in usable])
    mean = float(weights @ values)
    # Errors at the common mean, again so that a low value does not look precise.
    scatter2 = float((((values - mean) / relative) ** 2).sum()) / (len(usable) - 1)
    error = float(np.linalg.norm(weights * relative) * np.sqrt(max(mean**2, scatter2)))
    n_eff = sum(p.n_eff for p in usable)
    verdict = _combine_verdicts(usable, resolved=mean - 1.96 * error > 0.0, n_eff=n_eff)
    return replace(
        usable[0],
        n_ions=sum(p.n_ions for p in usable),
        d_cm2_s=mean,
        error_cm2_s=error,
        low_cm2_s=mean - 1.96 * error,
        high_cm2_s=mean + 1.96 * error,
        tensor_cm2_s=_weighted_sum(weights, [p.tensor_cm2_s for p in usable]),
        tensor_error_cm2_s=np.sqrt(
            _weighted_sum(weights**2, [p.tensor_error_cm2_s**2 for p in usable])
        ),
        n_eff=n_eff,
        relative_error_he_zhu_mo=he_zhu_mo_error(n_eff),
        verdict=verdict,
        flags=_combine_flags(usable, verdict, scatter=scatter2 > SCATTER * mean**2, n_eff=n_eff),
        posterior=_name_posterior(usable),
        one_jump_cm2_s=1.0 / sum(1.0 / p.one_jump_cm2_s for p in usable),  # ions' times add
    )


def _combine_verdicts(parts: Sequence[Diffusion], *, resolved: bool, n_eff: float) -> Verdict:
    """The verdict on all runs: that of each where they agree.

    They diffuse where more than half of them do on their own and the mean is beyond its error. A
    bound ligand that turned in one run can turn; all else that differs is not resolved.
    """
    verdicts = [part.verdict for part in parts]
    diffusing = verdicts.count("diffusing")
    if 2 * diffusing > len(verdicts) and resolved and n_eff >= MOBILE_N_EFF:
        return "diffusing"
    if len(set(verdicts)) == 1 and not diffusing:
        return verdicts[0]
    return "rotating" if set(verdicts) == {"rotating", "vibrating"} else "not resolved"


def _combine_flags(
    parts: Sequence[Diffusion], verdict: Verdict, *, scatter: bool, n_eff: float
) -> tuple[str, ...]:
    """Flags of the mean: those of half the runs or more, and what the runs show together."""
    names = dict.fromkeys(flag for part in parts for flag in part.flags)
    counts = {flag: sum(flag in part.flags for part in parts) for flag in names}
    kept = [
        flag
        for flag, count in counts.items()
        if flag != N_EFF_BELOW and (2 * count >= len(parts) or flag == BONDS_BREAK)
    ]
    if verdict == "not resolved" and n_eff < MOBILE_N_EFF:
        kept.append(N_EFF_BELOW)
    if verdict == "not resolved" and len({part.verdict for part in parts}) > 1:
        kept.append("replicas_disagree")
    return (*kept, "replicas_scatter") if scatter else tuple(kept)


def _name_posterior(parts: Sequence[Diffusion]) -> PosteriorName:
    names = {part.posterior for part in parts}
    return names.pop() if len(names) == 1 else "closed form and kinisi"


def _weighted_sum(
    weights: NDArray[np.float64], arrays: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    return np.asarray(np.tensordot(weights, np.stack(arrays), axes=1))
