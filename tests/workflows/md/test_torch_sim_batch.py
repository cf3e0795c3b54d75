"""A batch of MD runs: each is what it would be alone, whatever happens to the others."""

from __future__ import annotations

import gzip
import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from md_batch_samples import ENGINE, ArgonCalculator, argon, argon_model, make_run

from dualion.structures.errors import InputError
from dualion.workflows.md.engines import Resources
from dualion.workflows.md.run import job, local, segment, torch_sim_batch
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.run.segment import run_segment
from dualion.workflows.md.run.supervisor import CANCEL
from dualion.workflows.md.run.torch_sim_batch import run_batch
from dualion.workflows.potentials.batch import make_model, supports
from dualion.workflows.potentials.torch_sim_models import MODELS

pytestmark = pytest.mark.mlip
pytest.importorskip(
    "torch_sim", reason="torch-sim is not installed: pip install dualion[torch-sim]"
)

Watch = Callable[[Any, int, dict[str, Any]], None]
"""Called with the state, the number of the call and the model's answer, which it may change."""


@pytest.fixture(autouse=True)
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report of a finished run takes seconds and is tested elsewhere."""
    monkeypatch.setattr(segment, "analyse_run", lambda folder, spec: None)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Watch | None], Any]:
    """Put the Lennard-Jones model in the registry, with someone looking on."""

    def register(watch: Watch | None = None) -> Any:
        model = argon_model(None, "cpu")
        if watch is not None:
            found = model.forward

            def forward(state: Any) -> dict[str, Any]:
                answer = found(state)
                watch(state, len(model.calls) - 1, answer)  # call 0 is the check
                return answer

            model.forward = forward
        monkeypatch.setitem(MODELS, ENGINE, (lambda path, device: model, "torch_sim"))
        return model

    return register


def three(folder: Path) -> list[Path]:
    """Two temperatures, two cells, three thermostats, two time steps."""
    return [
        make_run(folder / "a", argon(), 40.0),
        make_run(folder / "b", argon((2, 2, 3), squeeze=1.02), 60.0, seed=2, thermostat="bussi"),
        make_run(folder / "c", argon(), 40.0, seed=3, thermostat="langevin", timestep_fs=2.5),
    ]


def frames(path: Path) -> str:
    return gzip.decompress(RunFolder(path).trajectory.read_bytes()).decode()


def steps(path: Path) -> list[int]:
    words = frames(path).split()
    return [int(word.removeprefix("step=")) for word in words if word.startswith("step=")]


def numbers(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, energies and temperatures of all frames."""
    import ase.io

    read = ase.io.read(RunFolder(path).trajectory, index=":", format="extxyz")
    return (
        np.stack([atoms.positions for atoms in read]),
        np.array([atoms.get_potential_energy() for atoms in read]),
        np.array([atoms.info["temperature"] for atoms in read]),
    )


def states(found: list[Progress]) -> list[tuple[str, str]]:
    return [(progress.state, progress.reason) for progress in found]


def test_the_model_of_a_batch_gives_each_cell_ases_forces(watched: Any) -> None:
    watched()
    cells = [argon(), argon((2, 2, 3), squeeze=1.03), argon((3, 2, 2))]
    for seed, cell in enumerate(cells):
        cell.rattle(0.1, seed=seed)
        cell.positions += seed * np.array(cell.cell).sum(0)  # not folded back
    for cell, (energy, forces) in zip(cells, make_model(ENGINE, device="cpu")(cells), strict=True):
        cell.calc = ArgonCalculator()
        assert energy == pytest.approx(cell.get_potential_energy(), rel=1e-10)
        assert forces == pytest.approx(cell.get_forces(), abs=1e-10)


def test_runs_in_a_batch_are_those_runs_alone(tmp_path: Path, watched: Any) -> None:
    model = watched()
    batch, alone = three(tmp_path / "batch"), three(tmp_path / "alone")
    found = run_batch(batch, Resources(cores=2, gpus=1), device="cpu")
    assert states(found) == [("done", "budget_spent")] * 3
    assert model.calls[0] == 3
    assert set(model.calls) == {3, 1}  # c has twice the steps
    for ours, theirs in zip(batch, alone, strict=True):
        progress = run_segment(theirs, Resources(), device="cpu")
        assert progress.frames == RunFolder(ours).progress().frames > 15
        for value, wanted, far in zip(
            numbers(ours), numbers(theirs), (1e-4, 1e-5, 1e-2), strict=True
        ):
            assert value == pytest.approx(wanted, abs=far)


