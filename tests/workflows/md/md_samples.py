"""Small MD runs for tests: copper with ASE's EMT, through the same engine as any potential."""

import hashlib
import io
from pathlib import Path

import ase.build
import ase.io
from ase.calculators.calculator import Calculator, all_changes

from dualion.workflows.md.plan.protocol import MdProtocol
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.run_folder import RunFolder

EMT = "ase.calculators.emt:EMT"


def protocol(**changes) -> MdProtocol:
    """A protocol of a fifth of a picosecond."""
    short = {
        "timestep_fs": 5.0,
        "equilibration_ps": 0.05,
        "production_ps": 0.2,
        "budget_ps": 0.4,
        "block_ps": 0.1,
        "frame_fs": 10.0,
        "still_after_ps": 10.0,
    }
    return MdProtocol.model_validate(short | changes)


def cell_text(atoms=None) -> str:
    """A cell as the queue writes it; 32 copper atoms unless others are given."""
    text = io.StringIO()
    cell = atoms if atoms is not None else ase.build.bulk("Cu", cubic=True).repeat(2)
    ase.io.write(text, cell, format="extxyz")
    return text.getvalue()


def run_folder(
    path: Path, *, atoms=None, engine: str = EMT, temperature_k: float = 600.0, **changes
) -> RunFolder:
    """A prepared run."""
    text = cell_text(atoms)
    spec = RunSpec(
        structure_key="0123abcd",
        source_id="Cu",
        formula="Cu",
        cation="Cu+",
        anion="I-",
        cell_sha256=hashlib.sha256(text.encode()).hexdigest(),
        engine=engine,
        temperature_k=temperature_k,
        seed=7,
        protocol=protocol(**changes),
    )
    folder = RunFolder(path)
    folder.create(spec, text)
    return folder


class Breaking(Calculator):
    """EMT that fails from a step on, in a way of its sub-class."""

    implemented_properties = ("energy", "forces")
    after = 30
    calls = 0

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        """Energy and forces, or what the sub-class makes of them."""
        from ase.calculators.emt import EMT as Emt

        super().calculate(atoms, properties, system_changes)
        inner = Emt()
        inner.calculate(atoms, ["energy", "forces"], all_changes)
        self.results = {"energy": inner.results["energy"], "forces": inner.results["forces"]}
        type(self).calls += 1
        if type(self).calls > self.after:
            self.spoil()

    def spoil(self) -> None:
        """Make the results wrong."""
        raise NotImplementedError


class NotANumber(Breaking):
    """Gives NaN, as a potential far from what it has learnt does."""

    def spoil(self) -> None:
        """Make the results NaN."""
        self.results["energy"] = float("nan")
        self.results["forces"] = self.results["forces"] * float("nan")


class Raising(Breaking):
    """Raises, as a program without memory does."""

    def spoil(self) -> None:
        """Raise."""
        raise RuntimeError("no more memory on the device")
