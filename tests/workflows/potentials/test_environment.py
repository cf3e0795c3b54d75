"""A potential in an environment of its own: nothing but ASE there, the same numbers here."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import ase.build
import md_samples
import numpy as np
import psutil
import pytest
from ase.calculators.emt import EMT

from dualion.structures.errors import InputError, MissingDependencyError
from dualion.workflows.md.engines import Resources
from dualion.workflows.md.run.segment import DIED, KILLED, MOST_DEATHS, run_segment
from dualion.workflows.neb.forces import make_potential
from dualion.workflows.potentials.load import make_calculator
from dualion.workflows.potentials.remote import BOOT, STANDALONE, PotentialDiedError, RemoteError
from dualion.workflows.potentials.standalone.batches import evaluate

OURS = """
import os, signal
from pathlib import Path
import numpy as np
from ase.calculators.emt import EMT

class Noisy(EMT):
    def calculate(self, *given, **named):
        print("this goes to standard output")
        super().calculate(*given, **named)

class Raising(EMT):
    def calculate(self, *given, **named):
        raise ValueError("no parameters for this")

class Dying(EMT):
    calls = 0
    def calculate(self, *given, **named):
        Dying.calls += 1
        if Dying.calls > 5:
            os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(*given, **named)
"""
PACKAGES = ("ase", "numpy", "numpy.libs", "scipy", "scipy.libs")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment with ASE, what ASE needs, and a module of calculators."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.EnvBuilder(symlinks=True).create(folder)
    (site,) = folder.glob("lib/python3*/site-packages")
    for name in PACKAGES:
        installed = Path(ase.__file__).parents[1] / name
        if installed.exists():
            (site / name).symlink_to(installed)
    (site / "ours.py").write_text(OURS)
    return str(folder / "bin" / "python")


def copper() -> ase.Atoms:
    cell = ase.build.bulk("Cu", cubic=True).repeat((2, 1, 1))
    cell.rattle(0.05, seed=1)
    return cell


def test_nothing_of_dualion_is_there_but_the_stand_alone_modules(environment: str) -> None:
    said = subprocess.run(
        [environment, "-I", "-c", "import ase, dualion"], capture_output=True, text=True
    )
    assert "No module named 'dualion'" in said.stderr
    probe = BOOT.replace("main()", "print(sorted(n for n in sys.modules if n[:7] == 'dualion'))")
    found = subprocess.run(
        [environment, "-I", "-c", probe, str(STANDALONE)], capture_output=True, text=True
    )
    home = "dualion.workflows.potentials.standalone"
    known = {home, *(f"{home}.{path.stem}" for path in STANDALONE.glob("*.py"))}
    parents = {"dualion", "dualion.workflows", "dualion.workflows.potentials"}
    assert found.stderr == ""
    assert parents < set(eval_names(found.stdout)) <= known | parents


def eval_names(text: str) -> list[str]:
    import ast

    names: list[str] = ast.literal_eval(text)
    return names


def test_energy_forces_and_stress_are_the_calculator_s_own(environment: str) -> None:
    ours, own = copper(), copper()
    ours.calc = make_calculator("ours:Noisy", python=environment)
    own.calc = EMT()
    assert ours.get_potential_energy() == own.get_potential_energy()
    np.testing.assert_array_equal(ours.get_forces(), own.get_forces())
    np.testing.assert_array_equal(ours.get_stress(), own.get_stress())
    ours.rattle(0.05, seed=2)
    own.rattle(0.05, seed=2)
    np.testing.assert_array_equal(ours.get_forces(), own.get_forces())


def test_cells_of_several_sizes_go_in_one_message(environment: str) -> None:
    cells = [copper(), ase.build.bulk("Cu", cubic=True), copper().repeat((1, 2, 1))]
    potential = make_potential("ours:Noisy", python=environment)
    for cell, (energy, forces) in zip(cells, potential.evaluate(cells), strict=True):
        own = cell.copy()
        own.calc = EMT()
        assert energy == own.get_potential_energy()
        np.testing.assert_array_equal(forces, own.get_forces())


def test_a_run_there_is_the_run_here_byte_for_byte(environment: str, tmp_path: Path) -> None:
    here = md_samples.run_folder(tmp_path / "here")
    there = md_samples.run_folder(tmp_path / "there")
    spec = there.spec().model_copy(update={"python": environment, "engine": "ours:Noisy"})
    (there.path / "run.json").write_text(spec.model_dump_json())
    assert run_segment(here.path, Resources()).frames > 10
    progress = run_segment(there.path, Resources())
    assert (progress.state, progress.reason) == ("done", "budget_spent"), progress.message
    ours, own = (gzip.decompress(one.trajectory.read_bytes()) for one in (there, here))
    assert ours == own


def test_an_error_there_is_a_sentence_here(environment: str) -> None:
    cell = copper()
    cell.calc = make_calculator("ours:Raising", python=environment)
    with pytest.raises(RemoteError, match="ValueError: no parameters for this"):
        cell.get_forces()
    with pytest.raises(InputError, match="The module ours holds no Missing"):
        make_calculator("ours:Missing", python=environment)
    with pytest.raises(MissingDependencyError, match=r"environment of .* \(chgnet\)"):
        make_calculator("chgnet", python=environment)
    with pytest.raises(InputError, match="no Python interpreter /nowhere/python"):
        make_calculator("ours:Noisy", python="/nowhere/python")


def test_a_death_there_counts_as_that_of_a_segment(environment: str, tmp_path: Path) -> None:
    run = md_samples.run_folder(tmp_path / "run", frame_fs=50.0)
    spec = run.spec().model_copy(update={"python": environment, "engine": "ours:Dying"})
    (run.path / "run.json").write_text(spec.model_dump_json())
    for death in range(1, MOST_DEATHS):
        progress = run_segment(run.path, Resources())
        assert (progress.state, progress.reason, progress.deaths) == ("paused", DIED, death)
        assert "ours:Dying" in progress.message and "-9" in progress.message
    progress = run_segment(run.path, Resources())
    assert (progress.state, progress.reason) == ("failed", KILLED)
    assert "raise walltime or memory" in progress.message


def test_the_process_ends_with_its_parent(environment: str) -> None:
    code = (
        "import sys, time\n"
        "from dualion.workflows.potentials.load import make_calculator\n"
        "made = make_calculator('ours:Noisy', python=sys.argv[1])\n"
        "print(made.process._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, environment],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
    )
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 60.0
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "the process outlived its parent"
        time.sleep(0.05)


def test_a_closed_process_says_so(environment: str) -> None:
    made = make_calculator("ours:Noisy", python=environment)
    made.process.close()
    with pytest.raises(PotentialDiedError, match="has ended"):
        evaluate(made, [copper()])
