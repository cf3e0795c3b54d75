"""Numbers of the calibration; written by ``benchmarks/fit_calibration.py``, not by hand.

Fitted 2026-11-26 by ``python benchmarks/fit_calibration.py --cache FOLDER --write``.
Cations: NEB barriers compiled by Devi et al., arXiv:2508.06459, E_1D of the empty lattice.
Anions: ``benchmarks/data/anion_mobility.csv``, E_3D of the mechanism; mobility from
47 anions. Energies in eV, covariance of intercept and slope as (aa, ab, bb).
"""

from typing import Any

BARRIERS: dict[str, dict[str, dict[str, Any]]] = {
    "cation empty_lattice": {
        "pooled": {
            "intercept_ev": 0.022702,
            "slope": 0.5787,
            "power": 0.5,
            "covariance": (0.0047737, -0.00452223, 0.00475975),
            "scatter_ev": 0.394998,
            "count": 327,
            "freedom": 325,
            "lowest_ev": 0.111114,
            "highest_ev": 2.94777,
        },
        "Li+": {
            "intercept_ev": 0.0524711,
            "slope": 0.397631,
            "power": 0.5,
            "covariance": (0.0112137, -0.0137979, 0.0184394),
            "scatter_ev": 0.268329,
            "count": 81,
            "freedom": 79,
            "lowest_ev": 0.118627,
            "highest_ev": 2.71641,
        },
        "Na+": {
            "intercept_ev": -0.196948,
            "slope": 0.763177,
            "power": 0.5,
            "covariance": (0.0370066, -0.0334555, 0.0327774),
            "scatter_ev": 0.396534,
            "count": 55,
            "freedom": 53,
            "lowest_ev": 0.111114,
            "highest_ev": 2.67021,
        },
        "multivalent cation": {
            "intercept_ev": 0.0904298,
            "slope": 0.620851,
            "power": 0.5,
            "covariance": (0.0120807, -0.0110575, 0.0111259),
            "scatter_ev": 0.426872,
            "count": 167,
            "freedom": 165,
            "lowest_ev": 0.252889,
            "highest_ev": 2.94777,
        },
    },
    "anion vacancy": {
        "pooled": {
            "intercept_ev": 0.111137,
            "slope": 1.0,
            "power": 1.0,
            "covariance": (0.0067439, 0.0, 0.0),
            "scatter_ev": 0.318054,
            "count": 15,
            "freedom": 14,
            "lowest_ev": 0.0,
            "highest_ev": 2.2393,
        },
    },
}

MOBILITY: dict[str, dict[str, float]] = {
    "vacancy": {
        "intercept": 3.41919,
        "slope": -4.86541,
        "bound_slope": -2.56797,
    },
    "empty_lattice": {
        "intercept": 2.60508,
        "slope": -3.29826,
        "bound_slope": -2.28241,
    },
}
