"""How a screened structure shows itself: in a line, and as a table."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from dualion.screening.criterion import DaiCriterion, judge_pair
from dualion.screening.ions import MobileIon
from dualion.screening.screen_result import ScreenResult
from dualion.screening.triple import Triple

LITHIUM, OXIDE, IODIDE = MobileIon(3, 1.0), MobileIon(8, -2.0), MobileIon(53, -1.0)


def verdict_of(cation_ev, anion_ev):
    return judge_pair(cation_ev, anion_ev, DaiCriterion())


def pair(anion, cation_ev, anion_ev):
    return SimpleNamespace(
        cation=SimpleNamespace(ion=LITHIUM), anion=SimpleNamespace(ion=anion), cation_ev=cation_ev,
        anion_ev=anion_ev, verdict=verdict_of(cation_ev, anion_ev),
    )  # fmt: skip


def guest(cation_ev, anion_ev):
    in_place = SimpleNamespace(barriers_ev=anion_ev)
    return SimpleNamespace(
        cation=SimpleNamespace(ion=LITHIUM), guest=SimpleNamespace(guest=IODIDE, in_place=in_place),
        cation_ev=cation_ev, verdict=verdict_of(cation_ev, anion_ev),
    )  # fmt: skip


@pytest.fixture
def result(rock_salt):
    """Oxide fails by its ratio of 2.5, the guest passes at 1.25; three more could not be judged."""
    return ScreenResult(
        crystal=rock_salt,
        pairs=(pair(OXIDE, Triple(0.1, 0.2, 0.4), Triple(0.3, 0.6, 1.0)),),
        failures=(SimpleNamespace(), SimpleNamespace()),
        guests=(guest(Triple(0.1, 0.2, 0.4), Triple(0.2, 0.3, 0.5)),),
        guest_failures=(SimpleNamespace(),),
    )


def test_the_line_counts_pairs_and_guests(result):
    assert repr(result).endswith("2 judged, 3 failed, Li+/I- (guest) pass)")
    assert result.dai
    assert [verdict.dai for verdict in result.verdicts] == [False, True]
    alone = ScreenResult(crystal=result.crystal, pairs=result.pairs)
    assert repr(alone).endswith("1 judged, 0 failed, none passes)")
    assert not alone.dai
    good = pair(OXIDE, Triple(0.1, 0.2, 0.4), Triple(0.1, 0.2, 0.6))
    both = ScreenResult(crystal=result.crystal, pairs=(good, *result.pairs), guests=result.guests)
    assert repr(both).endswith("3 judged, 0 failed, Li+/O2-, Li+/I- (guest) pass)")


def test_the_table_has_a_row_of_three_dimensional_barriers_for_each(result):
    cells = re.findall(r"<td>(.*?)</td>", result._repr_html_())
    assert cells[:6] == ["Li+", "O2-", "0.400", "1.000", "2.50", "–"]
    assert cells[6:] == ["Li+", "I-", "0.400", "0.500", "1.25", "passes"]
