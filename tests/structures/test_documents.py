"""Documents: what comes back, and what is refused."""

from __future__ import annotations

from itertools import islice

import pytest

from dualion.screening.triple import Triple
from dualion.structures.crystal import IonicCrystal
from dualion.structures.documents import Document
from dualion.structures.errors import InputError, UnpreparableStructureError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare
from dualion.structures.records import StructureRecord


@pytest.fixture(scope="module")
def crystal() -> IonicCrystal:
    (record,) = read_structures(list(islice(reference_paths(), 1)))
    assert isinstance(record, StructureRecord)
    return prepare(record.structure)


def test_arrays_keep_values_and_types(crystal: IonicCrystal) -> None:
    again = IonicCrystal.from_dict(crystal.as_dict())
    for name in ("cell", "frac", "numbers", "charges", "occupancies"):
        before, after = getattr(crystal, name), getattr(again, name)
        assert before.dtype == after.dtype
        assert (before == after).all()
    assert again.flags == crystal.flags
    assert isinstance(crystal, Document)


@pytest.mark.parametrize(
    "change",
    [
        {"flags": {"@module": "os", "@class": "system"}},
        {"flags": {"@module": "subprocess", "@class": "Popen", "args": "true"}},
        {"flags": {"@module": "dualion.structures.documents", "@class": "import_module"}},
        {"flags": {"@module": "dualion.nowhere", "@class": "Thing"}},
        {"numbers": {"@module": "numpy", "@class": "array", "dtype": "object", "data": [1]}},
        {"numbers": {"@module": "numpy", "@class": "array", "dtype": "int64", "data": ["x"]}},
        {"unknown": 1},
    ],
)
def test_what_is_no_result_of_this_package_is_refused(
    crystal: IonicCrystal, change: dict[str, object]
) -> None:
    with pytest.raises((InputError, UnpreparableStructureError)):
        IonicCrystal.from_dict({**crystal.as_dict(), **change})


def test_energies_are_taken_above_a_base_in_each_dimension() -> None:
    tops = Triple(1.0, 2.0, float("inf"))
    assert tops.above(Triple(0.5, 0.25, 0.0)) == (0.5, 1.75, float("inf"))