def test_a_stopped_batch_goes_on_without_a_gap_or_a_double_frame(
    tmp_path: Path, watched: Any
) -> None:
    stop = threading.Event()

    def ask(state: Any, call: int, answer: dict[str, Any]) -> None:
        if call == 13:
            stop.set()

    watched(ask)
    paths, unbroken = three(tmp_path / "segments"), three(tmp_path / "unbroken")
    found = run_batch(paths, Resources(), stop=stop, device="cpu")
    assert [progress.state for progress in found] == ["paused"] * 3
    assert all(0.0 < progress.done_ps < 0.15 for progress in found)
    watched()
    found = run_batch(paths, Resources(), device="cpu")
    assert states(found) == [("done", "budget_spent")] * 3
    assert [progress.segments for progress in found] == [2, 2, 2]
    run_batch(unbroken, Resources(), device="cpu")
    for path, whole in zip(paths, unbroken, strict=True):
        assert steps(path) == sorted(set(steps(path)))
        assert frames(path) == frames(whole)


def test_one_run_can_be_stopped_by_itself(tmp_path: Path, watched: Any) -> None:
    watched()
    paths = [make_run(tmp_path / name, argon(), 40.0) for name in "ab"]

    def stop_one(path: Path, resources: Resources, *, stop: Any, **rest: Any) -> Progress:
        if path == paths[0]:
            stop.set()
        return run_segment(path, resources, stop=stop, **rest)

    found = run_batch(paths, Resources(), device="cpu", segment=stop_one)
    assert [progress.state for progress in found] == ["paused", "done"]
    assert found[0].frames == 2


def test_a_run_goes_on_alone_where_a_batch_has_left_it(tmp_path: Path, watched: Any) -> None:
    stop = threading.Event()
    watched(lambda state, call, answer: stop.set() if call == 10 else None)
    paths, alone = three(tmp_path / "batch"), three(tmp_path / "alone")
    run_batch(paths, Resources(), stop=stop, device="cpu")
    progress = run_segment(paths[0], Resources(), device="cpu")
    assert progress.state == "done"
    assert run_segment(alone[0], Resources(), device="cpu").frames == progress.frames
    assert numbers(paths[0])[0] == pytest.approx(numbers(alone[0])[0], abs=1e-4)


class NoNumber(ArgonCalculator):
    """Gives NaN for every cell, as for one that has fallen apart."""

    def calculate(self, *given: Any, **named: Any) -> None:
        super().calculate(*given, **named)
        self.results = {key: value * np.nan for key, value in self.results.items()}


@pytest.mark.parametrize("also_alone", [True, False])
def test_a_run_that_becomes_no_number_leaves_the_others_alone(
    tmp_path: Path, watched: Any, monkeypatch: pytest.MonkeyPatch, also_alone: bool
) -> None:
    if also_alone:
        monkeypatch.setattr(torch_sim_batch, "make_calculator", lambda *_, **__: NoNumber())
    paths, undisturbed = three(tmp_path / "disturbed"), three(tmp_path / "undisturbed")
    large = len(RunFolder(paths[1]).atoms())

    def spoil(state: Any, call: int, answer: dict[str, Any]) -> None:
        import torch

        counts = torch.bincount(state.system_idx)
        if call > 8 and large in counts.tolist():
            at = counts.tolist().index(large)
            answer["energy"][at] = torch.nan
            answer["forces"][state.system_idx == at] = torch.nan

    watched(spoil)
    found = run_batch(paths, Resources(), device="cpu")
    assert states(found) == [
        ("done", "budget_spent"),
        ("failed", "not_finite" if also_alone else "engine_stopped"),
        ("done", "budget_spent"),
    ]
    assert found[1].attempt == (2 if also_alone else 1)
    wanted = "Half the time step did not" if also_alone else "finite ones for the same cell alone"
    assert wanted in found[1].message
    assert (paths[1] / "attempt-1").is_dir() == also_alone
    watched()
    run_batch(undisturbed, Resources(), device="cpu")
    for at in (0, 2):
        assert frames(paths[at]) == frames(undisturbed[at])


def test_a_run_that_the_potential_refuses_leaves_the_others_alone(
    tmp_path: Path, watched: Any
) -> None:
    paths = three(tmp_path)
    large = len(RunFolder(paths[1]).atoms())

    def refuse(state: Any, call: int, answer: dict[str, Any]) -> None:
        if call > 8 and large in state.system_idx.bincount().tolist():
            raise ValueError("no parameters for this")

    watched(refuse)
    found = run_batch(paths, Resources(), device="cpu")
    assert states(found)[1] == ("failed", "engine_stopped")
    assert "no parameters for this" in found[1].message
    assert [states(found)[at] for at in (0, 2)] == [("done", "budget_spent")] * 2


