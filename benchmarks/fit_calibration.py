"""Fit calibrated barriers and the mobility of anions; write ``screening/calibration_table.py``.

Cations: E_1D (empty lattice, refined) against the lowest published NEB barrier of each compound
(``literature_neb_5images_train.json.gz``, Devi et al., arXiv:2508.06459). Anions: E_3D by the vacancy
mechanism of the preset ``dualion`` and by the published recipe, against ``data/anion_mobility.csv``.
A class of its own needs ``CLASS_COUNT`` compounds and a slope above 0; else the pooled line serves.
Reported by cross-validation over compounds: errors of the raw barrier, the calibrated one and a
constant, coverage of the interval, AUC of the mobility model against the raw barrier.

    python benchmarks/fit_calibration.py --cache FOLDER [--date YYYY-MM-DD] [--write]
"""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from _anion_labels import Anion, measured
from _neb_barriers import neb_rows
from anion_mobility import METHODS, auc
from scipy.optimize import minimize
from scipy.special import stdtrit

from dualion.screening.calibration import (
    COVERAGE,
    POOLED,
    BarrierCalibration,
    MobilityModel,
    capped_root,
    ion_class,
)

CATIONS = ("Li", "Na", "K", "Mg", "Ca", "Zn")
LARGEST_EV = 3.0
"""Hops beyond this, by either number, belong to no path of conduction."""
CLASS_COUNT = 25
FOLDS = 5
REPEATS = 20
SEED = 1
RIDGE = 1.0
"""Strength of the ridge on standardised slopes; one standard unit is the usual prior."""
OF_MECHANISM = {
    "vacancy": "vacancy, relaxing, softBV between anions",
    "empty_lattice": "published: empty lattice, covalent radii",
}
TABLE = Path(__file__).resolve().parents[1] / "screening" / "calibration_table.py"


def fit_saturating(raw, known) -> BarrierCalibration:
    """Least squares of the known barrier over the root of the raw one."""
    design = np.column_stack([np.ones(len(raw)), np.sqrt(raw)])
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ known
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    scatter = _scatter(known - design @ coefficients, leverage, 2)
    (aa, ab), (_, bb) = (scatter**2 * inverse).tolist()
    intercept, slope = coefficients.tolist()
    return _calibration(raw, intercept, slope, 0.5, (aa, ab, bb), scatter, len(raw) - 2)


def fit_shift(raw, known) -> BarrierCalibration:
    """The mean difference of known and raw barriers."""
    shift = float(np.mean(known - raw))
    scatter = _scatter(known - raw - shift, np.full(len(raw), 1.0 / len(raw)), 1)
    covariance = (scatter**2 / len(raw), 0.0, 0.0)
    return _calibration(raw, shift, 1.0, 1.0, covariance, scatter, len(raw) - 1)


def _scatter(residuals, leverage, parameters) -> float:
    """Standard deviation of the residuals, widened until the intervals hold what is left out.

    The k-th smallest residual with its own barrier left out, k = ceil(0.9 (n + 1)), takes the place
    of the normal quantile where the tails are heavy (the jackknife of conformal prediction; Lei et
    al., J. Am. Stat. Assoc. 113, 1094 (2018), 10.1080/01621459.2017.1307116).
    """
    count = len(residuals)
    usual = math.sqrt(float(residuals @ residuals) / (count - parameters))
    left_out = np.sort(np.abs(residuals / (1.0 - leverage)) / np.sqrt(1.0 + leverage))
    rank = min(math.ceil(COVERAGE * (count + 1)), count)
    student = float(stdtrit(count - parameters, (1.0 + COVERAGE) / 2.0))
    return max(usual, float(left_out[rank - 1]) / student)


def _calibration(raw, intercept, slope, power, covariance, scatter, freedom):
    return BarrierCalibration(
        intercept_ev=intercept,
        slope=slope,
        power=power,
        covariance=covariance,
        scatter_ev=scatter,
        count=len(raw),
        freedom=freedom,
        lowest_ev=float(min(raw)),
        highest_ev=float(max(raw)),
    )


def fit_mobility(roots, bound, mobile) -> MobilityModel:
    """Logistic regression with a ridge on standardised slopes."""
    features = np.column_stack([roots, bound]).astype(float)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread == 0.0] = 1.0
    scaled = (features - mean) / spread
    sign = np.where(mobile, 1.0, -1.0)

    def loss(weights):
        logits = weights[0] + scaled @ weights[1:]
        return np.logaddexp(0.0, -sign * logits).sum() + RIDGE / 2.0 * weights[1:] @ weights[1:]

    weights = minimize(loss, np.zeros(3), method="BFGS").x
    slopes = weights[1:] / spread
    return MobilityModel(
        intercept=float(weights[0] - slopes @ mean),
        slope=float(slopes[0]),
        bound_slope=float(slopes[1]),
    )


