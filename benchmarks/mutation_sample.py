"""A random sample of small faults in the code: which of them do the tests notice?

    python benchmarks/mutation_sample.py --count 60 --seed 1 --output mutants.jsonl

Each mutant is one change of one place in a copy of the tree: a comparison flipped or moved by its
boundary, an arithmetic operator swapped, a constant changed, a condition negated, ``and`` for
``or``, a statement removed. The tests that reach the module by imports run until the first failure,
the nearest first. Kernels are compiled afresh for a mutant in a kernel, since numba
keys its cache by the file alone. Prints the survivors and their share; a time-out is told apart,
as it may be the machine's.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("screening", "results")
WHOLE_ROOM = ("test_golden_rows.py", "test_pairs.py")
"""Tests that go through a whole room."""
QUICK = "results/test_score_boundaries.py"
"""A test that must pass on the unchanged tree, so that nothing is killed by a broken copy."""
COPIED = ("dualion", "structures", "screening", "results", "workflows", "tests", "docs",
          "benchmarks", "pyproject.toml", "README.md", "mkdocs.yml")  # fmt: skip
FLIPPED = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip
KINDS = {"comparison": 5, "arithmetic": 4, "constant": 3, "boolean": 1, "negation": 2,
         "removed statement": 2}  # fmt: skip
"""Kinds of change and how many of each are drawn in a round: constants are more than all others."""
MEMORY_BYTES = 8 << 30
"""What the tests of one mutant may map: one whose arrays grow without end is found by that."""
TABLE_NUMBERS = 20
"""A literal of so many numbers is a table of data, not code."""
DRAWN = re.compile(r"figure|results/transport/overview")
"""Modules that draw: their constants are sizes and colours, which no test can call wrong."""
SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change.

    Attributes:
        path: file below the root.
        line: line of the change.
        kind: what is changed.
        start, end: offsets in the file's bytes.
        before, after: text of the place.
    """

    path: str
    line: int
    kind: str
    start: int
    end: int
    before: str
    after: str


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every change of a file."""
    source = path.read_bytes()
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    tree = ast.parse(source)
    left_out = set(_left_out(tree))
    for node in ast.walk(tree):
        if node in left_out or not hasattr(node, "lineno"):
            continue
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        before = source[start:end].decode()
        for kind, after in changes_of(node):
            yield Mutant(
                path=str(path.relative_to(ROOT)), line=node.lineno, kind=kind,
                start=start, end=end, before=before, after=after,
            )  # fmt: skip


def _left_out(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield nodes whose change says nothing: annotations, texts of errors, typing."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            parts = [node.returns, *(argument.annotation for argument in arguments)]
        elif (
            isinstance(node, ast.JoinedStr | ast.Raise | ast.Assert)
            or _is_typing(node)
            or (isinstance(node, ast.Dict | ast.Tuple) and _numbers_in(node) >= TABLE_NUMBERS)
        ):
            parts = [node]
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            parts = [node.value] if ast.unparse(node.value).split("[")[0].istitle() else []
        for part in parts:
            if part is not None:
                yield from ast.walk(part)


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _numbers_in(node: ast.AST) -> int:
    return sum(isinstance(n, ast.Constant) and type(n.value) in (int, float)
               for n in ast.walk(node))  # fmt: skip


def changes_of(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield kind and new text of each change of a node."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for new in FLIPPED.get(type(node.ops[0]), ()):
            yield "comparison", ast.unparse(ast.Compare(node.left, [new()], node.comparators))
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
        if not isinstance(node.left, ast.Constant | ast.JoinedStr) or not isinstance(
            node.left.value if isinstance(node.left, ast.Constant) else "", str
        ):
            new_op = SWAPPED[type(node.op)]()
            yield "arithmetic", f"({ast.unparse(ast.BinOp(node.left, new_op, node.right))})"
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        value = node.value
        yield "constant", repr(value + 1) if isinstance(value, int) else repr(value * 1.1 or 1.0)
    elif isinstance(node, ast.BoolOp):
        new_bool = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "boolean", f"({ast.unparse(ast.BoolOp(new_bool, node.values))})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "negation", f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.IfExp):
        new = ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        yield "negation", f"({ast.unparse(new)})"
    elif isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "removed statement", "pass"


def tests_for(path: str, tests: Path, *, near_alone: bool = False) -> list[str]:
    """Name the test files of the room that reach a module by imports, the nearest first.

    Args:
        path: the module's file below the root.
        tests: the folder of the tests.
        near_alone: take those alone that import the module itself, where there are any.
    """
    steps = _steps_to(path)
    found: list[tuple[int, str]] = []
    for file in sorted((tests / path.split("/")[0]).rglob("test_*.py")):
        distances = [steps[name] for name in _imports_of(file) if name in steps]
        if distances or file.name in WHOLE_ROOM:
            found.append((min(distances, default=len(steps)), str(file)))
    near = [file for distance, file in found if distance == 0]
    return near if near_alone and near else [file for _, file in sorted(found)]


@cache
def _steps_to(path: str) -> dict[str, int]:
    """Modules that import one, directly or through others → how many imports lie between."""
    of_modules = _imports_of_modules()
    steps, reached = {_module_of(path): 0}, {_module_of(path)}
    while reached:
        reached = {m for m, names in of_modules.items() if m not in steps and names & reached}
        steps |= dict.fromkeys(reached, max(steps.values()) + 1)
    return steps


@cache
def _imports_of_modules() -> dict[str, frozenset[str]]:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    return {_module_of(str(file.relative_to(ROOT))): _imports_of(file) for file in files}


def _module_of(path: str) -> str:
    return "dualion." + path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@cache
def _imports_of(file: Path) -> frozenset[str]:
    """Modules of this project that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in names if name.startswith("dualion."))


