"""Size of the report, and how quick it is in a browser, on many structures.

    python benchmarks/report_size.py [STRUCTURES] [--details N] [--browser] [--keep FOLDER]

The rows are made from a fixed seed: two anions for most structures, barriers between 0 and 4 eV of
which a part is infinite, three dimensionalities, refined and region barriers, unique hashes. They
compress worse than real ones, where symmetry makes many barriers equal. Candidate pages (--details)
are those of bundled structures, computed as ``dualion report`` does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualion.results.columns import CANDIDATES, SCREENED, Row
from dualion.results.ranking import rank_candidates
from dualion.results.tables import write_table

if TYPE_CHECKING:
    from dualion.results.report import Detail

ANIONS = ("O2-", "S2-", "Cl-", "I-", "F-", "Br-", "Se2-", "N3-")
METALS = ("Na", "Mg", "Al", "K", "Ca", "Ti", "Fe", "Zn", "Y", "Zr", "In", "La")
FLAGS = ("dimensionality_decides", "ratio_reading_decides", "anion_bound", "weighted_occupancies")
LEAST_PASSES = 0.5, 1.5


def synthetic_run(folder: Path, structures: int, seed: int = 1) -> int:
    """Write the tables of a made-up run; returns the number of rows."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for number in range(structures):
        rows += _structure(random, number)
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "screened.csv", rows, SCREENED)
    write_table(folder / "candidates.csv", rank_candidates(rows), CANDIDATES)
    lost = [str(row["reason"]) for row in rows if row["status"] != "ok"]
    passing = {row["source_id"] for row in rows if row.get("dai") is True}
    funnel = {
        "read": structures,
        "computed": structures - len(lost),
        "ratio in range": len(passing),
    }
    (folder / "run.json").write_text(
        json.dumps(
            {
                "schema_version": 1,
                "finished": True,
                "inputs": ["synthetic"],
                "options": {"cations": ["Li"], "criterion": {"dimensionality": 3}},
                "funnel": funnel,
                "reasons": {reason: lost.count(reason) for reason in set(lost)},
                "versions": {},
            }
        )
    )
    return len(rows)


def _structure(random: np.random.Generator, number: int) -> list[Row]:
    metal = METALS[int(random.integers(len(METALS)))]
    chosen = random.choice(len(ANIONS), size=1 + int(random.random() < 0.9), replace=False)
    letters = "".join(ANIONS[int(i)].rstrip("-23") + str(random.integers(2, 13)) for i in chosen)
    reduced = f"Li{random.integers(2, 9)}{metal}{random.integers(1, 5)}{letters}"
    key = hashlib.sha256(str(number).encode()).hexdigest()[:16]
    shared: Row = {
        "source": "materials_project",
        "source_id": f"mp-{random.integers(1_000_000, 9_999_999)}-{number}",
        "formula": reduced,
        "reduced_formula": reduced,
        "space_group": f"P{random.integers(1, 230)}",
        "n_sites": int(random.integers(4, 200)),
        "cation": "Li+",
        "seconds": float(random.exponential(0.3)),
        "energy_above_hull_ev_atom": float(random.exponential(0.05)),
        "band_gap_ev": float(random.uniform(0, 8)),
    }
    if random.random() < 0.08:
        return [
            {
                **shared,
                "status": "rejected",
                "reason": "no_oxidation_states",
                "message": f"No oxidation states were found for {reduced}; give them in the file.",
                "key": f"{key}-Li",
            }
        ]
    cation = _barriers(random)
    return [
        {
            **shared,
            **_pair(random, cation, _barriers(random)),
            "anion": ANIONS[int(i)],
            "key": f"{key}-Li+-{ANIONS[int(i)]}",
        }
        for i in chosen
    ]


def _barriers(random: np.random.Generator) -> tuple[float, ...]:
    steps = np.cumsum(random.uniform(0.05, 1.2, 3))
    return tuple(math.inf if random.random() < 0.08 * n else float(e) for n, e in enumerate(steps))


def _pair(random: np.random.Generator, cation: tuple[float, ...], anion: tuple[float, ...]) -> Row:
    row: Row = {"status": "ok", "disordered": False, "anion_bound": bool(random.random() < 0.5)}
    for name, ion in (("cation", cation), ("anion", anion)):
        for n, value in enumerate(ion, start=1):
            row[f"e{n}d_{name}_ev"] = value
            row[f"e{n}d_{name}_refined_ev"] = value - float(random.exponential(0.01))
            row[f"e{n}d_{name}_region_ev"] = value - float(random.choice([0.0, random.random()]))
    passes = []
    for n, (c, a) in enumerate(zip(cation, anion, strict=True), start=1):
        row[f"ratio_{n}d"] = math.nan if math.isinf(c) else a / c
        passes.append(c < 1.0 and LEAST_PASSES[0] <= a / c <= LEAST_PASSES[1])
    row |= {
        "dai": passes[2],
        "dai_dimensions": ";".join(f"{n}D" for n, ok in enumerate(passes, start=1) if ok),
        "flags": ";".join(flag for flag in FLAGS if random.random() < 0.3),
        "oxidation_method": "bond_valence",
        "parameters": "tabulated",
        "occupancy_handling": "full",
        "dai_other_reading": bool(random.random() < 0.5),
        "anion_bound_fraction": float(random.choice([0.0, 0.5, 1.0])),
    }
    return row


