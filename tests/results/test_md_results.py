"""MD columns of a candidate: one cell alone, never a number without its error."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import pytest

from dualion.results.columns import MD
from dualion.results.md_results import (
    compare_runs,
    group_by_structure,
    md_columns,
    md_columns_of,
    results_of,
    runs_csv,
)
from dualion.results.store import MdRun
from dualion.screening.transport.arrhenius import BOLTZMANN_EV_K


def species(name: str, d: float | None, error: float | None, verdict: str) -> dict[str, Any]:
    return {
        "species": name,
        "n_ions": 32,
        "verdict": verdict,
        "d_cm2_s": d,
        "d_error_cm2_s": error,
        "n_eff": 80.0 if verdict == "diffusing" else 3.0,
        "flags": ["window_unconfirmed"],
    }


def run(
    cell: str, kelvin: float, found: list[dict[str, Any]], *, replica: int = 1, state: str = "done"
) -> MdRun:
    transport = {
        "species": found,
        "transport": [],
        "flags": ["short_run"],
        "n_frames": 101,
        "frame_step_ps": 0.05,
    }
    return MdRun(
        key=f"{cell}{kelvin:g}{replica}",
        structure_key="0123456789abcdef",
        source_id="LiI",
        formula="LiI",
        cation="Li+",
        anion="I-",
        cell=cell,
        engine="chgnet",
        temperature_k=kelvin,
        replica=replica,
        place="somewhere",
        spec={"protocol": {"name": "mlip"}},
        state=state,
        results=results_of(transport),
    )


STILL = [
    species("Li", 1e-7, 5e-8, "vibrating") | {"d_upper_cm2_s": 3e-7},
    species("I", None, None, "vibrating"),
]


def moving(d: float, error: float) -> list[dict[str, Any]]:
    return [species("Li", d, error, "diffusing"), species("I", None, None, "vibrating")]


def test_no_run_no_columns() -> None:
    empty = {column.key: None for column in MD}
    assert md_columns([], "Li+", "I-") == empty
    assert md_columns([run("perfect", 600.0, STILL, state="paused")], "Li+", "I-") == empty


def test_cells_are_never_mixed_and_the_one_that_moves_is_named() -> None:
    runs = [run("perfect", 600.0, STILL), run("schottky_Li1_I1", 600.0, moving(1e-5, 1e-6))]
    row = md_columns(runs, "Li+", "I-")
    assert (row["md_cell"], row["md_runs"], row["md_production_ps"]) == ("schottky_Li1_I1", 1, 5.0)
    assert (row["md_d_cation_cm2_s"], row["md_d_cation_error_cm2_s"]) == (1e-5, 1e-6)
    assert (row["md_verdict_cation"], row["md_verdict_anion"]) == ("diffusing", "vibrating")
    assert md_columns(runs[:1], "Li+", "I-")["md_cell"] == "perfect"
    both = [run("perfect", 600.0, moving(2e-5, 1e-6)), runs[1]]
    assert md_columns(both, "Li+", "I-")["md_d_cation_cm2_s"] == 2e-5  # of equals the perfect one


@pytest.mark.parametrize("ion", ["cation", "anion"])
def test_what_does_not_diffuse_has_a_verdict_and_no_d(ion: str) -> None:
    row = md_columns([run("perfect", 600.0, STILL)], "Li+", "I-")
    assert row[f"md_verdict_{ion}"] == "vibrating"
    assert row.get(f"md_d_{ion}_cm2_s") is None
    assert row.get(f"md_d_{ion}_error_cm2_s") is None


def test_replicas_are_combined_and_temperatures_give_an_activation_energy() -> None:
    def d(kelvin: float) -> float:
        return 1e-3 * math.exp(-0.3 / (BOLTZMANN_EV_K * kelvin))

    runs = [
        run("perfect", t, moving(d(t), d(t) / 10.0), replica=r)
        for t in (500.0, 650.0, 800.0)
        for r in (1, 2)
    ]
    row = md_columns(runs, "Li+", "I-")
    assert row["md_reference_k"] == 650.0 and row["md_temperatures_k"] == "500;650;800"
    assert row["md_d_cation_cm2_s"] == pytest.approx(d(650.0))
    assert row["md_d_cation_error_cm2_s"] == pytest.approx(d(650.0) / 10.0 / math.sqrt(2.0))
    assert row["md_ea_cation_ev"] == pytest.approx(0.3, abs=1e-6)
    assert 0.0 < float(row["md_ea_cation_error_ev"] or 0.0) < 0.05
    assert "md_ea_anion_ev" not in row
    assert row["md_flags"] == "short_run;window_unconfirmed"


def test_of_an_element_that_is_both_the_free_ions_count() -> None:
    found = [
        species("Li", 1e-5, 1e-6, "diffusing"),
        species("S(bound)", None, None, "rotating"),
        species("S(free)", 3e-6, 1e-6, "not resolved"),
    ]
    row = md_columns([run("perfect", 600.0, found)], "Li+", "S2-")
    assert row["md_verdict_anion"] == "not resolved"
    assert "md_d_anion_cm2_s" not in row


def test_an_unresolved_ion_has_a_limit_and_enters_no_activation_energy() -> None:
    fit = {"slope_angstrom2_ps": 0.06, "error_angstrom2_ps": 0.01, "low_angstrom2_ps": 0.04,
           "high_angstrom2_ps": 0.12}  # fmt: skip
    doubtful = species("Li", None, None, "not resolved") | {"msd_fit": fit, "d_upper_cm2_s": 2e-6}
    runs = [run("perfect", t, [doubtful]) for t in (500.0, 600.0, 700.0)]
    row = md_columns(runs, "Li+", "I-")
    assert row["md_d_cation_upper_cm2_s"] == pytest.approx(2e-6)
    assert not {"md_d_cation_cm2_s", "md_ea_cation_ev"} & set(row)
    one = run("perfect", 800.0, moving(1e-5, 1e-6))
    assert "md_ea_cation_ev" not in md_columns([*runs, one], "Li+", "I-")


def test_rows_find_their_runs_by_the_structure() -> None:
    by_structure = group_by_structure([run("perfect", 600.0, STILL)])
    row = {"key": "0123456789abcdef-Li+-I-", "cation": "Li+", "anion": "I-"}
    assert md_columns_of(row, by_structure)["md_cell"] == "perfect"
    assert md_columns_of({**row, "key": "f-Li+-I-"}, by_structure) == {}


def test_the_table_of_runs_has_a_row_for_each_ion_and_for_what_is_not_done() -> None:
    waiting = run("perfect", 700.0, STILL, state="failed")
    waiting = MdRun(**{n: getattr(waiting, n) for n in waiting.__slots__} | {"results": {}})
    rows = list(csv.DictReader(io.StringIO(runs_csv([run("perfect", 600.0, STILL), waiting]))))
    assert [row["species"] for row in rows] == ["Li", "I", ""]
    assert rows[0]["d_error_cm2_s"] == "" and rows[0]["d_upper_cm2_s"] == "3e-07"
    assert rows[0]["flags"] == "window_unconfirmed;short_run"
    assert (rows[2]["state"], rows[2]["production_ps"]) == ("failed", "")


def with_engine(engine: str, one: MdRun) -> MdRun:
    values = {name: getattr(one, name) for name in one.__slots__}
    return MdRun(**values | {"engine": engine, "key": f"{engine}{one.key}"})


LIMITED = [
    species("Li", None, None, "vibrating")
    | {"msd_fit": {"slope_angstrom2_ps": 0.0, "error_angstrom2_ps": 1e-3, "low_angstrom2_ps": 0.0,
                   "high_angstrom2_ps": 0.018}},
    species("I", None, None, "vibrating"),
]  # fmt: skip
"""The cation's limit is 3e-7 cm²/s."""


