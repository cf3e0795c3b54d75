"""CP2K's input, data files and restarts, without CP2K; ``test_cp2k_program`` runs it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.cp2k import parse_input
from external_runs import engine_call_of, make_run, rock_salt

from dualion.structures.errors import InputError
from dualion.workflows.md.engines.cp2k import Cp2kEngine, find_kinds
from dualion.workflows.md.engines.cp2k_data import Kind
from dualion.workflows.md.engines.cp2k_input import check_cp2k_settings, format_input
from dualion.workflows.md.engines.cp2k_output import (
    is_complete_fortran_file,
    read_cp2k_frames,
    read_cp2k_restarts,
    read_restart_step,
)
from dualion.workflows.md.run.segment import run_segment

POTENTIALS = """
#PBE functional
Li GTH-PBE-q3 GTH-PBE
    3
     0.40000000    4   -14.08115455
#
I GTH-PBE-q7 GTH-PBE
    2    5
Ga GTH-PBE-q13 GTH-PBE
    2    1   10
Ga GTH-PBE-q3
    2    1
Xe GTH-PBE-q8 GTH-PBE
"""

BASES = """
 Li SZV-MOLOPT-SR-GTH SZV-MOLOPT-SR-GTH-q3
  1
 Li DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q3
  1
 I  DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q7
 Ga DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q3
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of CP2K's data files."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "GTH_POTENTIALS").write_text(POTENTIALS)
    (folder / "BASIS_MOLOPT").write_text(BASES)
    return folder


KINDS = [
    Kind("Li", "DZVP-MOLOPT-SR-GTH", "GTH-PBE-q3"),
    Kind("I", "DZVP-MOLOPT-SR-GTH", "GTH-PBE-q7"),
]


def test_basis_and_potential_are_for_the_same_electrons(data: Path) -> None:
    settings = check_cp2k_settings({"data_dir": str(data)})
    assert find_kinds(settings, ("Li", "I")) == KINDS
    # Ga has a potential of 13 electrons first; the basis that there is goes with three.
    assert find_kinds(settings, ("Ga",)) == [Kind("Ga", "DZVP-MOLOPT-SR-GTH", "GTH-PBE-q3")]
    own = check_cp2k_settings(
        {"data_dir": str(data), "kinds": {"Ga": {"potential": "GTH-PBE-q13"}}}
    )
    with pytest.raises(InputError, match=r"Ga are for different numbers\s+of valence electrons"):
        find_kinds(own, ("Ga",))


def test_an_element_without_data_is_named_before_queueing(data: Path, tmp_path: Path) -> None:
    program = tmp_path / "cp2k.psmp"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    settings = {"data_dir": str(data), "program": str(program)}
    spec = make_run(tmp_path / "run", engine="cp2k", settings=settings).spec()
    Cp2kEngine().check(spec, ("I", "Li"))
    with pytest.raises(InputError, match="no potential GTH-PBE for Pu"):
        Cp2kEngine().check(spec, ("Li", "Pu"))
    with pytest.raises(InputError, match="no basis DZVP-MOLOPT-SR-GTH for Xe"):
        Cp2kEngine().check(spec, ("Xe",))


def test_a_missing_program_is_one_sentence_in_check_and_in_a_run(
    data: Path, tmp_path: Path
) -> None:
    settings = {"data_dir": str(data), "program": "cp2k_of_nowhere"}
    folder = make_run(tmp_path / "run", engine="cp2k", settings=settings)
    with pytest.raises(InputError, match="apt install cp2k cp2k-data"):
        Cp2kEngine().check(folder.spec(), ("I", "Li"))
    progress = run_segment(folder.path, engine_call_of(folder).resources)
    assert (progress.state, progress.reason) == ("failed", "missing_binary")
    assert "cp2k_of_nowhere" in progress.message


def test_missing_data_files_say_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"apt install cp2k-data.*CP2K_DATA_DIR"):
        find_kinds(check_cp2k_settings({"data_dir": str(tmp_path / "nowhere")}), ("Li",))


