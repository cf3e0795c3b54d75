"""A sample of the spoilt files of benchmarks/mutants.py: no traceback, a row each."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "benchmarks" / "mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("seed", "count"), [(11, 40), pytest.param(12, 2000, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("kind", ["structures", "trajectories"])
def test_spoilt_files_give_rows(mutants: ModuleType, kind: str, seed: int, count: int) -> None:
    outcomes, faults = mutants.run(mutants.KINDS[kind], count, seed)
    assert not faults, faults[0]
    assert sum(outcomes.values()) >= count
    assert 0.1 < outcomes["ok"] / sum(outcomes.values()) < 0.9  # spoilt, but not beyond reading


def test_sound_files_are_read_and_a_reader_that_raises_is_a_fault(
    mutants: ModuleType, tmp_path: Path
) -> None:
    for name, data in mutants.structure_seeds().items():
        (tmp_path / name).write_bytes(data)
        assert set(mutants.read_structure_file(tmp_path / name)) == {"ok"}, name

    def read(path: Path) -> list[str]:
        raise RuntimeError(path.name)

    broken = mutants.Kind(seeds=lambda: {"a": b"abc"}, read=read)
    outcomes, faults = mutants.run(broken, 3, 1)
    assert (sum(outcomes.values()), len(faults)) == (0, 3)
    first, second = (mutants.mutate(b"1 2 3\n", random.Random("1 0")) for _ in range(2))
    assert first == second
