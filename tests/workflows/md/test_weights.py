"""Model files: weights are loaded, programs in them never run, whatever the library does."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from dualion.structures.errors import InputError
from dualion.workflows.potentials.batch import make_model
from dualion.workflows.potentials.cards import CARDS
from dualion.workflows.potentials.load import make_calculator
from dualion.workflows.potentials.standalone.model_files import load_weights
from dualion.workflows.potentials.standalone.recipes import RECIPES

pytestmark = pytest.mark.mlip
torch = pytest.importorskip("torch", reason="torch is not installed; pip install 'dualion[mlip]'")

LIBRARIES = {
    "sevennet": ["sevenn", "sevenn.calculator", "sevenn.util"],
    "mattersim": ["mattersim", "mattersim.forcefield"],
    "orb": [
        "orb_models", "orb_models.forcefield", "orb_models.forcefield.calculator",
        "orb_models.forcefield.pretrained",
    ],
}  # fmt: skip


class Program:
    """What a hostile model file holds: loading it by pickle makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.target, "w")


class Careless:
    """A library that loads its file by its own code, which runs what the file holds."""

    def __init__(self, first: object = None, **options: object) -> None:
        path = options.get("load_path") or options.get("weights_path") or first
        self.content = torch.load(path, weights_only=False) if isinstance(path, str) else path


@pytest.fixture
def careless_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for libraries that are not installed, as careless as each could be."""
    for names in LIBRARIES.values():
        for name in names:
            module = types.ModuleType(name)
            for attribute in ("SevenNetCalculator", "MatterSimCalculator", "ORBCalculator"):
                setattr(module, attribute, Careless)
            module.orb_v2 = Careless  # type: ignore[attr-defined]
            module.model_from_checkpoint = Careless  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, module)
        for name in names[1:]:
            parent, _, child = name.rpartition(".")
            setattr(sys.modules[parent], child, sys.modules[name])


def hostile_files(folder: Path, ran: Path) -> list[Path]:
    """A program beside weights, one alone, and a plain pickle."""
    beside, alone, plain = (folder / name for name in ("beside.pth", "alone.pth", "plain.pth"))
    torch.save({"model": torch.zeros(3), "config": Program(ran)}, beside)
    torch.save(Program(ran), alone, _use_new_zipfile_serialization=False)
    plain.write_bytes(pickle.dumps({"model": Program(ran)}))
    return [beside, alone, plain]


@pytest.mark.usefixtures("careless_libraries")
@pytest.mark.parametrize("engine", sorted(LIBRARIES))
def test_programs_in_model_files_do_not_run(engine: str, tmp_path: Path) -> None:
    for file in hostile_files(tmp_path, tmp_path / "ran"):
        with pytest.raises(InputError, match="not a file of weights alone"):
            make_calculator(engine, model_path=file, device="cpu")
        assert not (tmp_path / "ran").exists(), file.name
    sound = tmp_path / "sound.pth"
    torch.save({"weight": torch.ones(2), "scale": np.arange(3.0), "mean": np.float32(0.5)}, sound)
    made = make_calculator(engine, model_path=sound, device="cpu")
    content = made.content if engine != "orb" else made.content.content  # ORB's takes a model
    assert content["mean"] == np.float32(0.5)
    np.testing.assert_array_equal(content["scale"], [0.0, 1.0, 2.0])


def test_every_family_either_reads_weights_alone_or_says_that_its_file_is_code() -> None:
    assert {card.family for card in CARDS.values()} == set(RECIPES)  # a new one is thought about
    told = {card.family for card in CARDS.values() if card.file_is_code}
    assert told == {"mace", "grace", "uma"}
    numbers_alone = {"nequix"}  # a format without programs
    assert told | set(LIBRARIES) | {"chgnet"} | numbers_alone == set(RECIPES)


@pytest.mark.usefixtures("careless_libraries")
@pytest.mark.parametrize("engine", sorted(LIBRARIES))
def test_nor_in_a_batch(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch_sim", "torch_sim.models", "torch_sim.models.sevennet",
                 "torch_sim.models.mattersim", "torch_sim.models.orb"):  # fmt: skip
        module = types.ModuleType(name)
        for attribute in ("SevenNetModel", "MatterSimModel", "OrbModel"):
            setattr(module, attribute, Careless)
        monkeypatch.setitem(sys.modules, name, module)
    for file in hostile_files(tmp_path, tmp_path / "ran"):
        with pytest.raises(InputError, match="not a file of weights alone"):
            make_model(engine, model_path=file, device="cpu")
        assert not (tmp_path / "ran").exists(), file.name


@pytest.mark.parametrize("core", ["core", "_core"])
def test_arrays_of_numpy_of_either_version_are_weights(core: str, tmp_path: Path) -> None:
    """Files name the module in which their numpy had its arrays: core in 1, _core in 2."""
    file = tmp_path / "arrays.pth"
    torch.save(
        {"a": np.arange(4.0), "b": np.float64(2.5)}, file, _use_new_zipfile_serialization=False
    )
    other = file.read_bytes()
    for name in ("numpy._core.multiarray", "numpy.core.multiarray"):
        other = other.replace(name.encode(), f"numpy.{core}.multiarray".encode())
    file.write_bytes(other)
    assert load_weights(file)["b"] == 2.5
    assert list(load_weights(file)["a"]) == [0.0, 1.0, 2.0, 3.0]


def test_an_environment_that_asks_for_less_care_changes_nothing(tmp_path: Path) -> None:
    """MACE sets this variable where it is imported, for every ``torch.load`` of the process."""
    ran = tmp_path / "ran"
    file = hostile_files(tmp_path, ran)[0]
    text = (
        "import sys; from pathlib import Path\n"
        "from dualion.workflows.potentials.standalone.model_files import load_weights\n"
        "load_weights(Path(sys.argv[1]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", text, str(file)],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        },
    )
    assert "not a file of weights alone" in ended.stderr
    assert not ran.exists()


@pytest.mark.parametrize("command", [["md", "queue"], ["dope"]])
def test_every_help_says_that_a_model_file_is_code(command: list[str]) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "dualion", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ
        | {"COLUMNS": "100", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    ).stdout
    plain = " ".join(found.replace("\u2502", " ").split())
    assert "--model-path" in plain and "can hold a program that runs when it is loaded" in plain