def copy_tree(target: Path) -> None:
    """Copy what the tests need."""
    ignored = shutil.ignore_patterns("__pycache__", ".mypy_cache", "case")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, target / name)


HEAVY = (
    "numba", "scipy.special", "scipy.optimize", "scipy.ndimage", "pymatgen.core", "pymatgen.io.cif",
    "ase.io", "sqlalchemy", "matplotlib.figure", "typer", "rich.table", "spglib",
    "pytest",
)  # fmt: skip
"""Packages that every run of the tests imports; a child process finds them loaded."""


def run_tests(tree: Path, files: list[str], *, limit_s: float, cache: Path) -> str:
    """Run tests in a forked child until the first failure: ``killed``, ``survived``, ``time-out``.

    The child has the heavy packages already, but none of this project.
    """
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # a group to kill by, in the session whose priority the user chose
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        _become_tests(tree, files, cache)
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.2)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "time-out"


def _become_tests(tree: Path, files: list[str], cache: Path) -> None:
    """Run pytest in this process, in silence, and leave it."""
    code = 99
    try:
        import numba
        import pytest

        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os.chdir(tree)
        numba.config.CACHE_DIR = str(cache)
        os.environ |= {"PYTHONPATH": str(tree), "NUMBA_CACHE_DIR": str(cache)}
        sys.path.insert(0, str(tree))
        sys.dont_write_bytecode = True
        code = int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *files]))
    finally:
        os._exit(code)


def judge_mutant(
    mutant: Mutant, tree: Path, *, limit_s: float, warm: Path, near_alone: bool
) -> str:
    """Change the copy, run the tests, change it back."""
    file = tree / mutant.path
    source = file.read_bytes()
    changed = source[: mutant.start] + mutant.after.encode() + source[mutant.end :]
    try:
        ast.parse(changed)
    except SyntaxError:
        return "invalid"
    file.write_bytes(changed)
    try:
        with tempfile.TemporaryDirectory() as fresh:
            cache = Path(fresh) if file.name.endswith("_kernel.py") else warm
            files = tests_for(mutant.path, tree / "tests", near_alone=near_alone)
            return run_tests(tree, files, limit_s=limit_s, cache=cache)
    finally:
        file.write_bytes(source)


def sample(count: int, seed: int, *, kernels: bool, like: str) -> list[Mutant]:
    """Draw mutants of all kinds, each file by the number of its places."""
    by_kind: dict[str, list[Mutant]] = {kind: [] for kind in KINDS}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if path.name.endswith("_kernel.py") > kernels or not re.search(like, str(path)):
                continue
            for mutant in mutants_of(path):
                if mutant.kind != "constant" or not DRAWN.search(mutant.path):
                    by_kind[mutant.kind].append(mutant)
    draw = random.Random(seed)
    for found in by_kind.values():
        draw.shuffle(found)
    chosen: list[Mutant] = []
    while len(chosen) < count and any(by_kind.values()):
        for kind, share in KINDS.items():
            chosen += [by_kind[kind].pop() for _ in range(min(share, len(by_kind[kind])))]
    return chosen[:count]


def main() -> None:
    """Draw, run and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit-s", type=float, default=600.0, help="per mutant")
    parser.add_argument("--kernels", action="store_true", help="also mutate compiled kernels")
    parser.add_argument("--like", default="", help="files whose path matches alone")
    parser.add_argument("--near", action="store_true", help="tests that import the module alone")
    parser.add_argument("--only", default="", help="numbers of the sample to run, as in 3,7,12")
    parser.add_argument("--output", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--check", action="store_true", help="run the unchanged tree first")
    parser.add_argument("--list", action="store_true", help="show the sample and run nothing")
    asked = parser.parse_args()
    chosen = sample(asked.count, asked.seed, kernels=asked.kernels, like=asked.like)
    if asked.list:
        for mutant in chosen:
            print(f"{mutant.path}:{mutant.line} {mutant.kind}: {mutant.before} → {mutant.after}")
        return
    assert not any(name.split(".")[0] == "dualion" for name in sys.modules)
    for name in HEAVY:
        import_module(name)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, asked.output.open("a", encoding="utf-8") as log:
        tree = Path(folder) / "tree"
        warm = Path(folder) / "numba"
        tree.mkdir()
        copy_tree(tree)
        rooms = [str(tree / "tests" / room) for room in ROOMS]
        unchanged = rooms if asked.check else [str(tree / "tests" / QUICK)]
        fate = run_tests(tree, unchanged, limit_s=10 * asked.limit_s, cache=warm)
        if fate != "survived":
            raise SystemExit(f"The tests of the unchanged tree do not pass ({fate}).")
        only = {int(text) for text in asked.only.split(",") if text}
        for number, mutant in enumerate(chosen):
            if only and number not in only:
                continue
            start = time.perf_counter()
            fate = judge_mutant(
                mutant, tree, limit_s=asked.limit_s, warm=warm, near_alone=asked.near
            )
            found[fate] += 1
            seconds = round(time.perf_counter() - start, 1)
            log.write(json.dumps(asdict(mutant) | {"number": number, "fate": fate,
                                                   "seconds": seconds}) + "\n")  # fmt: skip
            log.flush()
            if fate != "killed":
                print(f"{number} {fate} {mutant.path}:{mutant.line} {mutant.kind}: "
                      f"{mutant.before!r} → {mutant.after!r}", flush=True)  # fmt: skip
    counted = sum(found.values()) - found["invalid"]
    print(dict(found), f"survivors: {found['survived'] / max(1, counted):.0%}")


if __name__ == "__main__":
    main()
