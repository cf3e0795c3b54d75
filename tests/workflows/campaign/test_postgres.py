"""Campaigns in a real PostgreSQL database, shared by a group."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest
import work_samples

from dualion.results.store import StoreError
from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.run import open_campaign, run_campaign
from dualion.workflows.campaign.status import campaign_status
from dualion.workflows.campaign.yaml_reader import load_campaign

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    with postgres_server.postgres() as found:
        yield found


@pytest.fixture
def database(url: str, request: pytest.FixtureRequest) -> str:
    """A database of the test's own."""
    import psycopg

    name = f"t{abs(hash(request.node.name))}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return url.rpartition("/")[0] + f"/{name}"


def campaign(folder: Path, url: str | None, name: str = "shared", number: int = 120) -> Campaign:
    (folder / "in").mkdir(parents=True)
    for index in range(number):
        (folder / "in" / f"{index:04d}.vasp").write_text(f"{index}")
    store = f"store: {url}\n" if url else ""
    (folder / "campaign.yaml").write_text(
        f"name: {name}\nsources:\n  - files: [in]\ncluster:\n  workers: 1\n{store}"
    )
    return load_campaign(folder / "campaign.yaml")


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "screened.csv").open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(handle)]


def test_the_tables_are_those_of_a_campaign_in_sqlite(tmp_path: Path, database: str) -> None:
    shared = campaign(tmp_path / "shared", database)
    alone = campaign(tmp_path / "alone", None)
    for asked in (shared, alone):
        assert run_campaign(asked, work=work_samples.row_tame).left == 0
    assert table(shared.folder) == table(alone.folder)
    assert not (shared.folder / "campaign.db").exists()
    assert campaign_status(shared)["done"] == 120
    assert run_campaign(shared, work=work_samples.row_tame).computed == 0


def test_a_second_member_goes_on_where_the_first_stopped(tmp_path: Path, database: str) -> None:
    first = campaign(tmp_path / "first", database, number=40)
    run_campaign(first, work=work_samples.row_tame)
    second = campaign(tmp_path / "second", database, number=60)
    assert run_campaign(second, work=work_samples.row_tame).computed == 20


def test_two_members_cannot_write_at_once(tmp_path: Path, database: str) -> None:
    first = campaign(tmp_path / "first", database, number=2)
    second = campaign(tmp_path / "second", database, number=2)
    with open_campaign(first), pytest.raises(InputError, match="Another process writes"):
        run_campaign(second)
    assert run_campaign(second, work=work_samples.row_tame).left == 0


def test_another_campaign_is_refused(tmp_path: Path, database: str) -> None:
    run_campaign(campaign(tmp_path / "a", database, number=2), work=work_samples.row_tame)
    with pytest.raises(InputError, match="already holds the campaign shared"):
        run_campaign(campaign(tmp_path / "b", database, name="other", number=2))


def test_a_database_that_is_not_there_gives_one_sentence(tmp_path: Path, url: str) -> None:
    asked = campaign(tmp_path, url.rpartition("/")[0] + "/missing", number=1)
    with pytest.raises(StoreError) as caught:
        run_campaign(asked)
    assert "\n" not in str(caught.value)
