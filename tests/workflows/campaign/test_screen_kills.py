"""``dualion screen`` killed at random and given again; benchmarks/screen_kills.py is larger."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import pytest

from dualion.structures.files import reference_paths

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
STRUCTURES, KILLS = 40, 4


@pytest.mark.slow
def test_a_killed_screening_ends_with_the_tables_of_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import screen_kills

    inputs = tmp_path / "in"
    inputs.mkdir()
    for path in reference_paths()[:STRUCTURES]:
        shutil.copy(path, inputs)
    calm = screen_kills.start(inputs, tmp_path / "calm", 0.2)
    _, said = calm.communicate()
    assert calm.returncode == 0, said
    hit = screen_kills.disturbed(
        inputs,
        tmp_path / "wild",
        kills=KILLS,
        chance=random.Random(3),
        longest_s=0.3,
        spacing_angstrom=0.2,
    )
    assert hit["worker"] + hit["driver"] == KILLS
    assert screen_kills.tables_equal(tmp_path / "calm", tmp_path / "wild")
    assert len(screen_kills.rows(tmp_path / "wild", "screened.csv")) >= STRUCTURES
    ends = (tmp_path / "wild" / "campaign.log.jsonl").read_text().splitlines()
    assert json.loads(ends[-1])["left"] == 0
    sys.modules.pop("screen_kills", None)
    sys.modules.pop("campaign_kills", None)
