"""Conventions of barriers: what is refused, and grids and qualities without a field."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.barrier_types import BarrierOptions, IonBarriers, KnownBarriers
from dualion.screening.barriers import recalled_barriers
from dualion.screening.bvse import bvlain_engine
from dualion.screening.bvse.bvlain_engine import bvlain_barriers
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import preset
from dualion.screening.ions import MobileIon
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.errors import InputError, StructureError, UnpreparableStructureError

LITHIUM, CHLORIDE = MobileIon(3, 1.0), MobileIon(17, -1.0)
KNOWN = KnownBarriers(
    barriers_ev=(0.1, 0.2, 0.3), from_region_ev=(0.1, 0.1, 0.2), refined_ev=(0.1, 0.2, math.inf),
    rigid_ev=(0.4, 0.5, 0.6),
)  # fmt: skip


def test_a_cut_is_above_zero():
    assert BarrierOptions(cut_ev=0.5).cut_ev == 0.5
    with pytest.raises(InputError, match="above 0 eV"):
        BarrierOptions(cut_ev=0.0)
    with pytest.raises(InputError, match="no engine 'peer'"):
        BarrierOptions(engine="peer")


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        ({}, (30, 60, 36)),  # at most 0.2 Å apart, even and smooth: 26 and 58 are not
        ({"spacing_angstrom": 0.5}, (12, 24, 16)),
        ({"engine": "bvlain", "spacing_angstrom": 0.5}, (9, 22, 13)),
        ({"mechanism": "vacancy"}, ()),
        ({"mechanism": "interstitial"}, (30, 60, 36)),
    ],
)
def test_recalled_barriers_are_told_with_their_grid(change, shape):
    crystal = ionic(np.diag([5.1, 11.6, 7.1]), [[0, 0, 0], [0.5, 0.5, 0.5]], [3, 17], [1, -1])
    options = BarrierOptions(**change)
    found = recalled_barriers(crystal, LITHIUM, options, KNOWN)
    assert found.shape == shape
    assert found.mechanism == options.mechanism
    assert (found.barriers_ev, found.refined_ev) == (KNOWN.barriers_ev, KNOWN.refined_ev)
    assert (found.from_region_ev, found.rigid_ev) == (KNOWN.from_region_ev, KNOWN.rigid_ev)
    assert found.quality is ParameterQuality.TABULATED


@pytest.mark.parametrize(
    ("mechanism", "quality"),
    [
        ("empty_lattice", ParameterQuality.TABULATED),
        ("vacancy", ParameterQuality.ESTIMATED),
        ("interstitial", ParameterQuality.ESTIMATED),
    ],
)
def test_own_ions_of_the_other_sign_count_where_the_sublattice_stays(mechanism, quality):
    """Cl⁻ beside Cl⁷⁺, of which no pair is tabulated; all chlorine leaves an empty lattice."""
    crystal = ionic(
        6.0 * np.eye(3), [[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0.5]], [3, 17, 17], [1, -1, 7]
    )
    options = BarrierOptions(mechanism=mechanism)
    assert recalled_barriers(crystal, CHLORIDE, options, KNOWN).quality is quality


def test_judged_barriers_are_the_grid_s_where_none_is_refined():
    found = IonBarriers(
        ion=LITHIUM, barriers_ev=(0.1, 0.2, 0.3), from_region_ev=(0.0,) * 3,
        refined_ev=(0.15, math.nan, math.inf), quality=ParameterQuality.TABULATED, shape=(4, 4, 4),
    )  # fmt: skip
    assert found.judged_ev("grid") == (0.1, 0.2, 0.3)
    assert found.judged_ev("refined") == (0.15, 0.2, math.inf)


@pytest.mark.parametrize(
    ("change", "ion", "error"),
    [
        ({"occupancies": np.array([1.0, 0.5])}, LITHIUM, UnpreparableStructureError),
        ({"charges": np.array([1.0, -1.001])}, LITHIUM, UnpreparableStructureError),
        ({}, MobileIon(3, 0.999), UnpreparableStructureError),
        ({}, LITHIUM, None),
    ],
)
def test_bvlain_takes_ordered_crystals_of_integer_charges(monkeypatch, change, ion, error):
    class LoadedError(Exception):
        """bvlain was asked."""

    def loaded(_):
        raise LoadedError

    monkeypatch.setattr(bvlain_engine, "_loaded", loaded)
    crystal = ionic(5.0 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [3, 17], [1, -1])
    with pytest.raises(error or LoadedError) as refused:
        bvlain_barriers(replace(crystal, **change), ion, BarrierOptions())
    if error is not None:
        assert isinstance(refused.value, StructureError)
        assert refused.value.reason == "engine_cannot"
    with pytest.raises(InputError, match=r"Morse prefactor than 0\.5"):
        bvlain_barriers(crystal, ion, BarrierOptions(potential=preset("full_depth")))


def test_options_of_a_screening_are_checked_at_once():
    with pytest.raises(InputError, match="at least one mobile cation"):
        ScreenOptions(cations=())
    with pytest.raises(InputError, match="Qq"):
        ScreenOptions(cations=("Qq",))
    with pytest.raises(InputError, match="Qq"):
        ScreenOptions(anions=("Qq",))
    with pytest.raises(InputError, match="not as 'none'"):
        ScreenOptions(disorder="none")
    with pytest.raises(InputError, match="not of 'both'"):
        ScreenOptions(judged="both")
