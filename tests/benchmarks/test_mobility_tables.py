"""The compiled literature values can be read, joined and traced to a source."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "benchmarks" / "data"
SHARED = ROOT.parent / "shared" / "data" / "anion_mobility_dev.jsonl.gz"
MOBILE_LIMIT_EV = 0.8
EVIDENCE = {
    "anion_mobility.csv": {
        *("mobile_measured", "mobile_computed", "immobile_measured", "immobile_computed"),
        "not_reported",
    },
    "vacancy_migration.csv": {"measured", "computed"},
}


def read_table(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("name", EVIDENCE)
def test_every_value_has_its_source(name):
    for row in read_table(name):
        label = f"{row['compound']} {row['ion']}"
        assert row["evidence"] in EVIDENCE[name], label
        assert row["use"] in {"energy", "class", "none"}, label
        assert bool(row["doi"]) == (row["doi_basis"] in {"printed", "derived", "known"}), label
        assert not row["doi"] or re.fullmatch(r"10\.\d{4,5}/\S+", row["doi"]), label
        if row["evidence"] == "not_reported":
            assert (row["verified"], row["kind"]) == ("absence", "none"), label
            assert not row["activation_energy_ev"], label
        else:
            assert row["verified"] in {"seen", "cited"}, label
            assert row["reference"], label
            assert row["verified"] == "seen" or row["doi"], label


@pytest.mark.parametrize("name", EVIDENCE)
def test_energies_lie_in_their_range(name):
    for row in read_table(name):
        energies = [row[key] for key in ("low_ev", "activation_energy_ev", "high_ev")]
        present = [float(text) for text in energies if text]
        assert present == sorted(present), row["compound"]
        assert all(0.0 < energy < 10.0 for energy in present), row["compound"]
        assert row["use"] != "energy" or row["activation_energy_ev"], row["compound"]


def test_migration_energies_agree_with_the_class():
    rows = [row for row in read_table("anion_mobility.csv") if row["use"] == "energy"]
    assert len(rows) >= 15
    for row in rows:
        moves = float(row["activation_energy_ev"]) <= MOBILE_LIMIT_EV
        assert row["evidence"].startswith("mobile" if moves else "immobile"), row["compound"]


def test_an_anion_has_one_deciding_row():
    rows = [row for row in read_table("anion_mobility.csv") if row["use"] != "none"]
    counted = Counter((row["compound"], row["ion"]) for row in rows)
    assert [key for key, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("name", EVIDENCE)
def test_bundled_structures_exist_and_hold_the_ion(name):
    for row in read_table(name):
        if row["bundled"]:
            text = (ROOT / "structures" / "reference" / row["bundled"]).read_text(encoding="utf-8")
            assert re.search(rf"\b{row['ion']}\d*[+-]?\b", text), row["bundled"]


@pytest.mark.shared_data
def test_the_shared_list_is_accounted_for():
    if not SHARED.is_file():
        pytest.skip("no shared data beside the checkout")
    with gzip.open(SHARED, "rt", encoding="utf-8") as handle:
        wanted = Counter((row["name"], row["anion"]) for row in map(json.loads, handle))
    kept = [row for row in read_table("anion_mobility.csv") if row["use"] != "none"]
    rejected = read_table("anion_mobility_rejected.csv")
    assert all(row["reason"] for row in rejected)
    found = Counter((row["structure"], row["ion"]) for row in kept + rejected if row["structure"])
    assert found == wanted