def test_the_cost_is_shared(tmp_path: Path, watched: Any) -> None:
    watched()
    paths = [make_run(tmp_path / name, argon(), 40.0) for name in "ab"]
    for progress in run_batch(paths, Resources(cores=3, gpus=1), device="cpu"):
        assert progress.wall_s > 0.0
        assert progress.core_hours == pytest.approx(progress.wall_s * 3 / 2 / 3600.0)
        assert progress.gpu_hours == pytest.approx(progress.wall_s / 2 / 3600.0)


def test_a_wrapper_with_other_forces_than_the_calculator_is_not_used(
    tmp_path: Path, watched: Any
) -> None:
    def double(state: Any, call: int, answer: dict[str, Any]) -> None:
        answer["forces"] *= 2.0  # as torch-sim 0.3's own Lennard-Jones has them

    watched(double)
    for progress in run_batch(three(tmp_path), Resources(), device="cpu"):
        assert (progress.state, progress.reason) == ("failed", "cannot_run")
        assert "run without a batch" in progress.message
        assert progress.frames == 0


def test_runs_of_several_engines_are_no_batch(tmp_path: Path, watched: Any) -> None:
    watched()
    paths = [make_run(tmp_path / "a", argon(), 40.0)]
    paths.append(make_run(tmp_path / "b", argon(), 40.0, engine="chgnet"))
    with pytest.raises(InputError, match="one engine and one model file"):
        run_batch(paths, Resources(), device="cpu")
    assert RunFolder(paths[0]).progress().state == "prepared"


def test_a_run_that_another_has_is_reported_after_the_others_work(
    tmp_path: Path, watched: Any
) -> None:
    watched()
    path = make_run(tmp_path / "a", argon(), 40.0)
    with pytest.raises(InputError, match="already being run"):
        run_batch([path, path], Resources(), device="cpu")
    assert RunFolder(path).progress().state == "done"


def test_a_worker_gets_a_batch_of_one_potential(
    watched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched()
    engines = [ENGINE, "grace", *[ENGINE] * 4, "grace"]
    runs = [
        SimpleNamespace(key=str(at), engine=engine, spec={"model_path": None})
        for at, engine in enumerate(engines)
    ]

    def shares(batch: int, lost: tuple[str, ...] = ()) -> list[str]:
        options = local.LocalOptions(batch=batch)
        driver = local._Driver(None, options, [], threading.Event(), 0.0, set(lost))
        waiting, found = list(runs), []
        while waiting:
            found.append("".join(run.key for run in driver._next(waiting)))
        return found

    assert not supports("grace")
    assert shares(4) == ["0234", "1", "5", "6"]
    assert shares(4, lost=("2",)) == ["0345", "1", "2", "6"]
    assert shares(1) == list("0123456")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert shares(4) == list("0123456")


def test_a_workers_batch_heeds_each_runs_own_requests(tmp_path: Path, watched: Any) -> None:
    watched()
    paths = [make_run(tmp_path / name, argon(), 40.0) for name in "ab"]
    (paths[1] / CANCEL).touch()
    job.main([*map(str, paths), "--device", "cpu", "--together"])  # the child of a Dask worker
    assert [RunFolder(path).progress().state for path in paths] == ["done", "cancelled"]


@pytest.mark.skipif(
    importlib.util.find_spec("sevenn") is None, reason="sevenn is not installed: pip install sevenn"
)
def test_sevennet_in_a_batch_is_sevennet_alone(tmp_path: Path) -> None:
    import sevenn
    from ase.build import bulk

    weights = "pretrained_potentials/SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth"
    model_path = str(Path(sevenn.__file__).parent / weights)
    small = bulk("LiI", "rocksalt", a=6.0).repeat((2, 2, 1))
    large = bulk("LiI", "rocksalt", a=6.1).repeat((3, 2, 2))
    how = {"engine": "sevennet", "model_path": model_path, "timestep_fs": 2.0}

    def make(folder: Path) -> list[Path]:
        return [
            make_run(folder / "a", small, 300.0, **how),
            make_run(folder / "b", large, 600.0, seed=2, **how),
        ]

    batch, alone = make(tmp_path / "batch"), make(tmp_path / "alone")
    assert supports("sevennet")
    assert [p.state for p in run_batch(batch, Resources(), device="cpu")] == ["done"] * 2
    for ours, theirs in zip(batch, alone, strict=True):
        run_segment(theirs, Resources(), device="cpu")
        for value, wanted, far in zip(
            numbers(ours), numbers(theirs), (1e-3, 1e-3, 0.5), strict=True
        ):
            assert value == pytest.approx(wanted, abs=far)
