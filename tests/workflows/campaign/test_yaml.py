"""``campaign.yaml``: what is accepted, and what is said of what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.campaign.yaml_reader import load_campaign
from dualion.workflows.cli.init import TEMPLATE, write_template
from dualion.workflows.execution.cluster_config import ClusterBlock, lifetime_s, walltime_s


def load(tmp_path: Path, text: str) -> Campaign:
    file = tmp_path / "campaign.yaml"
    file.write_text(text)
    return load_campaign(file)


SMALLEST = "sources:\n  - files: [a.cif]\n"


def test_the_smallest_campaign_has_defaults(tmp_path: Path) -> None:
    found = load(tmp_path, SMALLEST)
    assert found.ions.cations == ["Li"]
    assert found.folder == tmp_path.resolve()
    assert found.store_at == tmp_path.resolve() / "campaign.db"
    assert found.options().criterion.max_ratio == 1.5


def test_a_folder_stands_for_its_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path, SMALLEST)
    assert load_campaign(tmp_path).folder == tmp_path.resolve()
    assert load_campaign(tmp_path).file == "campaign.yaml"
    monkeypatch.chdir(tmp_path)
    assert load_campaign(Path()).folder == tmp_path.resolve()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SMALLEST + "ion:\n  cations: [Li]\n", "line 3: unknown key 'ion'; did you mean 'ions'?"),
        (SMALLEST + "run:\n  time_limit: 3\n", "line 4: unknown key 'time_limit'; did you mean"),
        (SMALLEST + "cluster:\n  walltme: 3\n", "line 4: unknown key 'walltme'; did you mean"),
        ("sources:\n  - file: [a]\n", "line 2: unknown key 'file'; did you mean 'files'?"),
        ("name: x\n", "'sources' is missing"),
        ("sorces:\n  - files: [a]\n", "line 1: unknown key 'sorces'; did you mean 'sources'?"),
        ("sources: []\n", "line 1: sources is []"),
        ("sources:\n  - {}\n", "give each source one kind"),
        (SMALLEST + "criterion:\n  dimensionality: 4\n", "line 4: criterion.dimensionality is 4"),
        (SMALLEST + "run:\n  time_limit_s: -1\n", "line 4: run.time_limit_s is -1"),
        (SMALLEST + "barriers:\n  engine: nativ\n", "did you mean 'native'?"),
        (SMALLEST + "ions:\n  cations: [Lx]\n", "no chemical element"),
        (SMALLEST + "cluster:\n  kind: slurm\n", "give memory_per_worker"),
        (SMALLEST + "cluster:\n  kind: address\n", "belong together"),
        (SMALLEST + "cluster:\n  walltime: 30\n", "line 4: cluster.walltime is 30"),
        (SMALLEST + "name: a\nname: b\n", "line 4: 'name' is given twice"),
        (SMALLEST + "name: [\n", "this is no YAML"),
        ("a: &x [1]\nb: *x\n", "line 2: aliases"),
        ("- 1\n", "holds no campaign"),
        ("", "is empty"),
        (SMALLEST + "folder: /etc\n", "unknown key 'folder'"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dualion init"):
        load_campaign(tmp_path / "campaign.yaml")


def test_times_may_stand_without_quotes(tmp_path: Path) -> None:
    assert load(tmp_path, SMALLEST + "cluster:\n  walltime: 12:30:00\n").cluster.walltime


def test_the_template_is_a_campaign_and_shows_every_field(tmp_path: Path) -> None:
    found = load_campaign(write_template(tmp_path / "new", ["cifs/"]))
    assert found.name == "new"
    defaults = Campaign.model_validate({"sources": [{"files": ["cifs/"]}]})
    same = {"exclude": {"name", "folder", "file"}}
    assert found.model_dump(**same) == defaults.model_dump(**same)  # type: ignore[arg-type]
    for block in ("ions", "criterion", "barriers", "run", "cluster"):
        model = type(getattr(found, block))
        missing = [name for name in model.model_fields if f"{name}:" not in TEMPLATE]
        assert missing == []


def test_a_second_template_does_not_replace_the_first(tmp_path: Path) -> None:
    write_template(tmp_path, ["a"])
    with pytest.raises(InputError, match="is there already"):
        write_template(tmp_path, ["b"])


def test_workers_retire_before_the_walltime_ends() -> None:
    assert walltime_s("1-02:03:04") == 93784
    for text in ("00:01:00", "00:10:00", "01:00:00", "48:00:00"):
        lifetime, stagger = lifetime_s(text)
        assert lifetime > 0
        assert lifetime + stagger < walltime_s(text)


def test_every_cluster_block_says_where_it_runs() -> None:
    slurm = ClusterBlock.model_validate({"kind": "slurm", "memory_per_worker": "2GB"})
    assert "slurm" in slurm.describe()
    assert "this machine" in ClusterBlock.model_validate({}).describe()
