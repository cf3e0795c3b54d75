"""Guests in campaigns: added, removed, resumed; every host with a row a guest."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dualion.results.guest_rows import anion_name, is_guest
from dualion.structures.errors import InputError
from dualion.structures.files import reference_paths
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.run import run_campaign
from dualion.workflows.campaign.screen_run import screen_paths
from dualion.workflows.campaign.screening_options import screen_options
from dualion.workflows.campaign.tasks import Job, screen_job, task_key
from dualion.workflows.campaign.yaml_reader import load_campaign

pytestmark = pytest.mark.usefixtures("shared_workers")

HOSTS = ("LiI", "Li3N", "NaCl")


def campaign(folder: Path, ions: str) -> Campaign:
    inputs = folder / "in"
    inputs.mkdir(parents=True, exist_ok=True)
    for path in reference_paths():
        if path.stem in HOSTS:
            (inputs / path.name).write_bytes(path.read_bytes())
    text = f"sources:\n  - files: [in]\nions: {{{ions}}}\nbarriers: {{spacing_angstrom: 0.4}}\n"
    (folder / "campaign.yaml").write_text(text)
    return load_campaign(folder / "campaign.yaml")


def table(folder: Path, name: str = "screened.csv") -> list[dict[str, str]]:
    with (folder / name).open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(handle)]


def names(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(row["reduced_formula"], anion_name(row)) for row in rows]


def guests_of(rows: list[dict[str, str]]) -> list[str]:
    return [row["anion"] for row in rows if is_guest(row)]


def test_guests_are_rows_of_every_host_and_an_added_one_comes_alone(tmp_path: Path) -> None:
    run_campaign(campaign(tmp_path / "c", "cations: [Li, Na], guests: [I]"))
    assert names(table(tmp_path / "c")) == [
        ("Li3N", "N3-"), ("Li3N", "I- guest"), ("LiI", "I-"), ("LiI", "I- guest"),
        ("NaCl", "Cl-"), ("NaCl", "I- guest"),
    ]  # fmt: skip
    asked = campaign(tmp_path / "c", "cations: [Li, Na], guests: ['I,F']")
    assert run_campaign(asked).computed == len(HOSTS)
    both = table(tmp_path / "c")
    assert guests_of(both) == ["I-", "F-"] * 3
    assert len({row["key"] for row in both}) == len(both) == 9
    options = screen_options(cations=("Li", "Na"), guests=("I", "F"), spacing_angstrom=0.4)
    screen_paths([tmp_path / "c" / "in"], options, output=tmp_path / "fresh", workers=2)
    assert both == table(tmp_path / "fresh")
    assert table(tmp_path / "c", "candidates.csv") == table(tmp_path / "fresh", "candidates.csv")
    without = campaign(tmp_path / "c", "cations: [Li, Na]")
    assert run_campaign(without).computed == 0
    assert guests_of(table(tmp_path / "c")) == []


def test_an_own_anion_that_is_not_there_leaves_the_guests(tmp_path: Path) -> None:
    """Without guests such a host is rejected."""
    run_campaign(campaign(tmp_path, "cations: [Li], anions: [Br], guests: [Br]"))
    rows = {row["reduced_formula"]: row for row in table(tmp_path)}
    assert rows["LiI"]["anion"] == "Br-" and rows["LiI"]["status"] == "ok"
    assert rows["NaCl"]["reason"] == "no_cation"


def test_guests_change_no_key_of_an_own_anion() -> None:
    """So results of a store hold whether guests are asked for or not."""
    from dualion.structures.files import iter_raw_entries

    (entry,) = iter_raw_entries([path for path in reference_paths() if path.stem == "LiI"])
    plain, more = screen_options(cations=("Li",)), screen_options(cations=("Li",), guests=("I",))
    assert task_key(entry, plain) == task_key(entry, more)
    rows = screen_job(Job(index=0, entry=entry, options=more)).rows
    key = task_key(entry, plain)
    assert [row["key"] for row in rows] == [f"{key}-Li+-I-", f"{key}-Li+-I--guest"]


@pytest.mark.parametrize("guests", ["[Li]", "['O,O1-']", "[Si]"])
def test_what_is_no_guest_is_refused(tmp_path: Path, guests: str) -> None:
    with pytest.raises(InputError):
        campaign(tmp_path, f"cations: [Li], guests: {guests}").options()
