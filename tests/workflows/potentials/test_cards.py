"""Cards: complete, findable by name, and the same in the documentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.lj import LennardJones
from queue_samples import Wells

from dualion.structures.errors import InputError
from dualion.workflows.potentials.batch import BatchNotFiniteError, require_finite, supports
from dualion.workflows.potentials.cards import CARDS, mptrj_elements
from dualion.workflows.potentials.examine import examine_potentials, ps_per_day
from dualion.workflows.potentials.load import is_calculator, make_calculator
from dualion.workflows.potentials.self_test import find_problem

PAGE = Path(__file__).resolve().parents[3] / "docs" / "potentials.md"


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
def test_a_card_is_complete_and_stands_in_the_documentation(card) -> None:
    assert all((card.title, card.package, card.module, card.training, card.functional))
    assert card.doi.startswith("10.") and card.licence and card.install.startswith("pip install")
    assert 1e-4 < card.s_per_atom < 1.0
    (row,) = (line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{card.name}`"))
    assert f"https://doi.org/{card.doi}" in row
    assert all(fact in row for fact in (card.title, card.training, card.functional, card.licence))
    if card.measured:
        assert f"| {1e3 * card.s_per_atom:g} |" in row


def test_names_are_cards_or_classes() -> None:
    assert all(is_calculator(name) for name in (*CARDS, "ase.calculators.emt:EMT"))
    wrong = ("7net-mf-0", "7net-mf-0:pbesol", "chgnett", "a b:C", ":C", "a:", "")
    assert not any(is_calculator(name) for name in wrong)
    with pytest.raises(InputError, match="did you mean '7net-mf-0:pbe'"):
        make_calculator("7net-mf-0:pbesol")


def test_the_elements_are_those_of_the_training_data() -> None:
    known = mptrj_elements()
    assert len(known) == 89 and {"H", "Li", "I", "Ac", "Pu"} <= set(known)
    assert CARDS["7net-0"].unknown_elements(("Li", "Rn", "Am")) == ("Rn", "Am")
    assert CARDS["mace"].unknown_elements(("Rn",)) == ()


def test_what_is_missing_is_said_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dualion.workflows.potentials.examine.find_packages", lambda packages: {})
    for one in examine_potentials():
        assert not one.usable and one.card.install in one.detail


def test_parameters_that_are_gone_are_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there = {card.module: {"folder": str(tmp_path), "version": "1"} for card in CARDS.values()}
    monkeypatch.setattr(
        "dualion.workflows.potentials.examine.find_packages", lambda packages: there
    )
    by_name = {one.card.name: one for one in examine_potentials()}
    assert not by_name["chgnet"].usable and "lacks its parameters" in by_name["chgnet"].detail
    assert by_name["mace"].usable and "--model-path" in by_name["mace"].detail
    weights = tmp_path / CARDS["chgnet"].weights
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert {one.card.name: one for one in examine_potentials()}["chgnet"].usable


def test_a_package_that_is_not_installed_gives_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not any(supports(name) for name in CARDS)


def test_time_of_a_call_and_ps_a_day() -> None:
    assert ps_per_day(1e-3, atoms=100, step_fs=2.0) == pytest.approx(1728.0)  # 0.1 s a step
    assert ps_per_day(1e-3, atoms=200, step_fs=1.0) == pytest.approx(432.0)


class Alone(LennardJones):
    """Lennard-Jones, or NaN."""

    spoilt = False

    def calculate(self, *given, **named):
        super().calculate(*given, **named)
        if self.spoilt:
            self.results = {key: value * np.nan for key, value in self.results.items()}


class Spoilt(Alone):
    spoilt = True


def test_nan_of_a_batch_is_told_from_that_of_a_cell() -> None:
    cell = bulk("Ar", a=5.3)
    sound, nan = (0.0, np.zeros((1, 3))), (0.0, np.full((1, 3), np.nan))
    require_finite("x", [cell, cell], [sound, sound], Alone)
    require_finite("x", [cell], [nan], Spoilt)  # the guards' part
    for wrong in (nan, (np.inf, np.zeros((1, 3)))):
        with pytest.raises(BatchNotFiniteError, match="finite ones for the same cell alone"):
            require_finite("x", [cell, cell], [sound, wrong], Alone)
    lost = cell.copy()
    lost.positions[0] = np.nan
    require_finite("x", [lost], [nan], Alone)


class WrongForces(LennardJones):
    """Forces that are not the slope of the energy."""

    def calculate(self, *given, **named):
        super().calculate(*given, **named)
        self.results["forces"] = 1.1 * self.results["forces"]


def soft(kind: type[LennardJones]) -> LennardJones:
    return kind(sigma=2.0, epsilon=0.1, rc=6.0, smooth=True)


def test_the_self_test_finds_forces_that_are_wrong() -> None:
    assert find_problem(soft(LennardJones)) == ""
    assert "9% off the slope of its energy" in find_problem(soft(WrongForces))
    assert "do not add up to zero" in find_problem(Wells())
    assert "not finite" in find_problem(Spoilt())