def both_engines(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[MdRun]:
    return [
        with_engine("7net-0", run("perfect", 600.0, first)),
        with_engine("chgnet", run("perfect", 600.0, second)),
    ]


def test_potentials_that_agree_are_named_and_raise_no_flag() -> None:
    row = md_columns(both_engines(moving(1e-5, 1e-6), moving(2.9e-5, 1e-6)), "Li+", "I-")
    assert (row["md_potentials"], row["md_agreement"]) == ("7net-0;chgnet", 1.0)
    assert "potentials_disagree" not in str(row["md_flags"])
    assert row["md_d_cation_cm2_s"] == 1e-5  # of equals that of the first


def test_potentials_that_contradict_each_other_raise_a_flag_and_the_cautious_one_counts() -> None:
    """One sees the cation diffuse at 1e-5, thirty times the limit of the other."""
    for runs in (
        both_engines(LIMITED, moving(1e-5, 1e-6)),
        both_engines(moving(1e-5, 1e-6), LIMITED),
    ):
        row = md_columns(runs, "Li+", "I-")
        assert row["md_agreement"] == 0.5  # the anion vibrates with both
        assert str(row["md_flags"]).endswith("potentials_disagree")
        assert (row["md_verdict_cation"], row.get("md_d_cation_cm2_s")) == ("vibrating", None)
        assert row["md_d_cation_upper_cm2_s"] == pytest.approx(3e-7)


def test_other_cells_temperatures_and_protocols_are_not_compared() -> None:
    one, other = both_engines(LIMITED, moving(1e-5, 1e-6))
    alone = [one, with_engine("chgnet", run("perfect", 700.0, STILL))]
    row = md_columns(alone, "Li+", "I-")
    assert (row["md_potentials"], row["md_agreement"]) == (None, None)
    elsewhere = with_engine("chgnet", run("schottky_Li1_I1", 600.0, STILL))
    assert md_columns([one, elsewhere], "Li+", "I-")["md_potentials"] is None
    assert md_columns([one], "Li+", "I-")["md_agreement"] is None
    assert compare_runs([one, other], "Li+", "I-")[0].agree is False