def measure(structures: int, folder: Path, candidates: int, browser: bool) -> None:
    """Print size and times."""
    from dualion.results.report import write_report
    from dualion.results.run_folder import read_run_folder

    n_rows = synthetic_run(folder, structures)
    details = bundled_details(candidates) if candidates else {}
    start = time.perf_counter()
    run = read_run_folder(folder)
    places = [i for i, row in enumerate(run.rows) if row["dai"]][: len(details)]
    placed = dict(zip(places, details.values(), strict=True))
    size = write_report(run, folder / "report.html", details=placed)
    seconds = time.perf_counter() - start
    print(
        f"{structures} structures, {n_rows} rows, {len(placed)} candidate pages: "
        f"{size / 1e6:.2f} MB, written in {seconds:.1f} s"
    )
    if browser:
        for name, value in browser_times(folder / "report.html").items():
            print(f"  {name:28s} {value:8.0f} ms")


def bundled_details(count: int) -> dict[int, Detail]:
    """Candidate pages of pairs of the bundled structures."""
    from dualion.results.report.candidate import DetailOptions, candidate_details, field_points_for
    from dualion.results.rows import Identity, result_rows
    from dualion.screening.barrier_types import BarrierOptions
    from dualion.screening.criterion import DaiCriterion
    from dualion.screening.screen import screen_crystal
    from dualion.screening.screen_options import ScreenOptions
    from dualion.structures.errors import StructureError
    from dualion.structures.files import iter_raw_entries, parse_entry, reference_paths
    from dualion.structures.preparation import prepare

    rows: dict[int, Row] = {}
    entries = {}
    start = time.perf_counter()
    for entry in iter_raw_entries(reference_paths()):
        try:
            result = screen_crystal(prepare(parse_entry(entry).structure), ScreenOptions())
        except StructureError:
            continue
        identity = Identity(source=entry.source, source_id=entry.source_id, metadata={})
        entries[entry.source, entry.source_id] = entry
        for row in result_rows(identity, result):
            if row["status"] == "ok" and len(rows) < count:
                rows[len(rows)] = row
        if len(rows) >= count:
            break
    print(f"screened for {len(rows)} candidates in {time.perf_counter() - start:.0f} s")
    start = time.perf_counter()
    options = DetailOptions(
        barriers=BarrierOptions(),
        criterion=DaiCriterion(),
        field_points=field_points_for(len(rows)),
    )
    details = candidate_details(rows, entries, options)
    print(f"{len(details)} candidate pages computed in {time.perf_counter() - start:.0f} s")
    return details


def browser_times(page: Path, executable: str = "/usr/bin/chromium") -> dict[str, float]:
    """Times in ms: opening, and from each action until the next frame is drawn."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=arguments)
        tab = chromium.new_page()
        start = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-ready]", state="attached")
        times = {"open": (time.perf_counter() - start) * 1e3}
        for name, script in ACTIONS.items():
            times[name] = float(tab.evaluate(TIMED % script))
        chromium.close()
    return times


ACTIONS = {
    "sort by barrier": "document.querySelector('#table [data-key=e3d_cation_ev]').click()",
    "sort by id": "document.querySelector('#table [data-key=source_id]').click()",
    "sort by ratio": "document.querySelector('#table [data-key=ratio_3d]').click()",
    "filter by element": "const p = window.dualion.page; p.filters.withElements = ['S']; p.update()",
    "filter by text": "const p = window.dualion.page; p.filters.search = 'mp-12'; p.update()",
    "filter by flag": "const p = window.dualion.page; p.filters.reset(); "
    "p.filters.flagsWithout.add('anion_bound'); p.update()",
    "show all": "const p = window.dualion.page; p.filters.reset(); "
    "p.filters.verdict = 'all'; p.update()",
    "change dimension": "window.dualion.page.setDimension(1)",
}
TIMED = """() => new Promise((done) => {
  const start = performance.now(); %s;
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start), 0));
})"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("structures", nargs="?", type=int, default=20_000)
    parser.add_argument("--details", type=int, default=0)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    if asked.keep:
        measure(asked.structures, asked.keep, asked.details, asked.browser)
        sys.exit()
    with tempfile.TemporaryDirectory() as temporary:
        measure(asked.structures, Path(temporary), asked.details, asked.browser)
