"""The largest D that a run without resolved diffusion allows.

Jumps that a run was too short to see follow Poisson's law, so n effective jumps seen allow
½ χ²₀.₉₇₅(2n + 2) of them (Garwood, Biometrika 28, 437 (1936), doi:10.1093/biomet/28.3-4.437),
3.69 where none was seen. A jump of length a adds a² to Σ r², so

    D < ½ χ²₀.₉₇₅(2n + 2) a² / (6 N t),  n = 6 N t D_fit / a²,

with N ions and a run of length t. The interval of the slope holds what this count does not: ions
that go together, and motion that is no jump. The larger of the two is the limit.
"""

from __future__ import annotations

from scipy import stats

CM2_S_PER_A2_PS = 1e-4
"""1 Å²/ps in cm²/s."""

CONFIDENCE = 0.975
"""Of the limit: the upper end of a two-sided interval of 95 %."""


def d_of_one_jump(n_ions: int, duration_ps: float, hop_angstrom: float) -> float:
    """Return D, cm²/s, of ions of which one makes one jump in a run.

    Args:
        n_ions: number of ions.
        duration_ps: length of the run, ps.
        hop_angstrom: length of a jump between sites, Å.
    """
    return hop_angstrom**2 / (6.0 * n_ions * duration_ps) * CM2_S_PER_A2_PS


def jump_limit(d_cm2_s: float, one_jump_cm2_s: float) -> float:
    """Return the largest D, cm²/s, at which a run may well show as few jumps as it does.

    Args:
        d_cm2_s: D that the slope of the MSD gives, cm²/s; a negative one counts as no jump.
        one_jump_cm2_s: D that one jump in the run makes, cm²/s (``d_of_one_jump``).
    """
    seen = max(d_cm2_s, 0.0) / one_jump_cm2_s
    return float(0.5 * stats.chi2.ppf(CONFIDENCE, 2.0 * (seen + 1.0))) * one_jump_cm2_s
