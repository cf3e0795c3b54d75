"""MD columns of a candidate: one cell alone, never a number without its error."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import pytest

from dualion.results.columns import MD
from dualion.results.md.finished_runs import (
    compare_runs,
    group_by_structure,
    md_columns,
    md_columns_of,
    results_of,
    runs_csv,
    upper_of,
)
from dualion.results.md.species import diffusion_of, number_of
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


def test_the_store_keeps_what_a_row_needs_and_the_length_of_the_run() -> None:
    transport = {
        "species": [{"species": "Li", "van_hove": 1, "density_paths": 2, "density_barriers_ev": 3,
                     "hops": 4, "principal_axes": 5, "d_cm2_s": 6}],
        "transport": [7], "rotation": [8], "framework": "P", "extra": 9,
        "n_frames": 201, "frame_step_ps": 0.5,
    }  # fmt: skip
    assert results_of(transport) == {
        "species": [{"species": "Li", "d_cm2_s": 6}], "transport": [7],
        "transport_without_rotors": None, "rotation": [8], "flags": None, "framework": "P",
        "length_ps": 100.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "upper"),
    [
        ({"d_upper_cm2_s": 3e-7}, 3e-7),
        ({"d_high_cm2_s": 4e-7}, 4e-7),  # of older analyses
        ({"d_upper_cm2_s": 3e-7, "d_high_cm2_s": 4e-7}, 3e-7),
        ({"d_upper_cm2_s": "inf"}, None),
        ({"d_upper_cm2_s": math.inf}, None),
        ({"d_upper_cm2_s": None}, None),
        ({"d_upper_cm2_s": 0}, 0.0),
        ({}, None),
        ({"verdict": "diffusing", "d_upper_cm2_s": 3e-7}, None),
        ({"verdict": None, "d_upper_cm2_s": 3e-7}, None),
    ],
)
def test_an_ion_that_does_not_diffuse_has_a_limit(changes: dict[str, Any], upper) -> None:
    assert upper_of({"verdict": "vibrating"} | changes) == upper


def test_more_temperatures_then_more_time_decide_between_cells() -> None:
    def cell_of(*runs: MdRun) -> str:
        return md_columns(runs, "Li+", "I-")["md_cell"]

    short, other = run("a", 600.0, STILL), run("b", 600.0, STILL)
    both = run("b", 600.0, STILL, replica=2)
    assert cell_of(short, other, both) == cell_of(other, both, short) == "b"
    hot = run("a", 700.0, STILL)
    assert cell_of(short, hot, other, both) == cell_of(other, both, short, hot) == "a"
    assert cell_of(short, hot, other, both, run("perfect", 600.0, STILL)) == "perfect"
    one = run("c", 600.0, moving(1e-5, 1e-6))
    assert cell_of(run("perfect", 600.0, STILL), short, hot, one) == "c"
    broken = MdRun(**{n: getattr(one, n) for n in one.__slots__} | {"results": {}})
    assert cell_of(short, broken) == "a"


def test_the_reference_is_the_temperature_nearest_to_600_and_the_lower_of_equals() -> None:
    def reference(*kelvin: float) -> float:
        return md_columns([run("perfect", t, STILL) for t in kelvin], "Li+", "I-")["md_reference_k"]

    assert reference(500.0, 700.0) == reference(700.0, 500.0) == 500.0
    assert reference(400.0, 790.0) == 790.0
    assert reference(650.0, 580.0, 1000.0) == 580.0
    row = md_columns([run("perfect", t, STILL) for t in (700.0, 550.5)], "Li+", "I-")
    assert row["md_temperatures_k"] == "550.5;700"
    assert (row["md_engine"], row["md_runs"], row["md_production_ps"]) == ("chgnet", 2, 10.0)
    assert row["md_n_eff_cation"] == 3.0
    assert "md_d_anion_upper_cm2_s" not in row


def test_an_ion_that_is_not_there_has_no_columns() -> None:
    row = md_columns([run("perfect", 600.0, moving(1e-5, 1e-6))], "Li+", "Br-")
    assert row["md_verdict_anion"] is None
    assert not [key for key in row if key.startswith(("md_d_anion", "md_n_eff_anion"))]
    bound = [species("Li", 1e-5, 1e-6, "diffusing"), species("S(bound)", None, None, "rotating")]
    row = md_columns([run("perfect", 600.0, bound)], "Li+", "S2-")
    assert row["md_verdict_anion"] == "rotating"


def test_a_diffusion_is_read_back_with_its_unit() -> None:
    fit = {"slope_angstrom2_ps": 0.06, "error_angstrom2_ps": 0.012, "low_angstrom2_ps": None,
           "high_angstrom2_ps": 0.12}  # fmt: skip
    doubtful = species("Li", 9.0, 9.0, "not resolved") | {
        "msd_fit": fit, "window_start_ps": 1.0, "window_end_ps": 4.0, "log_slope": 0.9,
        "d_tensor_cm2_s": [[1.0, None, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, 3.0]],
    }  # fmt: skip
    found = diffusion_of(doubtful)
    assert (found.d_cm2_s, found.error_cm2_s) == (pytest.approx(1e-6), pytest.approx(2e-7))
    assert math.isnan(found.low_cm2_s) and found.high_cm2_s == pytest.approx(2e-6)
    assert (found.window_ps, found.log_slope, found.n_ions) == ((1.0, 4.0), 0.9, 32)
    assert math.isnan(found.tensor_cm2_s[0, 1]) and found.tensor_cm2_s[1, 0] == 0.5
    assert math.isnan(found.tensor_error_cm2_s[2, 2]) and math.isnan(found.inflation)
    assert found.flags == ("window_unconfirmed",)
    sure = diffusion_of(species("Li", 1e-5, 1e-6, "diffusing") | {"msd_fit": fit})
    assert (sure.d_cm2_s, sure.error_cm2_s) == (1e-5, 1e-6)
    old = diffusion_of(species("Li", 1e-5, 1e-6, "vibrating") | {"d_low_cm2_s": 1e-7})
    assert (old.d_cm2_s, old.low_cm2_s) == (1e-5, 1e-7)
    assert number_of({"a": 3}, "a") == 3.0 and math.isnan(number_of({"a": None}, "a"))


def test_a_row_of_runs_keeps_six_digits_and_flags_once() -> None:
    one = moving(1.23456789e-5, 1e-6)
    one[0]["flags"] = ["short_run", "window_unconfirmed"]
    (row, _) = csv.DictReader(io.StringIO(runs_csv([run("perfect", 600.0, one)])))
    assert row["d_cm2_s"] == "1.23457e-05"
    assert row["flags"] == "short_run;window_unconfirmed"
    assert (row["temperature_k"], row["production_ps"], row["protocol"]) == ("600", "5", "mlip")
    assert (row["cell"], row["engine"], row["replica"], row["state"]) == (
        "perfect", "chgnet", "1", "done",
    )  # fmt: skip
