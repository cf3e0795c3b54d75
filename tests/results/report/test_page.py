"""The page's text: complete, escaped, quiet, and small."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from page_reader import block_of, head_of

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.ranking import rank_candidates
from dualion.results.report import Detail, check_target, report_html, write_report
from dualion.results.run_folder import identity, read_run_folder
from dualion.results.tables import write_table
from dualion.structures.errors import InputError

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
ROW = {
    "source": "file",
    "source_id": "a.cif",
    "formula": "Li2S",
    "reduced_formula": "Li2S",
    "cation": "Li+",
    "anion": "S2-",
    "status": "ok",
    "dai": True,
    "e3d_cation_ev": 0.3,
    "e3d_anion_ev": 0.4,
    "ratio_3d": 4 / 3,
}


def run_folder(folder, rows):
    folder.mkdir(exist_ok=True)
    write_table(folder / "screened.csv", rows, SCREENED)
    write_table(folder / "candidates.csv", rank_candidates(rows), CANDIDATES)
    sidecar = {"schema_version": 1, "inputs": [EVIL], "options": {}, "funnel": {"read": 1}}
    (folder / "run.json").write_text(json.dumps(sidecar))
    return read_run_folder(folder)


def test_names_stay_text(tmp_path):
    evil = ROW | {"source_id": EVIL, "formula": EVIL, "reduced_formula": EVIL, "message": EVIL}
    page = report_html(run_folder(tmp_path, [evil]), title=EVIL, details={})
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert" in page  # the title
    assert page.count("</script>") == len(re.findall(r"<script[ >]", page))


def test_policy_names_the_scripts_and_forbids_the_network(tmp_path):
    page = report_html(run_folder(tmp_path, [ROW]), title="t", details={})
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    script = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert len(script) == 1
    viewer = block_of(page, "viewer").decode()
    for text in (script[0], viewer):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    outside = page.replace(policy, "").replace(script[0], "")
    assert not re.search(r'(src|href)="(https?:)?//', outside)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|import\(|eval\(|innerHTML|insertAdjacentHTML",
                         script[0])  # fmt: skip


def test_table_block_holds_the_ranking_and_the_sidecar(tmp_path):
    rows = [ROW, ROW | {"source_id": "b.cif", "dai": False}]
    run = run_folder(tmp_path, rows)
    head = head_of(block_of(report_html(run, title="t", details={}), "table"))
    assert head["n"] == 2
    assert [note["key"] for note in head["columns"]] == [column.key for column in CANDIDATES]
    assert head["run"]["inputs"] == [EVIL]
    assert head["detailed"] == []
    assert run.ranks == {identity(rows[0]): 1}


def test_details_have_blocks_of_their_own(tmp_path):
    detail = Detail(content={"notes": ["hello"]}, sections={"field-cation": bytes(range(8))})
    page = report_html(run_folder(tmp_path, [ROW]), title="t", details={0: detail})
    block = block_of(page, "detail-0")
    head = head_of(block)
    assert head["notes"] == ["hello"]
    offset, length = head["sections"]["field-cation"]
    start = 4 + int.from_bytes(block[:4], "little") + offset
    assert block[start : start + length] == bytes(range(8))


def test_report_is_written_whole_or_not_at_all(tmp_path):
    run = run_folder(tmp_path / "run", [ROW])
    path = tmp_path / "report.html"
    assert write_report(run, path, details={}) == path.stat().st_size
    assert not list(tmp_path.glob("*.part"))
    with pytest.raises(InputError, match="--out"):
        write_report(run, tmp_path / "missing" / "report.html", details={})


def test_a_target_that_cannot_be_written_is_noticed_and_leaves_nothing(tmp_path):
    run = run_folder(tmp_path / "run", [ROW])
    (tmp_path / "taken").mkdir()
    for target in (tmp_path / "taken", tmp_path / "missing" / "report.html"):
        for attempt in (check_target, lambda path: write_report(run, path, details={})):
            with pytest.raises(InputError, match=r"^Cannot write .*; choose another --out\.$"):
                attempt(target)
    assert {path.name for path in tmp_path.iterdir()} == {"run", "taken"}


def cut_off(path):
    text = path.read_text()
    path.write_text(text[: len(text) - 40])


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda f: (f / "run.json").unlink(), "run.json"),
        (lambda f: (f / "run.json").write_text("{"), "JSON"),
        (lambda f: (f / "run.json").write_text("[]"), "sidecar"),
        (lambda f: (f / "screened.csv").unlink(), "screen"),
        (lambda f: (f / "screened.csv").write_text("n_sites\nx\n"), "damaged: line 2"),
        (lambda f: cut_off(f / "screened.csv"), "damaged: line 2"),
        (lambda f: (f / "screened.csv").write_text("n_sites\n1,2\n"), "damaged: line 2"),
        (lambda f: (f / "candidates.csv").unlink(), r"pairs of screened\.csv pass \(1\)"),
    ],
)
def test_a_damaged_folder_is_one_sentence(tmp_path, break_it, says):
    run_folder(tmp_path, [ROW])
    break_it(tmp_path)
    with pytest.raises(InputError, match=says):
        read_run_folder(tmp_path)
