"""Potentials whose parameters are in a wheel: their package's own numbers, alone and batched."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

import numpy as np
import pytest
from ase.build import bulk

from dualion.workflows.md.engines.ase_engine import limit_threads
from dualion.workflows.potentials.batch import make_model, supports
from dualion.workflows.potentials.cards import CARDS, mptrj_elements
from dualion.workflows.potentials.load import make_calculator
from dualion.workflows.potentials.self_test import run_self_test

pytestmark = [pytest.mark.mlip, pytest.mark.filterwarnings("ignore")]

IN_WHEELS = [name for name, card in CARDS.items() if not card.needs_file]
AGREE_EV_ANGSTROM = 1e-5


@pytest.fixture(autouse=True)
def one_thread() -> None:
    limit_threads(1)


@pytest.fixture(params=IN_WHEELS)
def name(request: pytest.FixtureRequest) -> str:
    card = CARDS[request.param]
    if importlib.util.find_spec(card.module) is None:
        pytest.skip(f"{card.package} is not installed: {card.install}")
    return card.name


def cells() -> list[Any]:
    """Three sizes and chemistries, one skewed, none at rest."""
    made = [
        bulk("LiI", "rocksalt", a=6.0, cubic=True),
        bulk("NaCl", "rocksalt", a=5.6).repeat((2, 1, 1)),
        bulk("MgO", "rocksalt", a=4.2).repeat((1, 2, 2)),
    ]
    for seed, cell in enumerate(made):
        cell.rattle(0.1, seed=seed)
    return made


def own_calculator(name: str) -> Any:
    """The calculator as the package's own documentation makes it."""
    if name.startswith("chgnet"):
        from chgnet.model import CHGNet
        from chgnet.model.dynamics import CHGNetCalculator

        version = "r2scan" if "r2scan" in name else "0.3.0"
        return CHGNetCalculator(
            CHGNet.load(model_name=version, verbose=False, use_device="cpu"), use_device="cpu"
        )
    from sevenn.calculator import SevenNetCalculator

    model, _, head = name.partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SevenNetCalculator(model, modal=head.upper() or None, device="cpu")


def test_alone_and_in_a_batch_it_is_the_package_s_own(name: str) -> None:
    calculator = make_calculator(name, device="cpu")
    assert supports(name)
    own = own_calculator(name)
    sample = cells()
    together = make_model(name, device="cpu", calculator=calculator)(sample)
    for cell, (energy, forces) in zip(sample, together, strict=True):
        alone, expected = cell.copy(), cell.copy()
        alone.calc, expected.calc = calculator, own
        assert np.abs(forces).max() > 0.1
        np.testing.assert_allclose(forces, alone.get_forces(), atol=AGREE_EV_ANGSTROM)
        np.testing.assert_allclose(forces, expected.get_forces(), atol=AGREE_EV_ANGSTROM)
        assert energy == pytest.approx(alone.get_potential_energy(), abs=1e-5 * len(cell))
        assert energy == pytest.approx(expected.get_potential_energy(), abs=1e-5 * len(cell))
        np.testing.assert_allclose(alone.get_stress(), expected.get_stress(), atol=1e-6)


def test_it_passes_its_self_test_and_knows_the_elements_of_its_card(name: str) -> None:
    result = run_self_test(name, device="cpu")
    assert result.passed, result.detail
    assert result.s_per_atom > 0.0
    calculator = make_calculator(name, device="cpu")
    if hasattr(calculator, "type_map"):  # CHGNet has a slot for every element up to 94
        from ase.data import chemical_symbols

        assert {chemical_symbols[z] for z in calculator.type_map} == set(mptrj_elements())