def cation_pairs(cache: Path):
    """Class, raw E_1D and the lowest NEB barrier of each compound, eV; what was left out."""
    lowest: dict[tuple[str, str], dict] = {}
    rows = neb_rows(cache, cations=CATIONS, limit=10_000)
    usable = [row for row in rows if "refined_ev" in row]
    for row in usable:
        compound = (re.sub(r"_\d+$", "", row["system"]), row["cation"])
        if compound not in lowest or row["neb_ev"] < lowest[compound]["neb_ev"]:
            lowest[compound] = row
    kept = [r for r in lowest.values() if max(r["refined_ev"][0], r["neb_ev"]) <= LARGEST_EV]
    print(f"{len(rows)} NEB rows, {len(usable)} with a barrier, {len(lowest)} compounds, "
          f"{len(kept)} with both barriers of {LARGEST_EV:g} eV or less")  # fmt: skip
    classes = [
        ion_class(f"{row['cation']}{'' if row['charge'] == 1 else round(row['charge'])}+")
        for row in kept
    ]
    raw, known = (np.array(v) for v in zip(*((r["refined_ev"][0], r["neb_ev"]) for r in kept),
                                           strict=True))  # fmt: skip
    return np.array(classes), raw, known


def fit_classes(classes, raw, known, fit_line=fit_saturating) -> dict[str, BarrierCalibration]:
    """The pooled line and one for every class with enough compounds."""
    fits = {POOLED: fit_line(raw, known)}
    for name in sorted(set(classes)):
        mine = classes == name
        if mine.sum() >= CLASS_COUNT and (fit := fit_line(raw[mine], known[mine])).slope > 0.0:
            fits[name] = fit
    return fits


def folds(count, repeat):
    """Index arrays of the held-out compounds."""
    order = np.random.default_rng([SEED, repeat]).permutation(count)
    return np.array_split(order, FOLDS)


def held_out(classes, raw, known, fit_line):
    """Errors by repeated cross-validation: raw, calibrated, constant of the class; coverage.

    A barrier outside the range of the fit has no calibrated value and counts nowhere.
    """
    errors = {"raw": [], "calibrated": [], "constant": []}
    inside, of_class = [], []
    for repeat in range(REPEATS):
        for out in folds(len(raw), repeat):
            kept = np.setdiff1d(np.arange(len(raw)), out)
            fits = fit_classes(classes[kept], raw[kept], known[kept], fit_line)
            for i in out:
                fit = fits.get(classes[i], fits[POOLED])
                found = fit.barrier(raw[i])
                if found is None:
                    continue
                same = classes[kept] == classes[i]
                constant = np.median(known[kept][same] if same.any() else known[kept])
                errors["raw"].append(abs(raw[i] - known[i]))
                errors["calibrated"].append(abs(found.value_ev - known[i]))
                errors["constant"].append(abs(constant - known[i]))
                inside.append(found.low_ev <= known[i] <= found.high_ev)
                of_class.append(classes[i])
    return {k: np.array(v) for k, v in errors.items()}, np.array(inside), np.array(of_class)


def print_held_out(title, classes, raw, known, fit_line=fit_saturating) -> None:
    errors, inside, of_class = held_out(classes, raw, known, fit_line)
    print(f"\n{title}\n\n| class | n | raw | calibrated | constant | held in 90 % interval |")
    print("|---|---|---|---|---|---|")
    for name in ("all", *sorted(set(classes))):
        mine = (of_class == name) | (name == "all")
        numbers = [f"{errors[k][mine].mean():.2f}" for k in errors]
        n = mine.sum() / REPEATS
        print(f"| {name} | {n:.1f} | {' | '.join(numbers)} | {inside[mine].mean():.2f} |")


