"""The report in a real browser; how quick it is, benchmarks/report_size.py measures.

Chromium is driven headless and offline; the tests skip where none can be started.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from full_rows import full_tables
from typer.testing import CliRunner

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.ranking import rank_candidates
from dualion.results.report import write_report
from dualion.results.report.bands import with_bands
from dualion.results.run_folder import RunFolder, read_run_folder
from dualion.results.tables import read_table, write_table
from dualion.results.transport.files import write_report as write_transport
from dualion.results.transport.identity import RunOrigin
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.files import reference_paths
from dualion.structures.trajectories import Trajectory
from dualion.workflows.cli import report as report_command
from dualion.workflows.cli import screen as screen_command

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[3]
STRUCTURES = 20_000
PATIENCE_MS = 180_000
"""For a machine that is busy with other work; how quick the page is, no test says."""
EVIL = '<script>window.hacked = 1</script><img src="x" onerror="window.hacked = 2">'
NAMES = ("LiI", "LiGaBr4", "Li3YBr6", "AgI_beta", "Li3PO4_gamma")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip


@pytest.fixture(scope="module")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine; name one in the variable CHROMIUM")
    with api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        except api.Error as error:
            pytest.skip(f"Chromium could not be started: {error}")
        yield started
        started.close()


class Visit:
    """One open page and everything it said and asked for."""

    def __init__(self, chromium, path, **context):
        self.context = chromium.new_context(accept_downloads=True, **context)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(PATIENCE_MS)
        self.errors, self.requests, self.dialogs = [], [], []
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on(
            "dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss())
        )
        self.open(path)

    def open(self, path, fragment=""):
        self.tab.goto(path.as_uri() + fragment)
        self.tab.wait_for_selector("html[data-ready]", state="attached", timeout=PATIENCE_MS)

    def rows(self):
        return self.tab.evaluate("window.dualion.page.table.rows")

    def texts(self, key, rows):
        script = "([key, rows]) => rows.map((row) => window.dualion.data.text(key, row))"
        return self.tab.evaluate(script, [key, rows])

    def settle(self):
        self.tab.wait_for_timeout(250)  # filters wait for the typist to pause

    def close(self):
        """Close, and check that the page kept quiet."""
        self.context.close()
        assert self.errors == []
        assert self.dialogs == []
        outside = [u for u in self.requests if not u.startswith(("file:", "data:", "blob:"))]
        assert outside == []


def benchmark():
    spec = importlib.util.spec_from_file_location("size", ROOT / "benchmarks" / "report_size.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A made-up run of 20,000 structures, one of them with a malicious name."""
    folder = tmp_path_factory.mktemp("big")
    benchmark().synthetic_run(folder, STRUCTURES)
    rows = read_table(folder / "screened.csv")
    rows[7] |= {"source_id": EVIL, "formula": EVIL, "reduced_formula": EVIL, "message": EVIL}
    write_table(folder / "screened.csv", rows, SCREENED)
    write_table(folder / "candidates.csv", rank_candidates(rows), CANDIDATES)
    size = write_report(read_run_folder(folder), folder / "report.html", details={})
    assert size < 5_000_000
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A real run of a few bundled structures with candidate pages."""
    app = typer.Typer()
    screen_command.register(app)
    report_command.register(app)
    folder = tmp_path_factory.mktemp("real") / "run"
    files = [str(path) for path in reference_paths() if path.stem in NAMES]
    runner = CliRunner()
    screened = runner.invoke(
        app, ["screen", *files, "--spacing", "0.3", "--workers", "1", "--output", str(folder)]
    )
    assert screened.exit_code == 0, screened.output
    assert runner.invoke(app, ["report", str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def visit(chromium, request):
    visits = []

    def opened(folder, **context):
        visits.append(Visit(chromium, folder / "report.html", **context))
        return visits[-1]

    yield opened
    for one in visits:
        one.close()


@pytest.fixture(scope="module")
def table(big):
    return read_table(big / "screened.csv")


def test_every_cell_of_the_page_is_that_of_the_csv(big, visit):
    page = visit(big)
    keys = [column.key for column in SCREENED]
    text = page.tab.evaluate(
        "(keys) => csvText(window.dualion.data, [...Array(window.dualion.data.n).keys()], keys)",
        keys,
    )
    assert text == (big / "screened.csv").read_text(encoding="utf-8")


def test_names_stay_text(big, visit):
    page = visit(big)
    page.tab.fill("input[name=search]", "window.hacked")
    page.tab.select_option("select[name=verdict]", "all")
    page.settle()
    assert EVIL in page.tab.locator("#table tbody tr[data-row]").first.inner_text()
    page.tab.locator("#table tbody tr[data-row] a").first.click()
    page.tab.wait_for_selector("#structure h2")
    assert EVIL in page.tab.locator("#structure h2").inner_text()
    assert page.tab.evaluate("window.hacked") is None
    assert page.tab.locator("img").count() == 0


def test_the_headline_counts_the_structures_that_pass(big, visit, table):
    page = visit(big)
    passing = {(row["source"], row["source_id"]) for row in table if row["dai"] is True}
    assert 0 < len(passing) < STRUCTURES
    told = page.tab.locator("#headline strong").inner_text()
    assert told == f"{len(passing):,} of {STRUCTURES:,} structures"


def test_sorting_and_filtering_agree_with_the_table(big, visit, table):
    page = visit(big)
    computed = [i for i, row in enumerate(table) if row["status"] == "ok"]
    assert sorted(page.rows()) == computed
    button = page.tab.locator("#table [data-key=e3d_anion_ev]")
    button.click()
    values = [table[i]["e3d_anion_ev"] for i in page.rows()]
    assert values == sorted(values)
    button.click()
    values = [table[i]["e3d_anion_ev"] for i in page.rows()]
    assert values == sorted(values, reverse=True)
    page.tab.fill("input[name=elements]", "s -o")
    page.tab.fill("input[name=hull]", "0.02")
    page.tab.fill("input[name=gap]", "3")
    page.settle()
    expected = [
        i for i in computed
        if {"S"} <= elements(table[i]) and "O" not in elements(table[i])
        and table[i]["energy_above_hull_ev_atom"] <= 0.02 and table[i]["band_gap_ev"] >= 3
    ]  # fmt: skip
    assert 0 < len(expected) == len(page.rows())
    assert sorted(page.rows()) == expected
    page.tab.get_by_text("Flags", exact=True).click()
    page.tab.select_option("select[name=flag-anion_bound]", "without")
    expected = [i for i in expected if "anion_bound" not in table[i]["flags"].split(";")]
    assert sorted(page.rows()) == expected
    page.tab.get_by_role("button", name="Reset").first.click()
    page.tab.locator("#legend [data-anion='I']").click()
    assert {table[i]["anion"] for i in page.rows()} == {"I-"}


def elements(row):
    return set(re.findall(r"[A-Z][a-z]?", row["reduced_formula"]))


def test_what_is_shown_is_saved(big, visit, table):
    page = visit(big)
    page.tab.select_option("select[name=verdict]", "candidates")
    page.tab.locator("#table [data-key=ratio_3d]").click()
    with page.tab.expect_download() as download:
        page.tab.locator("#export").click()
    saved = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert [row["key"] for row in saved] == page.texts("key", page.rows())
    assert len(saved) == sum(row["dai"] is True for row in table)
    assert [float(row["ratio_3d"]) for row in saved] == sorted(float(r["ratio_3d"]) for r in saved)


def test_a_click_in_the_plot_opens_its_candidate(big, visit, table):
    page = visit(big)
    page.tab.select_option("select[name=verdict]", "candidates")
    page.tab.locator("#plot").scroll_into_view_if_needed()
    points = page.tab.evaluate(
        "() => { const p = window.dualion.page.plot;"
        " return p.points.map((point) => [point.row, ...p.place(point)]); }"
    )
    assert len(points) == sum(row["dai"] is True for row in table)
    row, x, y = alone(points)
    box = page.tab.locator("#plot").bounding_box()
    page.tab.mouse.move(box["x"] + x, box["y"] + y)
    tip = page.tab.locator("#tip").inner_text()
    assert table[row]["source_id"] in tip
    assert f"{table[row]['e3d_cation_ev']:.3f} / {table[row]['e3d_anion_ev']:.3f} eV" in tip
    page.tab.mouse.click(box["x"] + x, box["y"] + y)
    page.tab.wait_for_selector("#structure h2")
    assert page.tab.evaluate("location.hash") == f"#/row/{row + 1}"
    assert table[row]["source_id"] in page.tab.locator("#structure").inner_text()
    page.tab.go_back()
    assert page.tab.locator("#plot").is_visible()


def alone(points):
    """A point of the plot that no other is near."""

    def gap(point):
        return min(math.dist(point[1:], other[1:]) for other in points if other is not point)

    return max(points, key=gap)


def test_plot_reads_both_ways_and_in_logarithms(big, visit, table):
    page = visit(big)
    page.tab.check("input[name=log]")
    page.tab.select_option("select[name=reading]", "cation")
    page.tab.select_option("select[name=dimension]", "1")
    found = page.tab.evaluate("window.dualion.page.plot.points.slice(0, 50)")
    for point in found:
        row = table[point["row"]]
        assert point["x"] == pytest.approx(row["e1d_cation_ev"] / row["e1d_anion_ev"])
        assert point["y"] == row["e1d_cation_ev"]
    assert not is_blank(page.tab.locator("#plot").screenshot())


def test_all_can_be_done_with_the_keyboard(big, visit, table):
    page = visit(big)
    page.tab.locator("#table .scroll").focus()
    for key in ("ArrowDown", "End", "Home", "PageDown", "ArrowUp", "ArrowUp"):
        page.tab.keyboard.press(key)
    active = int(page.tab.locator("#table tr.active").get_attribute("data-row"))
    page.tab.keyboard.press("Enter")
    page.tab.wait_for_selector("#structure h2")
    assert table[active]["source_id"] in page.tab.locator("#structure").inner_text()
    page.tab.go_back()
    page.tab.locator("#plot").focus()
    page.tab.keyboard.press("ArrowRight")
    page.tab.keyboard.press("ArrowRight")
    row = page.tab.evaluate("window.dualion.page.plot.points[window.dualion.page.plot.near].row")
    page.tab.keyboard.press("Enter")
    page.tab.wait_for_selector("#structure h2")
    assert page.tab.evaluate("location.hash") == f"#/row/{row + 1}"


def test_what_was_not_done_is_found_by_kind_and_by_id(big, visit, table):
    page = visit(big)
    lost = [i for i, row in enumerate(table) if row["status"] != "ok"]
    page.tab.locator("#lost-kinds [data-kind='rejected: no_oxidation_states']").click()
    assert sorted(page.tab.evaluate("window.dualion.page.lost.table.rows")) == lost
    page.tab.fill("input[name=lost-search]", table[lost[5]]["source_id"])
    page.settle()
    assert page.tab.evaluate("window.dualion.page.lost.table.rows") == [lost[5]]


def test_phone_and_dark(real, visit):
    page = visit(real, viewport={"width": 390, "height": 800}, color_scheme="dark", has_touch=True)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.tab.evaluate(wide) == 0
    assert page.tab.evaluate("document.documentElement.dataset.theme") == "dark"
    page.tab.click("#theme")
    assert page.tab.evaluate("document.documentElement.dataset.theme") == "light"
    page.tab.locator("#table tbody tr[data-row] a").first.click()
    page.tab.wait_for_selector(".viewer canvas", timeout=PATIENCE_MS)
    assert page.tab.evaluate(wide) == 0
    tall = page.tab.evaluate(
        "Math.max(...[...document.querySelectorAll('table.plain tr')].map((r) => r.offsetHeight))"
    )
    assert 0 < tall < 130  # words keep their letters together, a few lines at most


def test_candidate_page_draws_structure_paths_and_profiles(real, visit):
    page = visit(real)
    candidates = read_table(real / "candidates.csv")
    page.tab.locator("#table tbody tr[data-row] a").first.click()
    page.tab.wait_for_selector(".viewer canvas", timeout=PATIENCE_MS)
    page.tab.wait_for_timeout(2000)
    assert page.tab.evaluate("open_.scene.viewer.getModel().selectedAtoms({}).length") > 20
    assert not is_blank(page.tab.locator(".viewer").screenshot())
    assert page.tab.locator("svg.profile polyline").count() >= 2
    text = page.tab.locator("#structure").inner_text()
    first = candidates[0]
    for key in ("e3d_cation_ev", "e3d_anion_ev", "ratio_3d"):
        assert f"{first[key]:.6f}" in text
    assert "3D, f = 0.70 instead of 0.74" in text


def test_pages_of_structures_without_details_open_too(real, visit):
    page = visit(real)
    rows = read_table(real / "screened.csv")
    lost = next(i for i, row in enumerate(rows) if row["status"] != "ok")
    page.open(real / "report.html", f"#/row/{lost + 1}")
    page.tab.reload()
    page.tab.wait_for_selector("#structure h2")
    assert rows[lost]["message"] in page.tab.locator("#structure").inner_text()


def is_blank(png):
    """Whether fewer than 50 colours or less than 1 % of the pixels differ from the commonest."""
    from PIL import Image

    colours = Image.open(io.BytesIO(png)).convert("RGB").getcolors(maxcolors=10**7)
    total = sum(count for count, _ in colours)
    return len(colours) < 50 or max(colours)[0] > 0.99 * total


def test_a_blank_picture_is_called_blank():
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(buffer, "PNG")
    assert is_blank(buffer.getvalue())


def test_the_page_opens_on_the_picks(real, visit):
    """A card a compound, by rank, with both intervals, what is unknown called so, and printable."""
    page = visit(real)
    cards = page.tab.locator("#picks .card")
    ranked = read_table(real / "candidates.csv")
    best = list(dict.fromkeys(row["reduced_formula"] for row in ranked))[:10]
    assert cards.count() == len(best) > 1
    first = cards.nth(0)
    box = first.bounding_box()
    assert box is not None and box["y"] < 400
    assert first.locator(".rank").inner_text() == "1"
    assert f"score {ranked[0]['score']:.3f}" in first.inner_text()
    assert "above hull unknown" in first.inner_text()
    assert "Its stability is unknown" in first.inner_text()
    told = first.locator("svg.intervals").get_attribute("aria-label")
    for role in ("cation", "anion"):
        assert f"{ranked[0][f'e3d_{role}_ev']:.2f} eV" in told
        low, high = (ranked[0][f"e_calibrated_{role}_{end}_ev"] for end in ("low", "high"))
        assert f"90 % between {low:.2f} and {high:.2f}" in told
    assert page.tab.locator("#picks h2").inner_text().startswith("Pick")
    page.tab.emulate_media(media="print")
    assert first.is_visible()
    assert not page.tab.locator("#candidates").is_visible()
    page.tab.emulate_media(media="print", color_scheme="dark")
    ink = "(e) => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"
    assert first.evaluate(ink) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]  # paper is white
    pages = len(re.findall(rb"/Type\s*/Page\b", page.tab.pdf(format="A4")))
    assert 1 <= pages <= 3


def test_candidates_are_walked_by_rank(real, visit):
    page = visit(real)
    page.tab.locator("#picks .card h3 a").first.click()
    page.tab.wait_for_selector("#structure h2")
    assert page.tab.locator("#structure [rel=prev]").count() == 0
    page.tab.locator("#structure [rel=next]").click()
    page.tab.wait_for_selector("#structure [rel=prev]")
    assert "rank 2" in page.tab.locator("#structure").inner_text()


def test_structure_and_picture_are_saved(real, visit):
    page = visit(real)
    page.tab.locator("#picks .card h3 a").first.click()
    page.tab.wait_for_selector("#save-cif")
    with page.tab.expect_download() as download:
        page.tab.locator("#save-cif").click()
    name = read_table(real / "candidates.csv")[0]["source_id"].split("#")[0]
    original = next(path for path in reference_paths() if path.name == name)
    saved = Path(download.value.path()).read_text()
    assert saved.startswith("data_")
    assert original.read_text().endswith(saved)  # what stands before the block is a comment
    page.tab.wait_for_function("document.querySelector('.viewer canvas') !== null")
    page.tab.select_option("select[name=cells]", "2")
    page.tab.locator("input[name=polyhedra]").uncheck()
    with page.tab.expect_download() as download:
        page.tab.locator("#save-png").click()
    assert Path(download.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_plot_says_what_its_window_hides(big, visit, table):
    page = visit(big)
    page.tab.select_option("select[name=verdict]", "computed")
    page.settle()
    shown = [
        (row["ratio_3d"], row["e3d_cation_ev"])
        for row in table
        if row["status"] == "ok" and row["ratio_3d"] is not None
        and math.isfinite(row["ratio_3d"]) and math.isfinite(row["e3d_cation_ev"])
    ]  # fmt: skip
    right = sum(x > 2.5 for x, _ in shown)
    above = sum(y > 1.6 for _, y in shown)
    both = sum(x > 2.5 or y > 1.6 for x, y in shown)
    assert both > 0
    caption = page.tab.locator("#plot-caption").inner_text()
    told = [f"{n:,} {side}" for n, side in ((right, "right"), (above, "above")) if n]
    assert f"{both:,} outside this window ({', '.join(told)})" in caption
    page.tab.get_by_role("button", name="All", exact=True).click()
    assert "outside" not in page.tab.locator("#plot-caption").inner_text()


def test_the_legend_has_one_chip_an_element(big, visit, table):
    page = visit(big)
    chips = page.tab.locator("#legend [data-anion]").evaluate_all(
        "all => all.map((chip) => chip.dataset.anion)"
    )
    found = {re.match("[A-Z][a-z]?", row["anion"]).group() for row in table if row["anion"]
             and row["status"] == "ok"}  # fmt: skip
    assert sorted(chips) == sorted(found)


@pytest.fixture(scope="module")
def moving(real, tmp_path_factory):
    """The page of a candidate with a run of eight Li that hop, beside one at which they stay."""
    folder = tmp_path_factory.mktemp("moving")
    shutil.copytree(real, folder, dirs_exist_ok=True)
    row = read_table(folder / "candidates.csv")[0]
    options = AnalysisOptions(framework=("I",), with_kinisi=False, with_structure=False)
    origin = RunOrigin(engine="ASE", potential="CHGNet", compound="Li3PS4", defects="salt_LiI")
    for kelvin, spread in ((500.0, 0.02), (700.0, 0.35)):
        analysed = folder / "md" / f"{str(row['key']).split('-')[0]}-x" / f"{kelvin:g}K"
        analysed.mkdir(parents=True)
        report = analyse(walking(spread, kelvin), options)
        write_transport(report, analysed, figures=False, origin=origin)
    app = typer.Typer()
    report_command.register(app)
    app.command("other")(lambda: None)
    words = ["report", str(folder), "--candidates", "0"]
    assert CliRunner().invoke(app, words).exit_code == 0
    return folder


def walking(spread, kelvin):
    rng = np.random.default_rng(4)
    moved = rng.normal(scale=0.05, size=(800, 16, 3))
    steps = rng.normal(scale=spread, size=(800, 8, 3))
    moved[:, :8] += np.cumsum(steps, axis=0) if spread > 0.1 else steps
    return Trajectory(
        fractional=(rng.random((1, 16, 3)) * 9.0 + moved) / 9.0, cells=9.0 * np.eye(3)[None],
        symbols=("Li",) * 8 + ("I",) * 8, frame_step_ps=0.1, temperature_k=kelvin, source="XDATCAR",
    )  # fmt: skip


def test_molecular_dynamics_has_its_heading_curves_network_and_limits(moving, visit):
    page = visit(moving)
    row = page.tab.evaluate("window.dualion.data.columns.rank.values.indexOf(1)")
    page.open(moving / "report.html", f"#/row/{row + 1}")
    page.tab.reload()
    page.tab.wait_for_selector(".dynamics")
    cold, hot, together = (page.tab.locator(".dynamics").nth(i) for i in range(3))
    assert hot.locator("h3").inner_text() == "Molecular dynamics: Li3PS4, 700 K, 79.9 ps"
    assert hot.locator("h3 sub").all_inner_texts() == ["3", "4"]
    for words in ("ASE", "CHGNet", "Li8I8, 16 atoms", "9.00 × 9.00 × 9.00 Å", "salt LiI"):
        assert words in hot.locator("dl.facts").inner_text()
    assert hot.locator("svg.profile polygon").count() == 4  # a band an ion, on both scales
    assert hot.locator("svg.network circle.site").count() > 10
    assert hot.locator("svg.network line.jump").count() > 10
    assert cold.locator("svg.network").count() == 0  # what stays has no network
    assert "temperature dependence" in together.locator("h3").inner_text()
    titles = together.locator("svg.profile title").all_text_contents()
    assert titles.count("Li") == 1 and titles.count("Li: upper limit") == 1
    assert titles.count("I: upper limit") == 2


@pytest.fixture(scope="module")
def banded(tmp_path_factory):
    """A made-up run whose first candidate has barriers with a potential."""
    folder = tmp_path_factory.mktemp("banded")
    screened, ranked = full_tables()
    kept = {"source": "file", "cation": "Li+", "anion": "Cl-", "neb_potential": None}
    bands = {f"e{n}d_{ion}_neb_ev": None for n in (1, 2, 3) for ion in ("cation", "anion")}
    rows = [row | kept | bands | {"dai_neb": None} for row in ranked]
    known = {"e3d_cation_neb_ev": 0.4, "e3d_anion_neb_ev": 0.6, "e3d_cation_ev": 0.5}
    rows[0] |= known | {"neb_potential": "chgnet", "dai_neb": True, "neb_problem": EVIL}
    screened = [row | {key: kept[key] for key in ("source", "cation", "anion")} for row in screened]
    run = RunFolder(folder=folder, rows=screened, candidates=rows, sidecar={})
    write_report(run, folder / "report.html", details=with_bands(run, {}))
    return folder


def test_barriers_with_a_potential_have_a_plot_and_a_block_of_their_own(banded, visit):
    page = visit(banded)
    marks = page.tab.locator("#tiers circle.tier")
    assert marks.count() == 2  # both ions of the one pair, and no other
    row = int(marks.first.get_attribute("data-row"))
    page.open(banded / "report.html", f"#/row/{row + 1}")
    page.tab.wait_for_selector("#bands")
    said = page.tab.locator("#bands").inner_text()
    assert "Barriers with a potential: chgnet" in said
    assert EVIL in said
    assert page.tab.locator("#structure .badge", has_text="with a potential passes").count() == 1
    assert page.tab.evaluate("window.hacked") is None
