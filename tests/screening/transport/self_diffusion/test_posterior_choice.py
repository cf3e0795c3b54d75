"""Which posterior gives D."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.self_diffusion import posterior_choice
from dualion.screening.transport.self_diffusion.coefficient import diffusion
from dualion.screening.transport.self_diffusion.kinisi_posterior import Posterior
from dualion.screening.transport.self_diffusion.posterior_choice import (
    check_posterior,
    choose_posterior,
    kinisi_fits,
)
from dualion.structures.errors import InputError, MissingDependencyError


def test_the_posterior_that_is_chosen_gives_the_number_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sharp = diffusion(
        np.cumsum(np.random.default_rng(7).normal(scale=0.3, size=(500, 200, 3)), axis=0), 0.1
    )
    other = Posterior(d_cm2_s=4.4e-5, error_cm2_s=1e-6, low_cm2_s=4.2e-5, high_cm2_s=4.6e-5)
    monkeypatch.setattr(posterior_choice, "has_kinisi", lambda: True)
    monkeypatch.setattr(posterior_choice, "kinisi_posterior", lambda *_: (other,))
    own = np.zeros((2, 1, 3))
    assert kinisi_fits(sharp)
    edge = replace(sharp, inflation=1.5, error_cm2_s=0.05 * sharp.d_cm2_s)
    assert kinisi_fits(edge)
    chosen, second = choose_posterior(sharp, own, 0.1, AnalysisOptions())
    assert (chosen.posterior, chosen.d_cm2_s, chosen.low_cm2_s) == ("kinisi", 4.4e-5, 4.2e-5)
    assert second == (other,)
    for doubtful in (
        replace(sharp, inflation=3.0),
        replace(sharp, error_cm2_s=0.2 * sharp.d_cm2_s),
    ):
        kept, second = choose_posterior(doubtful, own, 0.1, AnalysisOptions())
        assert (kept, second) == (doubtful, (other,))
        named, _ = choose_posterior(doubtful, own, 0.1, AnalysisOptions(posterior="kinisi"))
        assert named.posterior == "kinisi"
    unresolved = replace(sharp, verdict="not resolved")
    asked = AnalysisOptions(posterior="kinisi")
    assert choose_posterior(unresolved, own, 0.1, asked) == (unresolved, ())
    closed, second = choose_posterior(sharp, own, 0.1, AnalysisOptions(posterior="closed form"))
    assert (closed, second) == (sharp, ())
    monkeypatch.setattr(posterior_choice, "has_kinisi", lambda: False)
    assert choose_posterior(sharp, own, 0.1, AnalysisOptions()) == (sharp, ())
    with pytest.raises(MissingDependencyError, match="closed form"):
        check_posterior(AnalysisOptions(posterior="kinisi"))
    with pytest.raises(InputError, match="choose from auto"):
        check_posterior(AnalysisOptions(posterior="bayes"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ((), "kinisi_out_of_range"),
        ((7.9e16, 1e17), "kinisi_disagrees"),
        ((4.5e-5 / 3.1, 1e-6), "kinisi_disagrees"),
    ],
)
def test_a_posterior_far_from_the_closed_form_is_withheld_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, given: tuple[float, ...], flag: str
) -> None:
    walk = np.cumsum(np.random.default_rng(7).normal(scale=0.3, size=(500, 200, 3)), axis=0)
    found = replace(diffusion(walk, 0.1), d_cm2_s=4.5e-5)
    made = [
        Posterior(d_cm2_s=d, error_cm2_s=e, low_cm2_s=0.0, high_cm2_s=d)
        for d, e in zip(given[::2], given[1::2], strict=True)
    ]
    monkeypatch.setattr(posterior_choice, "has_kinisi", lambda: True)
    monkeypatch.setattr(posterior_choice, "kinisi_posterior", lambda *_: tuple(made))
    kept, second = choose_posterior(found, walk, 0.1, AnalysisOptions(posterior="kinisi"))
    assert (kept.d_cm2_s, kept.posterior, second) == (4.5e-5, "closed form", ())
    assert flag in kept.flags


def fitting(verdict: str = "diffusing", error: float = 0.05, inflation: float = 1.5) -> bool:
    walk = np.cumsum(np.random.default_rng(7).normal(scale=0.3, size=(100, 20, 3)), axis=0)
    found = replace(
        diffusion(walk, 0.1), d_cm2_s=1.0, error_cm2_s=error, inflation=inflation, verdict=verdict
    )
    return kinisi_fits(found)


def test_kinisi_fits_well_known_independent_ions_that_diffuse() -> None:
    assert fitting()
    assert not fitting(verdict="not resolved")
    assert not fitting(error=0.051)
    assert not fitting(inflation=1.51)


@pytest.mark.parametrize(
    ("ratio", "kept"), [(2.99, True), (3.01, False), (1.0 / 2.99, True), (1.0 / 3.01, False)]
)
def test_posteriors_within_a_factor_of_three_agree(
    monkeypatch: pytest.MonkeyPatch, ratio: float, kept: bool
) -> None:
    walk = np.cumsum(np.random.default_rng(7).normal(scale=0.3, size=(500, 200, 3)), axis=0)
    found = replace(diffusion(walk, 0.1), d_cm2_s=1.0, window_ps=(0.7, 2.8))
    made = Posterior(d_cm2_s=ratio, error_cm2_s=0.01, low_cm2_s=0.5 * ratio, high_cm2_s=2.0 * ratio)
    asked = []
    monkeypatch.setattr(posterior_choice, "has_kinisi", lambda: True)
    monkeypatch.setattr(
        posterior_choice, "kinisi_posterior", lambda *given: asked.append(given[1:]) or (made,)
    )
    options = AnalysisOptions(posterior="kinisi")
    chosen, second = choose_posterior(found, walk, 0.1, options)
    assert asked == [(0.1, 0.7)]
    assert (chosen.d_cm2_s == ratio) is kept
    assert second == ((made,) if kept else ())
    if kept:
        assert (chosen.error_cm2_s, chosen.high_cm2_s) == (0.01, 2.0 * ratio)
    without = AnalysisOptions(with_kinisi=False)
    assert choose_posterior(found, walk, 0.1, without) == (found, ())


def test_a_posterior_that_cannot_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior_choice, "has_kinisi", lambda: True)
    check_posterior(AnalysisOptions(posterior="kinisi"))
    check_posterior(AnalysisOptions(posterior="closed form", with_kinisi=False))
    with pytest.raises(InputError, match="not to be called"):
        check_posterior(AnalysisOptions(posterior="kinisi", with_kinisi=False))
    monkeypatch.setattr(posterior_choice, "has_kinisi", lambda: False)
    check_posterior(AnalysisOptions())
