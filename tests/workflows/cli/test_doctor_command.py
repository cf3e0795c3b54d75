"""``dualion doctor`` names every source and potential, what it lacks, and never a secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from ase.calculators.lj import LennardJones
from typer.testing import CliRunner

from dualion.structures.errors import InputError
from dualion.structures.sources import Cache
from dualion.structures.sources.doctor import examine_sources, size
from dualion.workflows.cli import doctor as doctor_command
from dualion.workflows.potentials.cards import CARDS

KEY = "k3y0123456789abcdefghijklmnopqrs"


@pytest.fixture(autouse=True)
def _nothing_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MP_API_KEY", "PMG_MAPI_KEY", "ICSD_USERNAME", "ICSD_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("dualion.structures.sources.secrets._pymatgen_setting", lambda name: "")
    monkeypatch.setattr("dualion.structures.sources.secrets.from_keyring", lambda entry: None)
    monkeypatch.setenv("DUALION_CACHE", str(tmp_path / "cache"))


def run(*words: str, status: int = 0) -> str:
    app = typer.Typer()
    doctor_command.register(app)
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    assert result.exit_code == status, result.output
    return result.output


def test_says_what_is_missing_and_where_to_get_it() -> None:
    text = " ".join(run().split())
    for word in ("file yes", "icsd yes", "icsd-api no", "mp no", "optimade yes", "cache yes"):
        assert word in text
    assert "materialsproject.org/api" in text and "ICSD_USERNAME" in text and "cod" in text


def test_says_where_keys_were_found_without_showing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_API_KEY", KEY)
    monkeypatch.setenv("ICSD_USERNAME", "us3r-name")
    monkeypatch.setenv("ICSD_PASSWORD", "pa55-word")
    text = " ".join(run().split())
    assert "mp yes" in text and "icsd-api yes" in text and "MP_API_KEY" in text
    assert not any(secret in text for secret in (KEY, "us3r-name", "pa55-word"))


def test_a_key_of_the_old_kind_is_not_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_API_KEY", "short-old-key")
    (finding,) = (f for f in examine_sources(Cache()) if f.source == "mp")
    assert not finding.usable and "32 characters" in finding.detail
    assert "short-old-key" not in finding.detail


def test_the_size_of_the_cache_is_shown(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.put("materials_project", "k", bytes(5000))
    (finding,) = (f for f in examine_sources(cache) if f.source == "cache")
    assert finding.usable and "materials_project: 1 answers" in finding.detail
    assert [size(n) for n in (12, 3400, 5.6e6, 7.8e9)] == ["12 B", "3.4 kB", "5.6 MB", "7.80 GB"]


def test_a_folder_that_is_a_file_is_said_to_be_unusable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (finding,) = (f for f in examine_sources(Cache(tmp_path / "file")) if f.source == "cache")
    assert not finding.usable and "DUALION_CACHE" in finding.detail


class SoftSpheres(LennardJones):  # type: ignore[misc]
    """A pair potential for every element, smooth at its cutoff."""

    def __init__(self) -> None:
        super().__init__(sigma=2.0, epsilon=0.1, rc=6.0, smooth=True)


class Wrong(SoftSpheres):
    """Its forces are not the slope of its energy."""

    def calculate(self, *given: object, **named: object) -> None:
        super().calculate(*given, **named)
        self.results["forces"] = 1.1 * self.results["forces"]


def test_every_potential_is_listed_with_what_its_card_says() -> None:
    text = " ".join(run().split())
    for card in CARDS.values():
        assert f" {card.name} " in text
        if card.measured:
            ps_day = 86400.0 / (64 * card.s_per_atom) * 2.0 / 1000.0
            assert f"{1e3 * card.s_per_atom:.2g} {ps_day:.0f} " in text
    assert "measure with --run" in text


def test_nothing_heavy_is_imported_to_list_them() -> None:
    code = (
        "import sys; sys.argv = ['dualion', 'doctor']\n"
        "from dualion.workflows.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print('HEAVY', sorted({'torch', 'chgnet', 'sevenn', 'jax'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
    )
    assert "7net-0" in done.stdout and "HEAVY []" in done.stdout


def test_a_self_test_passes_or_says_what_is_wrong_with_status_1() -> None:
    sound, wrong = f"{__name__}:SoftSpheres", f"{__name__}:Wrong"
    sys.modules.setdefault(__name__, sys.modules[SoftSpheres.__module__])
    told = " ".join(run("--run", "--potential", sound).split())
    assert "yes" in told and "forces belong to the energy" in told and "as measured now" in told
    assert "icsd" not in told  # one potential was asked for
    told = " ".join(run("--run", "--potential", sound, "--potential", wrong, status=1).split())
    assert "9% off the slope of its energy" in told
    missing = " ".join(run("--run", "--potential", "no_such_module:Thing", status=1).split())
    assert "not installed" in missing


def test_an_unknown_potential_names_the_closest() -> None:
    app = typer.Typer()
    doctor_command.register(app)
    found = CliRunner().invoke(app, ["--potential", "chgnett"])
    assert isinstance(found.exception, InputError) and "'chgnet'" in str(found.exception)
