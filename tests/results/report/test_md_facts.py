"""What the page says of a row's molecular dynamics: two digits of error, limits as limits."""

from __future__ import annotations

from dualion.results.report.md_facts import md_facts

ROW = {
    "cation": "Li+", "anion": "I-", "md_engine": "chgnet", "md_cell": "schottky_Li1_I1",
    "md_temperatures_k": "600;700", "md_reference_k": 600.0, "md_runs": 2,
    "md_production_ps": 200.0, "md_verdict_cation": "diffusing", "md_d_cation_cm2_s": 1.23456e-6,
    "md_d_cation_error_cm2_s": 2.1987e-7, "md_n_eff_cation": 81.52,
    "md_ea_cation_ev": 0.31234, "md_ea_cation_error_ev": 0.02345, "md_verdict_anion": "vibrating",
    "md_d_anion_upper_cm2_s": 4.111e-8, "md_flags": "short_run;molten",
}  # fmt: skip


def test_each_number_has_two_digits_of_error_and_a_limit_is_a_limit() -> None:
    assert md_facts(ROW) == [
        ("MD engine", "chgnet"),
        ("MD cell", "schottky Li1 I1"),
        ("MD temperatures", "600, 700 K"),
        ("MD runs", "2, 200 ps together"),
        ("Li+ at 600 K", "diffusing, D = (1.23 ± 0.22)e-6 cm²/s"),
        ("N_eff of Li+", "81.5"),
        ("E_a of Li+", "0.312 ± 0.023 eV"),
        ("I- at 600 K", "vibrating, D < 4.2e-8 cm²/s"),
        ("MD flags", "short run, molten"),
    ]


def test_without_a_run_there_is_nothing_to_say() -> None:
    assert md_facts({"cation": "Li+", "md_engine": None}) == []
    ballistic = {**ROW, "md_verdict_anion": "ballistic", "md_d_anion_upper_cm2_s": None}
    assert ("I- at 600 K", "ballistic, D has no limit") in md_facts(ballistic)
