"""VASP's folder against the protocol, and segments of a program that writes VASP's files."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from external_runs import engine_call_of, joined_frames, make_run, rock_salt

from dualion.structures.errors import InputError
from dualion.structures.trajectories import read_trajectory
from dualion.workflows.md.engines import EngineError
from dualion.workflows.md.engines.vasp import VaspEngine
from dualion.workflows.md.engines.vasp_inputs import order_of
from dualion.workflows.md.engines.vasp_outputs import read_contcar_positions, read_oszicar
from dualion.workflows.md.engines.work_folder import ProgramCall
from dualion.workflows.md.plan.protocol import PROTOCOLS
from dualion.workflows.md.run.run_folder import RunFolder
from dualion.workflows.md.run.segment import run_segment

FAKE = Path(__file__).parent / "fake_vasp.py"
STEPS = [0, 5, 10, 15, 20]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Set up a program named vasp_gam, and how it behaves."""
    program = tmp_path / "bin" / "vasp_gam"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {FAKE}\n")
    program.chmod(0o755)
    monkeypatch.setenv("DUALION_VASP_COMMAND", str(program))
    monkeypatch.delenv("PMG_VASP_PSP_DIR", raising=False)
    atoms = rock_salt()
    sites = atoms.get_scaled_positions()[order_of(atoms.get_chemical_symbols())]

    def behave(**how: object) -> None:
        content = {"sites": sites.tolist(), "stiffness": 1.0, **how}
        monkeypatch.setenv("FAKE_VASP", json.dumps(content))

    behave()
    return behave


def _run(path: Path, **changes: object) -> RunFolder:
    folder = make_run(path, engine="vasp", **changes)
    (folder.path / "POTCAR").write_text(
        "  PAW_PBE Li_sv 10Sep2004\n   TITEL  = PAW_PBE Li_sv 10Sep2004\n End of Dataset\n"
        "  PAW_PBE I 08Apr2002\n   TITEL  = PAW_PBE I 08Apr2002\n End of Dataset\n"
    )
    return folder


def _incar(folder: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in (folder / "INCAR").read_text().splitlines())
    return {key.strip(): value.strip() for key, value in pairs}


def test_the_folder_is_the_papers_protocol_field_by_field(tmp_path: Path) -> None:
    paper = PROTOCOLS["cen2025"]
    folder = _run(
        tmp_path / "run",
        **{k: getattr(paper, k) for k in ("name", "timestep_fs", "thermostat", "frame_fs")},
        equilibration_ps=paper.equilibration_ps,
        production_ps=paper.production_ps,
        budget_ps=paper.budget_ps,
    )
    program_call = ProgramCall(tmp_path / "segment", 0)
    program_call.path.mkdir()
    steps = paper.steps_of(110.0)
    assert steps == 110_000
    VaspEngine().prepare(engine_call_of(folder), program_call, None, to_step=50_000)
    tags = _incar(program_call.path)
    expected = {
        "GGA": "Pe",  # PBE
        "ENCUT": "520.0",
        "MDALGO": "2",  # Nosé
        "SMASS": "0.0",
        "IBRION": "0",
        "ISIF": "2",
        "POTIM": "1.0",  # 1 fs
        "NSW": "50001",  # the first evaluates the starting cell
        "TEBEG": "600.0",
        "TEEND": "600.0",
        "ISYM": "0",
        "LREAL": "Auto",
        "ISMEAR": "0",
        "ISPIN": "1",
        "NBLOCK": "1",
        "LWAVE": "False",
        "LCHARG": "False",
        "RANDOM_SEED": "7 0 0",
    }
    assert {key: tags.get(key) for key in expected} == expected
    assert not {"LDAUU", "LDAU", "MAGMOM", "ML_LMLFF"} & set(tags) - {"LDAU"}
    kpoints = (program_call.path / "KPOINTS").read_text().split("\n")
    assert kpoints[1].strip() == "0" and kpoints[2].strip()[0] in "Gg"
    assert kpoints[3].split() == ["1", "1", "1"]
    assert (program_call.path / "POTCAR.spec").read_text().split() == ["Li_sv", "I"]
    _poscar_is_the_cell(program_call.path / "POSCAR", folder)


