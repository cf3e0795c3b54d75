"""``dualion init, run, status, submit, cancel`` as a user meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dualion.structures.errors import DualionError
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.cli import cancel as cancel_command
from dualion.workflows.cli import init as init_command
from dualion.workflows.cli import run as run_command
from dualion.workflows.cli import status as status_command
from dualion.workflows.cli import submit as submit_command

POSCAR = "LiF\n{a} 0 0\n0 {a} 0\n0 0 {a}\nLi F\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"


@pytest.fixture
def app() -> typer.Typer:
    found = typer.Typer(pretty_exceptions_enable=False)
    for command in (init_command, run_command, status_command, submit_command, cancel_command):
        command.register(found)
    return found


def structures(folder: Path, number: int) -> Path:
    folder.mkdir()
    for index in range(number):
        text = POSCAR.format(a=3.0 + 0.0005 * index).replace("LiF\n", "LiF\n1.0\n", 1)
        (folder / f"{index:04d}.vasp").write_text(text)
    return folder


@pytest.mark.usefixtures("shared_workers")
def test_from_init_to_the_tables(app: typer.Typer, tmp_path: Path) -> None:
    inputs = structures(tmp_path / "in", 6)
    runner = CliRunner()

    def said(*words: object) -> str:
        result = runner.invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    folder = tmp_path / "c"
    assert "dualion run" in said("init", folder, "--files", inputs)
    plan = said("run", folder, "--dry-run")
    assert "6 structures" in plan
    assert "6 different structures, none done" in plan
    assert "done 0, left 0" in said("status", folder)
    assert "screened.csv" in said("run", folder, "--workers", 1)
    assert "Nothing to do" in said("run", folder)
    assert "structures: 6, done 6, left 0" in said("status", folder)
    found = json.loads(said("status", folder, "--json"))
    assert (found["done"], found["left"], found["rows"]) == (6, 0, {"ok": 6})
    assert found["driver"]["running"] is False
    assert "No job of this campaign" in said("cancel", folder)
    assert "Nothing is left" in said("submit", folder, "--scheduler", "slurm")


def test_mistakes_end_in_one_sentence(app: typer.Typer, tmp_path: Path) -> None:
    def complaint(*words: object) -> str:
        with pytest.raises(DualionError) as caught:
            CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        return str(caught.value)

    assert "dualion init" in complaint("run", tmp_path / "campaign.yaml")
    (tmp_path / "campaign.yaml").write_text("sources:\n  - flies: [a]\n")
    assert "line 2: unknown key 'flies'; did you mean 'files'?" in complaint("run", tmp_path)
    (tmp_path / "campaign.yaml").write_text("sources:\n  - files: [missing.cif]\n")
    assert "does not exist" in complaint("run", tmp_path)
    assert "there already" in complaint("init", tmp_path)
    assert "shards is 0" in complaint("submit", tmp_path, "--shards", 0)


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    inputs = structures(tmp_path / "in", 800)
    folder = tmp_path / "c"
    file = init_command.write_template(folder, [str(inputs)])
    campaign = load_campaign(file)
    with subprocess.Popen(
        [sys.executable, "-m", "dualion", "run", str(file), "--workers", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    ) as process:
        watchdog = threading.Timer(400, process.kill)
        watchdog.start()
        try:
            while process.poll() is None and campaign_status(campaign)["done"] < 30:
                time.sleep(0.1)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            said, _ = process.communicate()
        finally:
            watchdog.cancel()
    words = " ".join(said.split())
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert f"go on with: dualion run {file}" in words
    status = campaign_status(campaign)
    assert status["done"] >= 30
    assert f"{status['left']} structures are left" in words
    rows = (folder / "screened.csv").read_text().splitlines()
    assert len(rows) == status["done"] + 1
