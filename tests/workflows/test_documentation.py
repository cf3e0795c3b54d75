"""The documentation agrees with the code: commands exist, the tutorial runs as printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from workflows.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
FENCE = re.compile(r"```(\w+)\n(.*?)```", flags=re.DOTALL)


def blocks(page, *languages):
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for language, text in found if language in languages]


def commands_of(page):
    """Lines of the page that call dualion, without the prompt."""
    lines = [
        line.removeprefix("$ ").split(" #")[0].strip()
        for text in blocks(page, "bash", "console")
        for line in text.splitlines()
    ]
    return [part.strip() for line in lines for part in line.split("&&") if "dualion " in part]


@pytest.fixture(scope="module")
def command_line():
    return typer.main.get_command(app)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_and_options_exist(page, command_line):
    for text in commands_of(page):
        words = shlex.split(text)
        words = words[words.index("dualion") + 1 :]
        node = command_line
        while hasattr(node, "commands") and words and not words[0].startswith("-"):
            assert words[0] in node.commands, f"{page.name}: {text}"
            node = node.commands[words.pop(0)]
        known = {name for one in node.params for name in (*one.opts, *one.secondary_opts)}
        known |= {"--help", "--version"}
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        assert used <= known, f"{page.name}: {text}"


RUNNABLE = [page for page in PAGES if page.name == "ranking.md"]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_python_blocks_run(page, capsys):
    for text in blocks(page, "python"):
        exec(compile(text, page.name, "exec"), {})
    assert capsys.readouterr().out.splitlines()[0].startswith("1 ")


def test_every_page_is_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name.startswith("case-") or name in menu, name


@pytest.mark.tutorial
def test_tutorial_runs_as_printed(tmp_path):
    """Each bash block in order, in one empty folder, by a shell that stops at the first error."""
    script = "\n".join(blocks(ROOT / "docs" / "tutorial.md", "bash"))
    assert "dualion report" in script
    here = Path(sys.executable).parent
    search = {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=os.environ | search,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "first" / "report.html").stat().st_size > 100_000
    assert (tmp_path / "first" / "export" / "structures.zip").exists()