def _poscar_is_the_cell(path: Path, folder: RunFolder) -> None:
    """Positions by element, velocities at 600 K without a drift."""
    atoms = folder.atoms()
    rows = path.read_text().splitlines()
    assert rows[5].split() == ["Li", "I"] and rows[6].split() == ["4", "4"]
    fractional = np.array([row.split()[:3] for row in rows[8:16]], dtype=float)
    order = order_of(atoms.get_chemical_symbols())
    assert [atoms.get_chemical_symbols()[i] for i in order] == ["Li"] * 4 + ["I"] * 4
    apart = fractional - atoms.get_scaled_positions()[order]
    assert np.abs(apart - np.round(apart)).max() < 1e-12
    velocities = np.array([row.split() for row in rows[17:25]], dtype=float)
    masses = atoms.get_masses()[order][:, None]
    assert np.abs((masses * velocities).sum(axis=0)).max() < 1e-10
    kinetic_ev = 0.5 * (masses * velocities**2).sum() / 0.00964853322
    assert 200.0 < 2.0 * kinetic_ev / (21 * 8.617333e-5) < 1200.0


@pytest.mark.parametrize(
    ("thermostat", "expected"),
    [
        ("bussi", {"MDALGO": "5", "CSVR_PERIOD": "100.0", "SMASS": None}),
        ("langevin", {"MDALGO": "3", "LANGEVIN_GAMMA": "10 10", "SMASS": None}),
    ],
)
def test_other_thermostats(
    tmp_path: Path, thermostat: str, expected: dict[str, str | None]
) -> None:
    folder = _run(tmp_path / "run", thermostat=thermostat)
    program_call = ProgramCall(tmp_path / "segment", 0)
    program_call.path.mkdir()
    VaspEngine().prepare(engine_call_of(folder), program_call, None, to_step=20)
    tags = _incar(program_call.path)
    assert {key: tags.get(key) for key in expected} == expected


def test_settings_change_tags_but_not_the_protocols(tmp_path: Path) -> None:
    folder = _run(tmp_path / "run", settings={"incar": {"algo": "Normal", "ENCUT": 400}})
    program_call = ProgramCall(tmp_path / "segment", 0)
    program_call.path.mkdir()
    VaspEngine().prepare(engine_call_of(folder), program_call, None, to_step=20)
    assert (
        _incar(program_call.path)["ALGO"] == "Normal"
        and _incar(program_call.path)["ENCUT"] == "400.0"
    )
    spec = folder.spec().model_copy(update={"settings": {"incar": {"POTIM": 2}}})
    with pytest.raises(InputError, match="POTIM follows from the protocol"):
        VaspEngine().check(spec, ("Li", "I"))
    spec = folder.spec().model_copy(update={"settings": {"encut": 400}})
    with pytest.raises(InputError, match=r"encut.*Known: command"):
        VaspEngine().check(spec, ("Li", "I"))


def test_potentials_come_from_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "library" / "POT_GGA_PAW_PBE_54"
    for symbol in ("Li_sv", "I"):
        (shelf / symbol).mkdir(parents=True)
        (shelf / symbol / "POTCAR").write_text(f" TITEL  = PAW_PBE {symbol}\n")
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path / "library"))
    folder = make_run(tmp_path / "run", engine="vasp")
    VaspEngine().check(folder.spec(), ("Li", "I"))
    program_call = ProgramCall(tmp_path / "segment", 0)
    program_call.path.mkdir()
    VaspEngine().prepare(engine_call_of(folder), program_call, None, to_step=20)
    assert (program_call.path / "POTCAR").read_text().split() == [
        "TITEL", "=", "PAW_PBE", "Li_sv", "TITEL", "=", "PAW_PBE", "I",
    ]  # fmt: skip
    with pytest.raises(InputError, match="holds no potential S for S"):
        VaspEngine().check(folder.spec(), ("Li", "S"))


def test_without_potentials_the_run_fails_and_says_what_to_do(tmp_path: Path, fake: object) -> None:
    folder = make_run(tmp_path / "run", engine="vasp")
    progress = run_segment(folder.path, engine_call_of(folder).resources)
    assert (progress.state, progress.reason) == ("failed", "missing_potential")
    assert "POTCAR.spec lists them" in progress.message and "pmg config" in progress.message
    segment = folder.path / "work" / "call-0001"
    assert {"INCAR", "KPOINTS", "POSCAR", "POTCAR.spec"} <= {p.name for p in segment.iterdir()}