def print_mobility(anions: list[Anion], mechanism: str) -> None:
    """AUC of the raw barrier and, out of fold, of the model."""
    raw = np.array([a.barriers_ev[OF_MECHANISM[mechanism]][2] for a in anions])
    roots = np.array([capped_root(value) for value in raw])
    bound, mobile = (np.array([getattr(a, k) for a in anions]) for k in ("bound", "mobile"))
    found, losses = [], []
    for repeat in range(REPEATS):
        chance = np.zeros(len(anions))
        for out in folds(len(anions), repeat):
            kept = np.setdiff1d(np.arange(len(anions)), out)
            model = fit_mobility(roots[kept], bound[kept], mobile[kept])
            chance[out] = [model.probability(raw[i], float(bound[i])) for i in out]
        found.append(auc(-chance, mobile))
        losses.append(float(np.mean((chance - mobile) ** 2)))
    base = float(mobile.mean() * (1.0 - mobile.mean()))
    print(f"{mechanism}: n {len(anions)}, AUC raw {auc(raw, mobile):.2f}, model out of fold "
          f"{np.mean(found):.2f} ± {np.std(found):.2f}; Brier {np.mean(losses):.3f}, constant "
          f"{base:.3f}")  # fmt: skip


def anion_fits(anions: list[Anion]):
    """Calibrations and mobility models by mechanism.

    No line is kept for the published recipe: its errors exceed those of a constant.
    """
    barriers, mobility = {}, {}
    has = [a for a in anions if math.isfinite(a.activation_ev)]
    for mechanism, method in OF_MECHANISM.items():
        raw = np.array([a.barriers_ev[method][2] for a in has])
        known = np.array([a.activation_ev for a in has])
        classes = np.array([_class_of(a) for a in has])
        for form in (fit_saturating, fit_shift):
            title = f"Anions, {mechanism}, {form.__name__}: error by cross-validation, eV"
            print_held_out(title, classes, raw, known, form)
        if mechanism == "vacancy":
            barriers[f"anion {mechanism}"] = fit_classes(classes, raw, known, fit_shift)
        for title, chosen in (("all", anions), ("looked at", [a for a in anions if a.reported])):
            print(f"\nmobility, {title}: ", end="")
            print_mobility(chosen, mechanism)
        mobility[mechanism] = fit_mobility(
            np.array([capped_root(a.barriers_ev[method][2]) for a in anions]),
            np.array([a.bound for a in anions]),
            np.array([a.mobile for a in anions]),
        )
    return barriers, mobility


def _class_of(anion: Anion) -> str:
    return ion_class(f"{anion.element}-")


def table_text(barriers, mobility, date: str, anion_count: int) -> str:
    """The Python file with the numbers and where they come from."""
    lines = [
        '"""Numbers of the calibration; written by ``benchmarks/fit_calibration.py``, not by hand.',
        "",
        f"Fitted {date} by ``python benchmarks/fit_calibration.py --cache FOLDER --write``.",
        "Cations: NEB barriers compiled by Devi et al., arXiv:2508.06459, E_1D of the empty lattice.",
        "Anions: ``benchmarks/data/anion_mobility.csv``, E_3D of the mechanism; mobility from",
        f"{anion_count} anions. Energies in eV, covariance of intercept and slope as (aa, ab, bb).",
        '"""',
        "",
        "from typing import Any",
        "",
        "BARRIERS: dict[str, dict[str, dict[str, Any]]] = {",
    ]
    for key, fits in barriers.items():
        lines.append(f'    "{key}": {{')
        for name, fit in fits.items():
            lines += [f'        "{name}": {{',
                      *(f'            "{k}": {_rounded(v)},' for k, v in asdict(fit).items()),
                      "        },"]  # fmt: skip
        lines.append("    },")
    lines += ["}", "", "MOBILITY: dict[str, dict[str, float]] = {"]
    for mechanism, model in mobility.items():
        lines += [f'    "{mechanism}": {{',
                  *(f'        "{k}": {_rounded(v)},' for k, v in asdict(model).items()),
                  "    },"]  # fmt: skip
    return "\n".join([*lines, "}", ""])


def _rounded(value):
    if isinstance(value, tuple):
        return tuple(_rounded(v) for v in value)
    return value if isinstance(value, int) else float(f"{value:.6g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps the barriers")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat())
    parser.add_argument("--write", action="store_true", help="write the table of the package")
    asked = parser.parse_args()
    classes, raw, known = cation_pairs(asked.cache / "neb.jsonl")
    print_held_out("Cations: error by cross-validation over compounds, eV", classes, raw, known)
    anions = measured("sourced", METHODS, asked.cache / "anions.json")
    barriers, mobility = anion_fits(anions)
    barriers = {"cation empty_lattice": fit_classes(classes, raw, known), **barriers}
    text = table_text(barriers, mobility, asked.date, len(anions))
    if asked.write:
        TABLE.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
