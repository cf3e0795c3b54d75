"""What is withdrawn of collective transport, where the frame or vibrations alone make it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dualion.screening.transport.collective.onsager import Transport
from dualion.screening.transport.measured import UNKNOWN

FIXED_BY_MASSES = "numbers_fixed_by_masses"
FIXED_BY_FRAME = "numbers_fixed_by_frame"
NOTHING_DIFFUSES = "nothing_diffuses"


def withdraw_numbers(found: Transport, *flags: str) -> Transport:
    """Withdraw the transport numbers, for the reasons that the flags name.

    σ_ij, in the frame that the result names, and the Nernst–Einstein shares stay.
    """
    return replace(
        found,
        numbers=(UNKNOWN,) * len(found.numbers),
        cation_number=UNKNOWN,
        anion_number=UNKNOWN,
        flags=(*found.flags, *flags),
    )


def withdraw_motion(found: Transport) -> Transport:
    """Withdraw what is left where no group is known to diffuse: the path of bound charges.

    Of the conductivity the limit stays: the upper end of its interval, or that of Nernst–Einstein
    where it is larger, for the slope knows nothing of jumps that the run was too short to see.
    """
    sigma, unknown = found.conductivity_s_cm, np.full_like(found.onsager_s_cm, np.nan)
    limit = max(sigma.high, found.nernst_einstein_s_cm.high)
    return replace(
        withdraw_numbers(found),
        conductivity_s_cm=replace(sigma, error=np.inf, low=min(sigma.low, 0.0), high=limit),
        onsager_s_cm=unknown,
        onsager_error_s_cm=np.full_like(unknown, np.inf),
        haven_ratio=UNKNOWN,
        flags=(*found.flags, NOTHING_DIFFUSES),
    )