def test_a_potcar_of_other_elements_is_refused(tmp_path: Path, fake: object) -> None:
    folder = _run(tmp_path / "run")
    text = (folder.path / "POTCAR").read_text().replace("Li_sv", "Na_pv")
    (folder.path / "POTCAR").write_text(text)
    with pytest.raises(EngineError, match=r"potentials of Na, I; POSCAR needs those of Li, I"):
        VaspEngine().advance(engine_call_of(folder))


def test_one_segment_keeps_every_frame_in_our_order(tmp_path: Path, fake: object) -> None:
    folder = _run(tmp_path / "run")
    assert VaspEngine().advance(engine_call_of(folder))
    steps, positions, energies = joined_frames(folder)
    assert steps == STEPS
    assert np.abs(positions[0] - folder.atoms().get_positions()).max() < 1e-5
    assert 0.05 < np.abs(positions[-1] - positions[0]).max() < 1.0
    assert (np.diff(energies) > 0.0).any() and np.isfinite(energies).all()
    # VASP's own files, read by the readers of `dualion analyze`, tell the same.
    segment = folder.path / "work" / "call-0001"
    order = order_of(folder.atoms().get_chemical_symbols())
    for name in ("vasprun.xml", "XDATCAR"):
        own = read_trajectory(segment / name)
        assert own.n_frames == 21 and own.frame_step_ps == pytest.approx(0.001)
        moved = (own.fractional[::5] - own.fractional[0]) @ own.mean_cell
        ours = (positions - positions[0])[:, order]
        assert np.abs(moved - ours).max() < 2.5e-5
    said = read_oszicar(segment / "OSZICAR")
    assert sorted(said) == list(range(1, 22))
    assert np.allclose([said[s + 1][1] for s in steps], energies, atol=1e-6)


@pytest.mark.parametrize(("at", "kept"), [(8, 8), (11, 0), (13, 13)])
def test_segments_with_a_kill_between_join_like_an_unbroken_run(
    tmp_path: Path, fake, at: int, kept: int
) -> None:
    """A kill at 11 loses the frame of step 10, so CONTCAR of step 11 would leave a gap."""
    whole = _run(tmp_path / "whole")
    assert VaspEngine().advance(engine_call_of(whole))
    broken = _run(tmp_path / "broken")
    fake(mode="killed", at=at)
    with pytest.raises(EngineError, match=r"killed by signal 9") as caught:
        VaspEngine().advance(engine_call_of(broken))
    assert caught.value.reason == "killed"
    assert broken.progress().done_ps == pytest.approx(kept / 1000.0)
    fake()
    assert VaspEngine().advance(engine_call_of(broken))
    steps, positions, energies = joined_frames(broken)
    assert steps == STEPS
    _, true_positions, true_energies = joined_frames(whole)
    assert np.abs(positions - true_positions).max() <= 1.01e-5
    assert np.abs(energies - true_energies).max() < 5e-6
    if not kept:
        return
    poscar = (broken.path / "work" / "call-0002" / "POSCAR").read_bytes()
    assert read_contcar_positions(poscar, 8) is not None
    assert len(poscar.decode().split("\n\n")[2].splitlines()) == 3 + 3 * 8  # the predictor


