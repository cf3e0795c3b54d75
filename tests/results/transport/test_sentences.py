"""Lines on finished runs: what diffuses, what is excluded, what is missing, all runs together."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from dualion.results.transport.combined import COLUMNS, combined_csv, combined_lines
from dualion.results.transport.headline import headline
from dualion.results.transport.needed import (
    limit_sentence,
    needed_lines,
    needed_sentence,
    pace_sentence,
    two_digits,
)
from dualion.results.transport.summary import summary_lines
from dualion.results.transport.tables import csv_text, rdf_csv, species_csv, species_row
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.arrhenius import arrhenius
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.measured import UNKNOWN, Measured
from dualion.screening.transport.needed_time import NeededTime
from dualion.screening.transport.number_text import number_text
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import TransportReport
from dualion.structures.trajectories import Trajectory


def made() -> TransportReport:
    rng = np.random.default_rng(1)
    moved = rng.normal(scale=0.05, size=(120, 8, 3))
    moved[:, :4] += np.cumsum(rng.normal(scale=0.3, size=(120, 4, 3)), axis=0)
    return analyse(
        Trajectory(
            fractional=(rng.random((1, 8, 3)) * 9.0 + moved) / 9.0,
            cells=9.0 * np.eye(3)[None],
            symbols=("Li",) * 4 + ("I",) * 4,
            frame_step_ps=0.1,
            temperature_k=700.0,
            source="run.xyz",
        ),
        AnalysisOptions(framework=("I",), with_density=False, with_kinisi=False),
    )


MADE = made()
LITHIUM, IODIDE = MADE.species


def ion(name: str, verdict: str, **changes: object):
    """A group with D = 2.0 ± 0.1 in 1e-6 cm²/s, or the limit 3e-7."""
    number = {
        "d_cm2_s": 2e-6, "error_cm2_s": 1e-7, "low_cm2_s": 1.8e-6,
        "high_cm2_s": 2.2e-6 if verdict == "diffusing" else 3e-7, "flags": (),
        "one_jump_cm2_s": np.nan,
    }  # fmt: skip
    found = replace(LITHIUM.diffusion, species=name, verdict=verdict, **(number | changes))
    return replace(LITHIUM, name=name, diffusion=found)


def transport_of(numbers: tuple[Measured, ...], **changes: object):
    usual = {
        "conductivity_s_cm": Measured(value=0.01, error=0.001, low=0.008, high=0.012),
        "species": ("Li", "I"), "numbers": numbers, "flags": (),
    }  # fmt: skip
    return replace(MADE.transport[0], **(usual | changes))


T_LI = Measured(value=0.9, error=0.05, low=0.8, high=1.0)
RUN = replace(
    MADE, source="a.xyz", temperature_k=600.0, framework="declared: I", flags=("energy_drifts",),
    species=(ion("Li", "diffusing"), ion("I", "vibrating", flags=("bound_ligand",))),
    transport=(transport_of((T_LI, UNKNOWN)),), transport_without_rotors=(),
)  # fmt: skip
MOVES = "D = (2.00 ± 0.10)e-6 cm²/s (95 %: 1.80e-6 … 2.20e-6)"


def test_one_run_is_summed_up_in_five_lines() -> None:
    assert headline([RUN], [], {}) == [
        "a.xyz: 120 frames of 0.1 ps, 600 K; displacements relative to declared: I",
        f"Diffuses: Li {MOVES}",
        "Does not, or is not resolved: I vibrating, D < 3.0e-7 cm²/s",
        "Charge and temperature: σ 0.0100 ± 0.0010 S/cm, t(Li) 0.900 ± 0.050",
        "Warnings: energy_drifts, bound_ligand",
    ]


def test_lines_without_content_are_left_out() -> None:
    bare = replace(RUN, flags=(), species=(ion("Li", "diffusing"),), transport=())
    assert headline([bare], [], {})[1:] == [f"Diffuses: Li {MOVES}"]
    still = replace(bare, species=(ion("I", "vibrating"),))
    assert headline([still], [], {})[1] == "Diffuses: no ion that this shows"
    unknown = replace(bare, transport=(transport_of((UNKNOWN, UNKNOWN)),))
    assert headline([unknown], [], {})[-1].endswith("S/cm, transport numbers not resolved")
    fixed = Measured(value=1.0, error=0.0, low=1.0, high=1.0)
    held = replace(bare, transport=(transport_of((fixed, UNKNOWN)),))
    assert headline([held], [], {})[-1].endswith("S/cm, t(Li) 1.00")


def test_several_runs_are_told_together() -> None:
    other = replace(RUN, source="b.xyz", temperature_k=800.0, flags=("molten",))
    fit = arrhenius([600.0, 800.0], [1e-6, 5e-6], [1e-7, 5e-7])
    room, low, high = (float(values[0]) for values in fit.predict([300.0]))
    together = [
        CombinedIon(species="Li", temperature_k=600.0, runs=2, diffusion=RUN.species[0].diffusion)
    ]
    lines = headline([RUN, other], together, {"Li": fit})
    assert lines[0] == "2 runs together: a.xyz, b.xyz"
    assert lines[1] == f"Diffuses: Li at 600 K {MOVES}"
    assert lines[2].startswith("Charge and temperature: σ 0.0100 ± 0.0010 S/cm, t(Li) 0.900")
    assert "at 600 K; σ" in lines[2] and "0.050 at 800 K; Li E_a = 0.333 ± 0.029 eV" in lines[2]
    told = " … ".join(number_text(end, 2) for end in (low, high))
    assert f"D(300 K) = {number_text(room, 2)} ({told}) cm²/s" in lines[2]
    assert lines[3] == "Warnings: energy_drifts, molten"
    apart = headline([RUN, other], [], {})
    assert apart[1] == f"Diffuses: Li in a.xyz {MOVES}; Li in b.xyz {MOVES}"


def test_replicas_have_a_line_and_every_temperature_a_row() -> None:
    moving, caged = (species.diffusion for species in RUN.species)
    found = [
        CombinedIon(species="Li", temperature_k=600.0, runs=2, diffusion=moving),
        CombinedIon(species="I", temperature_k=600.0, runs=3, diffusion=caged),
        CombinedIon(species="=x", temperature_k=800.0, runs=1, diffusion=moving),
    ]
    assert combined_lines(found) == [
        f"Li at 600 K, 2 runs together: diffusing, {MOVES}",
        "I at 600 K, 3 runs together: vibrating, D < 3.0e-7 cm²/s  [bound_ligand]",
    ]
    rows = list(csv.DictReader(io.StringIO(combined_csv(found))))
    assert list(rows[0]) == list(COLUMNS)
    assert {key: rows[0][key] for key in ("species", "temperature_k", "runs", "n_ions")} == {
        "species": "Li", "temperature_k": "600", "runs": "2", "n_ions": "4",
    }  # fmt: skip
    keys = ("d_cm2_s", "d_error_cm2_s", "d_low_cm2_s", "d_high_cm2_s", "d_upper_cm2_s")
    assert [rows[0][key] for key in keys] == ["2e-06", "1e-07", "1.8e-06", "2.2e-06", ""]
    assert [rows[1][key] for key in keys] == ["", "", "", "", "3e-07"]
    assert (rows[1]["verdict"], rows[1]["flags"]) == ("vibrating", "bound_ligand")
    assert rows[2]["species"] == "'=x"


def needed(**changes: object) -> NeededTime:
    usual = {
        "species": "I", "temperature_k": 600.0, "run_ps": 100.0, "n_eff": 12.34,
        "limit_cm2_s": 2.01e-7, "least_ps": 432.1, "expected_ps": 987.6, "hotter_k": 812.3,
        "ea_ev": 0.4,
    }  # fmt: skip
    return NeededTime(**(usual | changes))


def test_what_is_missing_is_told_by_length_size_and_temperature() -> None:
    start = "I: slower than 2.1e-7 cm²/s at 600 K. N_eff = 12 after 100 ps."
    takes = f"{start} N_eff = 56 takes 430 ps or more"
    assert needed_sentence(needed()) == (
        f"{takes} (about 990 ps at the D seen), a cell 4.3 times as large, or 812 K if E_a is "
        "0.4 eV."
    )
    alone = needed_sentence(needed(expected_ps=np.inf, hotter_k=np.nan))
    assert alone == f"{takes}, a cell 4.3 times as large."
    open_end = needed_sentence(needed(least_ps=np.nan, limit_cm2_s=np.inf))
    assert open_end == (
        "I: no D is excluded. N_eff = 12 after 100 ps. N_eff = 56 takes longer; nothing says how "
        "long."
    )
    for n_eff in (56.0, 80.0):
        enough = needed_sentence(needed(n_eff=n_eff))
        assert enough.endswith("Jumps are enough, but D has not settled: run 430 ps or more.")
    assert "settled" not in needed_sentence(needed(n_eff=55.9))
    assert needed_lines(replace(RUN, framework="", species=(ion("Li", "diffusing"),))) == []
    (line,) = needed_lines(replace(RUN, framework=""))
    assert line.startswith("I: slower than 3.0e-7 cm²/s at 600 K.")


@pytest.mark.parametrize(
    ("limit", "told"),
    [(2.91e-8, "3.0e-8"), (2.0e-7, "2.0e-7"), (2.001e-7, "2.1e-7"), (9.95e-6, "1.0e-5"),
     (0.5, "0.50"), (1.0, "1.0")],
)  # fmt: skip
def test_a_limit_is_rounded_up_to_two_digits(limit: float, told: str) -> None:
    assert limit_sentence("I", limit, np.nan) == f"I: slower than {told} cm²/s."
    assert limit_sentence("I", limit, 450.5) == f"I: slower than {told} cm²/s at 450.5 K."


@pytest.mark.parametrize("limit", [0.0, -1e-7, np.nan, np.inf])
def test_no_limit_excludes_nothing(limit: float) -> None:
    assert limit_sentence("I", limit, 600.0) == "I: no D is excluded."


def test_two_digits_without_an_exponent() -> None:
    assert [two_digits(x) for x in (1432.0, 14.5, 0.0149, 123456.0)] == [
        "1400",
        "14",
        "0.015",
        "120000",
    ]


def test_the_pace_of_a_run_counts_from_one_jump_on() -> None:
    def told(jumps: float, ps: float = 10.0) -> str:
        return pace_sentence({"I": jumps}, ps)

    start = "N_eff = 56 takes, at the pace so far: I"
    assert told(4.0) == f"{start} about 140 ps."
    assert told(1.0) == f"{start} about 560 ps."
    assert told(0.99) == told(0.0) == f"{start} more than 560 ps."
    assert told(55.9) == f"{start} about 10 ps."
    assert told(56.0) == told(4.0, 0.0) == told(4.0, -1.0) == pace_sentence({}, 10.0) == ""
    both = pace_sentence({"I": 4.0, "Br": 8.0}, 10.0)
    assert both == f"{start} about 140 ps, Br about 70 ps."


def test_the_summary_names_what_gave_the_interval_and_what_the_transport_is() -> None:
    share = Measured(value=np.nan, error=np.inf, low=0.0, high=0.2)
    whole = Measured(value=1.0, error=0.0, low=1.0, high=1.0)
    found = transport_of(
        (T_LI, UNKNOWN), einstein_numbers=(whole, share), frame="declared: I",
        flags=("window_unconfirmed", "nothing_diffuses"), nernst_einstein_s_cm=UNKNOWN,
        haven_ratio=UNKNOWN,
    )  # fmt: skip
    calm = replace(LITHIUM.anisotropy, isotropic_chance=0.5)
    bare = [replace(one, blocks=(), hops=(), anisotropy=calm) for one in RUN.species]
    lines = summary_lines(replace(RUN, species=tuple(bare), transport=(found,)))
    assert lines == [
        "a.xyz: 120 frames of 0.1 ps, 600 K; displacements relative to declared: I",
        f"  Li         diffusing     {MOVES.replace('95 %', '95 %, closed form')}",
        "  I          vibrating     D < 3.0e-7 cm²/s  [bound_ligand]",
        "  all ions: σ 0.0100 ± 0.0010 S/cm, Nernst–Einstein not resolved S/cm, Haven not resolved",
        "    t(Li) 0.900 ± 0.050, t(I) not resolved (relative to declared: I)",
        "    share in Nernst–Einstein: Li 1.00, I not resolved (|x| < 0.20)",
        "    no ion is known to diffuse, so no current is known either",
        "  flags: energy_drifts",
    ]


def test_details_are_of_what_moves() -> None:
    def details(**changes: object) -> list[str]:
        moving = replace(ion("Li", "diffusing"), hops=(), paths=(), **changes)
        lines = summary_lines(replace(RUN, species=(moving,), transport=(), flags=()))
        return [line.strip() for line in lines[2:]]

    calm = replace(LITHIUM.anisotropy, isotropic_chance=0.05)
    assert details(blocks=(), anisotropy=calm) == []
    axes = replace(
        LITHIUM.anisotropy, isotropic_chance=0.049, principal_cm2_s=np.array([3e-6, 2e-6, 1e-6]),
        errors_cm2_s=np.array([2e-7, 2e-7, 1e-7]),
    )  # fmt: skip
    assert details(blocks=(), anisotropy=axes) == [
        "anisotropic (p = 0.05): (3.00 ± 0.20)e-6, (2.00 ± 0.20)e-6, (1.00 ± 0.10)e-6 cm²/s"
    ]
    (block,) = LITHIUM.blocks
    block = replace(block, mean_cm2_s=2e-6, error_cm2_s=3e-7, block_ps=1.2345)
    told = details(blocks=(block,), anisotropy=calm)
    assert told == [f"blocks: D = (2.00 ± 0.30)e-6 cm²/s from {len(block.d_cm2_s)} of 1.23 ps"]
    caged = replace(ion("Li", "vibrating"), blocks=(block,), anisotropy=axes, hops=(), paths=())
    assert len(summary_lines(replace(RUN, species=(caged,), transport=(), flags=()))) == 2


def test_a_row_has_each_number_of_what_diffuses_and_the_limit_of_what_does_not() -> None:
    moving = replace(RUN.species[0], hops=())
    row = species_row(RUN, moving)
    d, (block,) = moving.diffusion, moving.blocks
    assert row["source"] == "a.xyz" and row["temperature_k"] == 600.0
    assert (row["species"], row["n_ions"], row["verdict"]) == ("Li", 4, "diffusing")
    assert row["d_from"] == "closed form" and row["n_blocks"] == len(block.d_cm2_s)
    assert row["d_blocks_cm2_s"] == block.mean_cm2_s
    assert row["d_blocks_error_cm2_s"] == block.error_cm2_s
    assert (row["window_start_ps"], row["window_end_ps"]) == d.window_ps
    (end,) = (e for e in moving.estimates if e.name == "end_point")
    assert row["d_end_point_cm2_s"] == end.d_cm2_s
    for number in (1, 2, 3):
        assert row[f"d_{number}_cm2_s"] == moving.anisotropy.principal_cm2_s[number - 1]
        assert row[f"d_{number}_error_cm2_s"] == moving.anisotropy.errors_cm2_s[number - 1]
    assert row["anisotropy_from_noise"] == moving.anisotropy.fractional_from_noise
    assert row["flags"] == "energy_drifts"
    none = species_row(RUN, replace(moving, blocks=(), estimates=()))
    assert np.isnan([none["d_blocks_cm2_s"], none["d_end_point_cm2_s"]]).all()
    assert none["n_blocks"] == 0
    caged = species_row(RUN, replace(RUN.species[1], blocks=(block,)))
    assert (caged["d_from"], caged["n_blocks"]) == ("", 0)
    assert caged["flags"] == "bound_ligand;energy_drifts"
    lines = species_csv([RUN]).splitlines()
    assert len(lines) == 3


def test_radial_distributions_are_written_bin_by_bin() -> None:
    rows = list(csv.DictReader(io.StringIO(rdf_csv(MADE))))
    assert len(rows) == 3 * 160
    rdf = MADE.rdfs[1]
    row = rows[160 + 100]
    assert row["pair"] == "Li-I"
    names = ("distance_angstrom", "g", "coordination", "g_first_half", "g_second_half")
    values = (rdf.distances_angstrom, rdf.g, rdf.coordination, *rdf.g_halves)
    for name, value in zip(names, values, strict=True):
        assert float(row[name]) == pytest.approx(value[100], rel=1e-8)


def test_cells_keep_nine_digits_and_no_formula() -> None:
    rows = [{"a": 1.23456789012, "b": "=1+1", "c": 7, "d": np.float32(0.5)}]
    assert csv_text(rows, ["c", "a", "b", "d"]) == "c,a,b,d\n7,1.23456789,'=1+1,0.5\n"
