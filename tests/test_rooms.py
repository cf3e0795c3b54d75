"""The order of the rooms: imports point left, no circles, no drawers, every package installed."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOMS = ("structures", "screening", "results", "workflows")
ROOT = Path(__file__).resolve().parents[1]
FULLEST_FOLDER = 20
"""Modules in one folder; more is a drawer."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("dualion", *(parts[:-1] if parts[-1] == "__init__" else parts)))


FILES = {module_name(path): path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}


def typing_only(tree: ast.Module) -> set[ast.AST]:
    """Nodes below ``if TYPE_CHECKING``: they never run."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }


def imported_names(path: Path, *, also_typing: bool) -> set[str]:
    """Every dotted name that a file imports; of ``from a import b`` both ``a`` and ``a.b``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    left_out = set() if also_typing else typing_only(tree)
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in left_out:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_left(room):
    wrong_rooms = {f"dualion.{other}" for other in ROOMS[ROOMS.index(room) + 1 :]}
    wrong = {}
    for name, path in FILES.items():
        if name.split(".")[1] == room:
            names = imported_names(path, also_typing=True)
            wrong[name] = {n for n in names if ".".join(n.split(".")[:2]) in wrong_rooms}
    assert wrong
    assert not {name: names for name, names in wrong.items() if names}


def test_no_room_is_imported_by_its_bare_name():
    for name, path in FILES.items():
        bare = {n for n in imported_names(path, also_typing=True) if n.split(".")[0] in ROOMS}
        assert not bare, f"{name} imports {bare}"


def import_circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of two modules or more (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = [stack.pop()]
            while component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_circles_are_found():
    assert import_circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]]


def test_no_circle_of_imports():
    graph = {
        name: {n for n in imported_names(path, also_typing=False) if n in FILES and n != name}
        for name, path in FILES.items()
        if path.name != "__init__.py"
    }
    graph = {name: {n for n in names if n in graph} for name, names in graph.items()}
    assert not import_circles(graph)


def test_no_folder_is_a_drawer():
    for folder in {path.parent for path in FILES.values()}:
        count = len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        assert count <= FULLEST_FOLDER, f"{folder.relative_to(ROOT)} holds {count} modules"


def test_every_package_is_listed_for_installation():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    there = {name for name, path in FILES.items() if path.name == "__init__.py"}
    assert there | {"dualion"} == listed
