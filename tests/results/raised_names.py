"""Names of flags and reasons as the code gives them, found in its syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("structures", "screening", "results", "workflows")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

REASON_ARGUMENT = {
    "refusal": 1,
    "rejection": 2,
    "ReadProblem": 0,
    "_problem": 0,
    "EngineError": 0,
    "GuardTrippedError": 0,
    "limit_filter": 0,
    "_flag_filter": 0,
    "_any_filter": 0,
    "_avoid_filter": 0,
    "_required_filter": 0,
    "symptom": 1,
    "_lost": 3,
    "_end": 2,
    "end_run": 2,
}
"""Functions that take a reason by its place, and the place."""


FLAG_ARGUMENT = {"_solve": 2, "_unresolved": 2}
"""Functions that take flags from a place on."""


def texts_of_code(*, besides: str) -> set[str]:
    """Every text in the code, but for one file."""
    return {
        node.value
        for path, tree in modules()
        if path != ROOT / besides
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the four rooms, parsed."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.Call) -> str:
    """Last part of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def constants_of(tree: ast.Module) -> dict[str, str]:
    """Texts that a module names in capitals."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


def names_in(node: ast.AST, known: dict[str, str]) -> set[str]:
    """Names that an expression can be: constants, both sides of a choice, parts of a tuple."""
    if isinstance(node, ast.Constant):
        text = node.value if isinstance(node.value, str) else ""
        return {text} if NAME.fullmatch(text) else set()
    if isinstance(node, ast.Name):
        return {known[node.id]} if node.id in known else set()
    if isinstance(node, ast.IfExp):
        return names_in(node.body, known) | names_in(node.orelse, known)
    if isinstance(node, ast.Tuple | ast.List):
        return set().union(*(names_in(part, known) for part in node.elts))
    if isinstance(node, ast.Starred):
        return names_in(node.value, known)
    return set()


def reasons_raised() -> dict[str, str]:
    """Reason → where it is given."""
    shared = {}
    for _, tree in modules():
        shared |= constants_of(tree)
    found: dict[str, str] = {}
    for path, tree in modules():
        known = shared | constants_of(tree)
        for node in ast.walk(tree):
            for name in _reasons_of(node, known):
                found.setdefault(name, str(path.relative_to(ROOT)))
    return found


def _reasons_of(node: ast.AST, known: dict[str, str]) -> set[str]:
    if isinstance(node, ast.Call):
        found = set()
        for keyword in node.keywords:
            if keyword.arg == "reason" or (
                called(node) in ("_Death", "death") and keyword.arg == "kind"
            ):
                found |= names_in(keyword.value, known)
        if called(node) == "getattr" and names_in(node.args[1], known) == {"reason"}:
            found |= names_in(node.args[-1], known)
        place = REASON_ARGUMENT.get(called(node), len(node.args))
        if place < len(node.args):
            found |= names_in(node.args[place], known)
        return found
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(t, ast.Name) and t.id == "reason" for t in targets):
            return names_in(node.value, known)
    return set()


def flags_raised() -> dict[str, str]:
    """Flag → where it is given."""
    shared = {}
    for _, tree in modules():
        shared |= constants_of(tree)
    found: dict[str, str] = {}
    for path, tree in modules():
        known = shared | constants_of(tree)
        for node in ast.walk(tree):
            for name in _flags_of(node, known):
                found.setdefault(name, str(path.relative_to(ROOT)))
    return found


def _flags_of_tuple(node: ast.Tuple, known: dict[str, str]) -> set[str]:
    """Flags of ``(*flags, "one")``, and of a tuple of one snake_case name alone."""
    if any(isinstance(e, ast.Starred) and "flags" in ast.dump(e.value) for e in node.elts):
        return names_in(node, known)
    alone = names_in(node, {}) if len(node.elts) == 1 else set()
    return {name for name in alone if "_" in name}


def _flags_of(node: ast.AST, known: dict[str, str]) -> set[str]:
    if isinstance(node, ast.keyword) and node.arg == "flags":
        return names_in(node.value, known)
    if isinstance(node, ast.Tuple):
        return _flags_of_tuple(node, known)
    if isinstance(node, ast.Call) and (
        called(node) == "with_flags"
        or (called(node) == "append" and "flags" in ast.dump(node.func))
    ):
        return set().union(*(names_in(argument, known) for argument in node.args))
    if isinstance(node, ast.Call) and called(node) in FLAG_ARGUMENT:
        given = node.args[FLAG_ARGUMENT[called(node)] :]
        return set().union(*(names_in(argument, known) for argument in given))
    if isinstance(node, ast.Assign):
        if any(isinstance(t, ast.Name) and t.id == "flag" for t in node.targets):
            return names_in(node.value, known)
    elif isinstance(node, ast.FunctionDef) and node.name.endswith("_flags"):
        returned = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value]
        return set().union(*(names_in(value, known) for value in returned))
    return set()