def test_a_restart_is_kept_while_vasp_runs(
    tmp_path: Path, fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dualion.workflows.md.engines.program_runner.POLL_INTERVAL_S", 0.05)
    folder = _run(tmp_path / "run")
    fake(mode="killed", at=11, pause_s=0.2)
    with pytest.raises(EngineError):
        VaspEngine().advance(engine_call_of(folder, checkpoint_s=0.1))
    assert 0.003 < folder.progress().done_ps < 0.011
    fake()
    assert VaspEngine().advance(engine_call_of(folder))
    assert joined_frames(folder)[0] == STEPS


def test_a_contcar_that_is_cut_short_is_not_gone_on_from(tmp_path: Path, fake) -> None:
    folder = _run(tmp_path / "run")
    fake(mode="killed", at=13)
    with pytest.raises(EngineError):
        VaspEngine().advance(engine_call_of(folder))
    done = folder.progress().done_ps
    whole = (folder.path / "work" / "restart-13" / "CONTCAR").read_bytes()
    for length in (len(whole) // 4, len(whole) // 2, len(whole) - 200, len(whole) - 1):
        assert read_contcar_positions(whole[:length], 8) is None
    assert read_contcar_positions(whole.replace(b"E", b"x", 1), 8) is None
    assert done == pytest.approx(0.013)


def test_vasprun_that_lags_behind_is_completed_from_xdatcar(tmp_path: Path, fake) -> None:
    folder = _run(tmp_path / "run")
    fake(mode="killed", at=13)
    engine = VaspEngine()
    with pytest.raises(EngineError):
        engine.advance(engine_call_of(folder))
    program_call = ProgramCall(folder.path / "work" / "call-0001", 0)
    xml = (program_call.path / "vasprun.xml").read_text()
    cut = [i for i in range(len(xml)) if xml.startswith("<calculation>", i)][4]
    (program_call.path / "vasprun.xml").write_text(xml[: cut + 300])
    found = engine.read_output(engine_call_of(folder), program_call)
    assert sorted(found.frames) == [0, 5, 10]
    assert [restart.step for restart in found.restarts] == [13]
    (program_call.path / "XDATCAR").unlink()  # four configurations and a CONTCAR nine steps later
    found = engine.read_output(engine_call_of(folder), program_call)
    assert sorted(found.frames) == [0] and list(found.restarts) == []


def test_a_stop_ends_after_the_step_and_the_run_goes_on(tmp_path: Path, fake) -> None:
    folder = _run(tmp_path / "run")
    fake(pause_s=0.15)
    call = engine_call_of(folder, checkpoint_s=0.5)
    oszicar = folder.path / "work" / "call-0001" / "OSZICAR"

    def stop_later() -> None:
        until = time.monotonic() + 30.0
        while len(read_oszicar(oszicar)) < 7 and time.monotonic() < until:
            time.sleep(0.02)
        call.stop.set()

    thread = threading.Thread(target=stop_later)
    thread.start()
    assert not VaspEngine().advance(call)
    thread.join()
    progress = folder.progress()
    assert 0.006 < progress.done_ps < 0.021 and progress.frames >= 2
    fake()
    assert VaspEngine().advance(engine_call_of(folder))
    assert joined_frames(folder)[0] == STEPS


def test_a_longer_target_extends_the_run(tmp_path: Path, fake: object) -> None:
    folder = _run(tmp_path / "run", budget_ps=0.04)
    assert VaspEngine().advance(engine_call_of(folder))
    call = engine_call_of(folder)
    call.target_ps = 0.04
    assert VaspEngine().advance(call)
    assert joined_frames(folder)[0] == list(range(0, 41, 5))


@pytest.mark.parametrize(
    ("mode", "reason", "said"),
    [
        ("error", "scf_not_converged", "ALGO = Normal"),
        ("garbage", "no_progress", "left no restart"),
    ],
)
def test_a_program_that_fails_is_explained(
    tmp_path: Path, fake, mode: str, reason: str, said: str
) -> None:
    folder = _run(tmp_path / "run")
    fake(mode=mode)
    progress = run_segment(folder.path, engine_call_of(folder).resources)
    assert (progress.state, progress.reason) == ("failed", reason)
    assert said in progress.message


def test_a_full_disk_pauses_the_run_and_keeps_what_there_is(tmp_path: Path, fake) -> None:
    folder = _run(tmp_path / "run")
    fake(mode="killed", at=13)
    with pytest.raises(EngineError):
        VaspEngine().advance(engine_call_of(folder))
    fake(mode="full")
    progress = run_segment(folder.path, engine_call_of(folder).resources)
    assert (progress.state, progress.reason) == ("paused", "disk")
    assert joined_frames(folder)[0] == [0, 5, 10]
    fake()
    assert VaspEngine().advance(engine_call_of(folder))
    assert joined_frames(folder)[0] == STEPS


def test_a_missing_program_is_named_and_the_inputs_are_there(
    tmp_path: Path, fake: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALION_VASP_COMMAND", "vasp_of_nowhere")
    folder = _run(tmp_path / "run")
    progress = run_segment(folder.path, engine_call_of(folder).resources)
    assert (progress.state, progress.reason) == ("failed", "missing_binary")
    assert "vasp_of_nowhere" in progress.message and "DUALION_VASP_COMMAND" in progress.message
    assert (folder.path / "work" / "call-0001" / "POSCAR").is_file()