def test_the_input_says_what_the_run_is(tmp_path: Path) -> None:
    spec = make_run(tmp_path / "run", engine="cp2k").spec()
    root = parse_input(
        format_input(spec, rock_salt(), KINDS, steps=20, continued=False, limit_s=3600.7)
    )
    expected = {
        "GLOBAL": {"RUN_TYPE MD", "SEED 7", "WALLTIME 3600"},
        "MOTION/MD": {"ENSEMBLE NVT", "STEPS 20", "TIMESTEP 1.0", "TEMPERATURE 600.0"},
        "MOTION/MD/THERMOSTAT": {"TYPE NOSE"},
        "MOTION/MD/THERMOSTAT/NOSE": {"TIMECON 100.0"},
        "MOTION/PRINT/TRAJECTORY/EACH": {"MD 5"},
        "MOTION/PRINT/RESTART/EACH": {"MD 10"},
        "FORCE_EVAL/DFT": {"BASIS_SET_FILE_NAME BASIS_MOLOPT"},
        "FORCE_EVAL/DFT/MGRID": {"CUTOFF 400.0", "REL_CUTOFF 50.0"},
        "FORCE_EVAL/DFT/QS": {"EXTRAPOLATION ASPC"},
        "FORCE_EVAL/DFT/SCF": {"SCF_GUESS ATOMIC", "EPS_SCF 1e-07"},
        "FORCE_EVAL/DFT/SCF/OT": {"MINIMIZER DIIS"},
    }
    for path, lines in expected.items():
        assert lines <= set(root.get_subsection(path).keywords), path
    assert root.get_subsection("FORCE_EVAL/DFT/XC/XC_FUNCTIONAL").params == "PBE"
    subsys = root.get_subsection("FORCE_EVAL/SUBSYS")
    kinds = {s.params: s.keywords for s in subsys.subsections if s.name == "KIND"}
    assert kinds["I"] == ["BASIS_SET DZVP-MOLOPT-SR-GTH", "POTENTIAL GTH-PBE-q7"]
    rows = subsys.get_subsection("COORD").keywords
    positions = np.array([row.split()[1:] for row in rows], dtype=float)
    assert [row.split()[0] for row in rows] == rock_salt().get_chemical_symbols()
    assert np.abs(positions - rock_salt().get_positions()).max() < 1e-11


def test_a_continuation_begins_with_the_restart(tmp_path: Path) -> None:
    spec = make_run(tmp_path / "run", engine="cp2k", thermostat="bussi").spec()
    root = parse_input(format_input(spec, rock_salt(), KINDS, steps=7, continued=True))
    assert root.get_subsection("EXT_RESTART").keywords == ["RESTART_FILE_NAME start.restart"]
    assert "SCF_GUESS RESTART" in root.get_subsection("FORCE_EVAL/DFT/SCF").keywords
    assert "WFN_RESTART_FILE_NAME start.wfn" in root.get_subsection("FORCE_EVAL/DFT").keywords
    assert "TYPE CSVR" in root.get_subsection("MOTION/MD/THERMOSTAT").keywords
    assert not any(k.startswith("WALLTIME") for k in root.get_subsection("GLOBAL").keywords)


