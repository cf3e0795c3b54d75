"""No room imports from a room to its right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOMS = ("structures", "screening", "results", "workflows")
ROOT = Path(__file__).resolve().parents[1]


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        found |= {name.split(".")[0] for name in names} & set(ROOMS)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_left(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    wrong = {str(path.relative_to(ROOT)): imported_rooms(path) - allowed for path in files}
    assert not {path: rooms for path, rooms in wrong.items() if rooms}


def test_every_package_is_listed_for_installation():
    import tomllib

    listed = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    )
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert there == listed
