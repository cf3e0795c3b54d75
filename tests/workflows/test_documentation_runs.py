"""The documentation's commands and Python run as printed.

The tutorial runs in a shell, line by line. The blocks of the other pages run in this process, in
a folder that holds what the page speaks of; the Materials Project is a server on loopback.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from documentation import PAGES, ROOT, blocks, commands, name_of, shell_blocks
from documentation_worlds import WORLDS
from source_servers import MP_KEY, materials_project, mp_document, rock_salt, serving

from dualion.structures.sources import MaterialsProjectSource
from dualion.structures.sources import open as sources_open
from dualion.workflows.cli import main as cli

pytestmark = pytest.mark.tutorial

INSTALLS = "pip install"
"""Blocks with this are run by ``.ci/run``, in a new environment."""

BY_SHELL = "docs/tutorial.md"


def to_run(page: Path) -> list[str]:
    """Blocks of shell lines that are to run in this process."""
    if name_of(page) == BY_SHELL:
        return []
    return [text for text in shell_blocks(page) if INSTALLS not in text]


RUNNABLE = [page for page in PAGES if to_run(page) or blocks(page, "python")]


@pytest.fixture
def materials_project_here(monkeypatch):
    """The Materials Project is a loopback server that holds a few salts."""
    documents = {
        f"mp-{n}": mp_document(f"mp-{n}", rock_salt(5.0 + n / 10, anion=anion), band_gap=2.0)
        for n, anion in enumerate(("I", "S", "Cl"), start=1)
    }
    with serving(materials_project(documents)) as server:

        def here(query, access, _):
            return MaterialsProjectSource(query=query, access=access, endpoint=server.url)

        monkeypatch.setattr(sources_open, "_materials_project", here)
        monkeypatch.setenv("MP_API_KEY", MP_KEY)
        yield


@pytest.fixture
def world(tmp_path, monkeypatch, materials_project_here, shared_workers):
    """Makes the folder of a page and goes there."""
    monkeypatch.setenv("DUALION_CACHE", str(tmp_path / "cache"))

    def made(page: Path) -> Path:
        here = tmp_path / "here"
        here.mkdir()
        WORLDS.get(name_of(page), lambda _: None)(here)
        monkeypatch.chdir(here)
        return here

    return made


def run(monkeypatch, words: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["dualion", *words])
    try:
        cli.main()
    except SystemExit as end:
        assert not end.code, words


@pytest.mark.parametrize("page", RUNNABLE, ids=name_of)
def test_blocks_run(page, world, monkeypatch, capsys):
    here = world(page)
    before = set(here.rglob("*"))
    calls = [words for text in to_run(page) for words in commands(text)]
    for words in calls:
        run(monkeypatch, words)
    named = [words[words.index(flag) + 1] for words in calls for flag in ("--output", "--out")
             if flag in words]  # fmt: skip
    assert all((here / name).exists() for name in named)
    assert not calls or set(here.rglob("*")) > before or "fetch" in calls[0]
    capsys.readouterr()
    for text in blocks(page, "python"):
        exec(compile(text, page.name, "exec"), {})
        assert capsys.readouterr().out.strip(), "the block shows nothing"


def test_every_shell_line_is_a_command_of_ours():
    """In this process only these can run; anything else belongs into the tutorial."""
    for page in PAGES:
        for text in to_run(page):
            lines = [line for line in text.splitlines() if line.strip()]
            assert len(commands(text)) >= len(lines), name_of(page)


def test_a_campaign_of_the_page_can_be_taken_up_again(world, monkeypatch, capsys):
    page = ROOT / "docs" / "campaigns.md"
    here = world(page)
    for text in to_run(page):
        for words in commands(text):
            run(monkeypatch, words)
    assert "2 different structures, none done" in " ".join(capsys.readouterr().out.split())
    assert (here / "halides" / "candidates.csv").is_file()
    run(monkeypatch, ["run", "halides/campaign.yaml"])
    assert "Nothing to do" in capsys.readouterr().out


def test_temperatures_and_steps_of_the_vasp_page_are_read_from_its_input(world, monkeypatch):
    page = ROOT / "docs" / "how-to" / "vasp.md"
    here = world(page)
    for text in to_run(page):
        for words in commands(text):
            run(monkeypatch, words)
    found = [
        json.loads((here / f"transport/run_{n}/transport.json").read_text()) for n in (1, 2, 3)
    ]
    assert [one["temperature_k"] for one in found] == [600.0, 700.0, 800.0]
    assert {one["frame_step_ps"] for one in found} == {0.01}
    verdicts = [s["verdict"] for one in found for s in one["species"] if s["species"] == "Li"]
    assert len(verdicts) == 3
    assert ("Li" in found[0]["arrhenius"]) is (verdicts.count("diffusing") >= 2)


def test_tutorial_runs_as_printed(tmp_path):
    """Each bash block in order, in one empty folder, by a shell that stops at the first error."""
    script = "\n".join(blocks(ROOT / BY_SHELL, "bash"))
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