def test_the_users_own_sections_go_before_ours(tmp_path: Path) -> None:
    own = """
    &FORCE_EVAL
      &DFT
        &SCF
          EPS_SCF 1
          &OT
            MINIMIZER CG
          &END OT
        &END SCF
        &XC
          &VDW_POTENTIAL
            POTENTIAL_TYPE PAIR_POTENTIAL
          &END VDW_POTENTIAL
        &END XC
      &END DFT
      &SUBSYS
        &KIND Li
          MASS 7.016
        &END KIND
      &END SUBSYS
    &END FORCE_EVAL
    """
    spec = make_run(tmp_path / "run", engine="cp2k", settings={"input": own}).spec()
    root = parse_input(format_input(spec, rock_salt(), KINDS, steps=7, continued=False))
    assert "MINIMIZER CG" in root.get_subsection("FORCE_EVAL/DFT/SCF/OT").keywords
    assert root.get_subsection("FORCE_EVAL/DFT/SCF").keywords.count("EPS_SCF 1") == 0
    assert root.get_subsection("FORCE_EVAL/DFT/XC/VDW_POTENTIAL").keywords
    kinds = [s for s in root.get_subsection("FORCE_EVAL/SUBSYS").subsections if s.name == "KIND"]
    assert len(kinds) == 2 and "MASS 7.016" in kinds[0].keywords


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cutof_ry": 1}, r"cutof_ry.*Known: program"),
        ({"eps_scf": -1.0}, "eps_scf"),
        ({"input": "&FORCE_EVAL"}, "does not close"),
        ({"input": "@INCLUDE x"}, "directive"),
        ({"input": "&DFT\n&END\n&DFT\n&END"}, "section DFT twice"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_cp2k_settings(settings)


def _record(content: bytes) -> bytes:
    length = struct.pack("<i", len(content))
    return length + content + length


RESTART = b"&MOTION\n   &MD\n     STEP_START_VAL  12\n   &END MD\n&END MOTION\n"


def test_a_restart_that_is_cut_short_is_passed_over(tmp_path: Path) -> None:
    whole = RESTART + b" &FORCE_EVAL\n &END FORCE_EVAL\n"
    assert read_restart_step(whole) == 12
    continued = whole + b" &EXT_RESTART\n   RESTART_POS  T\n &END EXT_RESTART\n"
    assert read_restart_step(continued) == 12 and read_restart_step(continued[:-8]) is None
    assert read_restart_step(RESTART) is None and read_restart_step(b"") is None
    wavefunction = _record(b"1234") + _record(b"x" * 100)
    assert is_complete_fortran_file(wavefunction)
    assert not is_complete_fortran_file(wavefunction[:-1]) and not is_complete_fortran_file(b"")
    assert not is_complete_fortran_file(wavefunction[:-4] + b"abcd")
    (tmp_path / "md-1.restart").write_bytes(whole.replace(b"12", b"15")[:-9])
    (tmp_path / "md-1.restart.bak-1").write_bytes(whole)
    (tmp_path / "md-1.restart.bak-2").write_bytes(whole.replace(b"12", b"9"))
    (tmp_path / "md-RESTART.wfn").write_bytes(wavefunction[:-1])
    (tmp_path / "md-RESTART.wfn.bak-1").write_bytes(wavefunction)
    found = list(read_cp2k_restarts(tmp_path))
    assert [restart.step for restart in found] == [12, 9]
    assert found[0].read_files() == {"start.restart": whole, "start.wfn": wavefunction}


def test_frames_are_read_as_far_as_the_files_are_whole(tmp_path: Path) -> None:
    atoms = rock_salt()
    symbols = tuple(atoms.get_chemical_symbols())
    text, rows = "", ["#     Step Nr.          Time[fs]        Kin.[a.u.]          Temp[K]  Pot"]
    for step in (0, 5, 10):
        text += f"{len(symbols)}\n i = {step:8d}, time = {step:12.3f}, E = {-75.0 - step:20.10f}\n"
        text += "".join(
            f"{s:>3}{x:20.10f}{y:20.10f}{z:20.10f}\n"
            for s, (x, y, z) in zip(symbols, atoms.get_positions() + step, strict=True)
        )
        rows.append(f"{step:10d} {step:20.6f} 0.02 600.5 -75.0 -75.0 1.0")
    (tmp_path / "md-pos-1.xyz").write_text(text)
    (tmp_path / "md-1.ener").write_text("\n".join(rows) + "\n")
    cell = np.array(atoms.cell)
    found = read_cp2k_frames(tmp_path, cell, symbols, timestep_fs=0.5)
    assert sorted(found) == [0, 5, 10] and found[10].time_ps == pytest.approx(0.005)
    assert found[5].energy_ev == pytest.approx(-80.0 * 27.211386245988)
    (tmp_path / "md-pos-1.xyz").write_text(text[:-50])
    assert sorted(read_cp2k_frames(tmp_path, cell, symbols, timestep_fs=0.5)) == [0, 5]
    (tmp_path / "md-1.ener").write_text("\n".join(rows[:2]) + "\n")
    assert sorted(read_cp2k_frames(tmp_path, cell, symbols, timestep_fs=0.5)) == [0]
    (tmp_path / "md-pos-1.xyz").write_bytes(bytes(range(256)) * 40)
    assert read_cp2k_frames(tmp_path, cell, symbols, timestep_fs=0.5) == {}
    assert read_cp2k_frames(tmp_path / "nowhere", cell, symbols, timestep_fs=0.5) == {}
