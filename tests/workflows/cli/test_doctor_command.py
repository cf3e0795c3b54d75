"""``dualion doctor`` names every source, what it lacks, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dualion.structures.sources import Cache
from dualion.structures.sources.doctor import examine_sources, size
from dualion.workflows.cli import doctor as doctor_command

KEY = "k3y0123456789abcdefghijklmnopqrs"


@pytest.fixture(autouse=True)
def _nothing_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MP_API_KEY", "PMG_MAPI_KEY", "ICSD_USERNAME", "ICSD_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("dualion.structures.sources.secrets._pymatgen_setting", lambda name: "")
    monkeypatch.setattr("dualion.structures.sources.secrets.from_keyring", lambda entry: None)
    monkeypatch.setenv("DUALION_CACHE", str(tmp_path / "cache"))


def run() -> str:
    app = typer.Typer()
    doctor_command.register(app)
    result = CliRunner().invoke(app, [], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
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
