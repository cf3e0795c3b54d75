"""Axes, legends, limits and curves of the figures, each as a reader sees them."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from dualion.results.figures import screening
from dualion.results.figures.files import blank_figure, save_figure
from dualion.results.figures.labels import ion_label
from dualion.results.figures.screening import (
    barrier_figure,
    funnel_figure,
    ranking_figure,
    ratio_figure,
    write_run_figures,
)
from dualion.results.path.figure import BLOCKS, text_plot, write_path_figure
from dualion.results.run_folder import RunFolder
from dualion.results.transport.arrhenius_figure import arrhenius_figure
from dualion.results.transport.axes import COLOURS, thin_indices
from dualion.results.transport.figures import (
    density_figure,
    rdf_figure,
    rotation_figure,
    van_hove_figure,
)
from dualion.results.transport.msd_figure import msd_figure
from dualion.results.transport.overview import (
    NamedPair,
    _draw_pairs,
    choose_pairs,
    overview_figure,
    split_at_faces,
)
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.arrhenius import arrhenius
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import Trajectory

CELL = np.array([[9.0, 0.0, 0.0], [1.5, 8.0, 0.0], [0.5, -1.0, 10.0]])


def made():
    rng = np.random.default_rng(3)
    moved = rng.normal(scale=0.05, size=(120, 9, 3))
    moved[:, :4] += np.cumsum(rng.normal(scale=0.6, size=(120, 4, 3)), axis=0)
    held = [[0, 0, 0], [2, 2, 0], [2, 0, 2], [0, 2, 2], [2, 2, 2]]
    start = np.concatenate([rng.random((4, 3)), np.array(held) / 4.0]) @ CELL
    trajectory = Trajectory(
        fractional=(start + moved) @ np.linalg.inv(CELL),
        cells=CELL[None],
        symbols=("Li",) * 4 + ("S",) * 3 + ("Cl",) * 2,
        frame_step_ps=0.1,
        temperature_k=600.0,
        source="made",
    )
    return analyse(trajectory, AnalysisOptions(framework=("S",), with_kinisi=False))


REPORT = made()


def told(axes):
    legend = axes.get_legend()
    return axes.get_xlabel(), axes.get_ylabel(), [t.get_text() for t in legend.get_texts()]


def test_msd_panels_reach_to_seven_tenths_of_the_run():
    linear, log = msd_figure(REPORT).axes
    assert linear.lines[0].get_xdata()[-1] == pytest.approx(8.3)  # of 120 frames of 0.1 ps
    assert (linear.get_xlim()[0], linear.get_ylim()[0]) == (0.0, 0.0)
    assert log.lines[0].get_xdata()[0] == pytest.approx(0.1)
    colours = [axes.collections[1].get_facecolor()[0, :3].tolist() for axes in (linear, log)]
    assert colours[0] == colours[1]
    many = dataclasses.replace(REPORT, species=REPORT.species * 3)
    drawn = [line.get_color() for line in msd_figure(many).axes[0].lines]
    own = [colour for colour in drawn if colour != "black" and colour != "#000000"]
    assert own[0] == own[-1] == COLOURS[0]  # the ninth begins the palette again


def test_curves_are_thinned_evenly_on_their_axis():
    assert thin_indices(5).tolist() == [0, 1, 2, 3, 4]
    assert thin_indices(2000).tolist() == list(range(2000))
    many = thin_indices(10_001)
    assert (len(many), many[0], many[-1]) == (2000, 0, 10_000)
    log = thin_indices(10_001, log=True)
    assert (log[0], log[-1]) == (1, 10_000)
    assert len(log) < 200
    assert thin_indices(1, log=True).tolist() == [1]


def limited(verdict, d, upper, kelvin):
    found = dataclasses.replace(
        REPORT.species[0].diffusion, verdict=verdict, d_cm2_s=d, error_cm2_s=0.1 * d,
        high_cm2_s=upper, one_jump_cm2_s=np.nan,
    )  # fmt: skip
    return CombinedIon(species="Li", temperature_k=kelvin, runs=1, diffusion=found)


def test_an_arrhenius_plot_reaches_room_temperature_with_its_band():
    fit = arrhenius([600.0, 700.0, 800.0], [1e-6, 2e-6, 4e-6], [1e-7, 2e-7, 4e-7])
    points = [limited("diffusing", d, d, t) for t, d in ((600.0, 1e-6), (800.0, 4e-6))]
    points.append(limited("vibrating", 1e-8, 3e-7, 500.0))
    (axes,) = arrhenius_figure(points, {"Li": fit}).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("1000/T (1/K)", "D (cm²/s)")
    solid, dashed = (
        next(
            line
            for line in axes.lines
            if line.get_linestyle() == style and len(line.get_xdata()) > 9
        )
        for style in ("-", "--")
    )
    assert solid.get_xdata()[[0, -1]] == pytest.approx([1000.0 / 600.0, 1000.0 / 800.0])
    assert dashed.get_xdata()[[0, -1]] == pytest.approx([1000.0 / 300.0, 1000.0 / 600.0])
    np.testing.assert_allclose(dashed.get_ydata(), fit.predict(1000.0 / dashed.get_xdata())[0])
    bottom, top = axes.get_ylim()
    assert bottom == pytest.approx(float(fit.predict([300.0])[0][0]) / 10.0)
    assert top == pytest.approx(4e-5)
    drawn = {round(float(x), 6): float(y) for line in axes.lines for x, y in line.get_xydata()}
    assert drawn[2.0] == pytest.approx(3e-7)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[-1] == "Li: upper limit" and labels[0].startswith("Li: $E_a$ = ")
    hot = arrhenius([280.0, 290.0, 299.0], [1e-6, 2e-6, 4e-6], [1e-7, 2e-7, 4e-7])
    (axes,) = arrhenius_figure(points[:1], {"Li": hot}).axes
    assert not any(line.get_linestyle() == "--" for line in axes.lines)


def test_a_radial_distribution_shows_halves_and_coordination():
    rdf = REPORT.rdfs[1]
    left, right = rdf_figure(rdf).axes
    assert told(left) == ("distance (Å)", "g(r) Li–S", ["whole run", "first half", "second half"])
    assert right.get_ylabel() == "coordination number"
    curves = [line.get_ydata() for line in left.lines]
    for curve, known in zip(curves, (rdf.g, *rdf.g_halves), strict=True):
        np.testing.assert_array_equal(curve, known)
    np.testing.assert_array_equal(right.lines[0].get_ydata(), rdf.coordination)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_density_map_is_summed_along_an_axis_over_the_other_two(axis):
    (density,) = REPORT.species[0].density
    axes, bar = density_figure(density, axis).axes
    others = [i for i in range(3) if i != axis]
    lengths = np.linalg.norm(density.cell, axis=1)
    (image,) = axes.images
    step = lengths[axis] / density.values.shape[axis]
    np.testing.assert_allclose(image.get_array().data, density.values.sum(axis=axis).T * step)
    assert image.get_extent() == pytest.approx([0.0, lengths[others[0]], 0.0, lengths[others[1]]])
    assert image.origin == "lower"
    names = ["abc"[i] for i in others]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        f"along {names[0]} (Å)", f"along {names[1]} (Å)",
    )  # fmt: skip
    assert axes.get_title() == f"Li, summed along {'abc'[axis]}"
    assert bar.get_ylabel() == "ions per Å²"


def test_rotation_panels_are_labelled_and_start_at_zero():
    turning = Rotation(
        formula="PS4", n_bonds=4, bond_length_angstrom=2.0, times_ps=np.arange(3.0),
        correlation=np.array([1.0, 0.5, 0.1]), correlation_error=np.full(3, 0.1),
        relative_msd=np.array([0.0, 4.0, 7.0]), ceiling_angstrom2=8.0, relaxation_ps=1.0,
        broken_bonds=0, exchanges=0, verdict="rotating",
    )  # fmt: skip
    figure = rotation_figure(dataclasses.replace(REPORT, rotation=(turning,)))
    left, right = figure.axes
    assert told(left) == ("time (ps)", "C₁(t)", ["PS$_{4}$"])
    assert told(right) == ("time (ps)", "MSD about the centre (Å²)", ["2R²"])
    assert left.get_ylim()[0] < 0.0 < 1.0 < left.get_ylim()[1]
    assert right.get_ylim()[0] == 0.0


def test_a_van_hove_plot_ends_a_tenth_beyond_the_longest_step():
    figure = van_hove_figure(REPORT, "Li")
    found = REPORT.species[0].van_hove
    own, distinct = figure.axes
    reached = found.distances_angstrom[(found.self_part > 0.0).any(axis=0)].max()
    assert own.get_xlim() == (0.0, pytest.approx(1.1 * reached))
    assert len(own.get_legend().get_texts()) == len(found.times_ps) == len(distinct.lines)
    assert [line.get_color() for line in own.lines] == [line.get_color() for line in distinct.lines]
    still = van_hove_figure(REPORT, "S")
    assert still.axes[0].get_xlim() == (0.0, pytest.approx(1.1))  # at least an angstrom
    lone = dataclasses.replace(
        REPORT.species[1],
        van_hove=dataclasses.replace(
            found, distinct_part=np.full_like(found.distinct_part, np.nan)
        ),
    )
    single = van_hove_figure(dataclasses.replace(REPORT, species=(lone,)), "S")
    assert len(single.axes) == 1
    assert single.get_size_inches()[0] < figure.get_size_inches()[0]


def test_the_overview_letters_its_panels_and_names_what_it_draws():
    figure = overview_figure(REPORT, (("Li", "S"), ("Cl", "Li")))
    left, middle, paths, right = figure.axes
    assert [axes.get_title(loc="left") for axes in (left, middle, paths)] == ["a", "b", "c"]
    assert told(middle) == ("distance (Å)", "g(r)", ["Li–S", "Cl–Li"])
    assert right.get_ylabel() == "running coordination number (dashed)"
    assert middle.get_ylim()[0] == 0.0
    labels = told(paths)
    assert labels[:2] == ("along a (Å)", "perpendicular, viewed along c (Å)")
    assert set(labels[2]) == {*REPORT.pathlines.symbols, *REPORT.pathlines.mobile}
    assert paths.get_aspect() == 1.0
    outline = paths.lines[0].get_xydata()
    assert len(outline) == 5
    np.testing.assert_allclose(outline[0], outline[-1])
    sides = np.linalg.norm(np.diff(outline, axis=0), axis=1)
    # Seen along c: a and b less their parts along c.
    along = CELL[2] / np.linalg.norm(CELL[2])
    flat = [np.linalg.norm(v - (v @ along) * along) for v in CELL[:2]]
    assert sides == pytest.approx([flat[0], flat[1]] * 2)
    assert outline[1, 1] == pytest.approx(0.0, abs=1e-9)
    assert outline[2, 1] > 0.0


def test_coordination_numbers_are_drawn_up_to_the_first_shell():
    figure = blank_figure(4.0, 3.0)
    axes = figure.add_subplot()
    rdf = dataclasses.replace(REPORT.rdfs[0], first_peak_angstrom=2.5)
    counts = np.where(rdf.distances_angstrom < 4.0, 2.0, 50.0)  # 1.6 · 2.5 Å
    _draw_pairs(axes, [NamedPair(pair=("Li", "Li"), rdf=rdf, coordination=counts)])
    right = figure.axes[1]
    assert right.get_ylim() == (0.0, 3.0)
    np.testing.assert_array_equal(right.lines[0].get_ydata(), counts)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), rdf.g)
    peakless = dataclasses.replace(rdf, first_peak_angstrom=np.nan)
    figure = blank_figure(4.0, 3.0)
    _draw_pairs(
        figure.add_subplot(), [NamedPair(pair=("Li", "Li"), rdf=peakless, coordination=counts)]
    )
    assert figure.axes[1].get_ylim() == (0.0, 75.0)
    figure = blank_figure(4.0, 3.0)
    axes = figure.add_subplot()
    _draw_pairs(axes, [])
    assert axes.get_legend() is None
    assert figure.axes[1].get_ylim() == (0.0, 1.5)


def test_pairs_of_unlike_numbers_are_turned_round():
    """Four Li about a Cl for each two Cl about a Li."""
    forth, back = choose_pairs(REPORT, (("Li", "Cl"), ("Cl", "Li")))
    np.testing.assert_allclose(back.coordination, 2.0 * forth.coordination)
    np.testing.assert_allclose(forth.coordination, forth.rdf.coordination)
    chosen = [named.pair for named in choose_pairs(REPORT, ())]
    assert ("Li", "S") in chosen and ("Li", "Li") not in chosen
    bound = dataclasses.replace(REPORT, bonded_pairs=(("S", "Cl"), ("S", "Xx")))
    assert choose_pairs(bound, ())[0].pair == ("S", "Cl")
    assert ("Li", "S") not in [named.pair for named in choose_pairs(bound, ())]
    still = dataclasses.replace(REPORT, pathlines=dataclasses.replace(REPORT.pathlines, mobile={}))
    assert [named.pair for named in choose_pairs(still, ())] == [r.pair for r in REPORT.rdfs][:4]


def test_a_path_of_one_point_in_a_cell_is_not_drawn():
    way = np.array([[0.9, 0.5, 0.5], [1.1, 0.5, 0.5], [1.2, -0.1, 0.5], [1.3, -0.2, 0.5]])
    (piece,) = split_at_faces(way)
    np.testing.assert_allclose(piece, [[0.2, 0.9, 0.5], [0.3, 0.8, 0.5]])


ROWS = [
    {"anion": "I-", "status": "ok", "dai": True, "e2d_cation_ev": 0.3, "e2d_anion_ev": 0.4,
     "ratio_2d": 4 / 3},
    {"anion": "S2-", "status": "ok", "dai": False, "e2d_cation_ev": 0.5, "e2d_anion_ev": 0.9,
     "ratio_2d": 1.8},
    {"anion": "S2-", "status": "ok", "dai": None, "e2d_cation_ev": None, "e2d_anion_ev": 0.9,
     "ratio_2d": math.nan},
    {"anion": "F-", "status": "rejected"},
]  # fmt: skip


def test_screening_figures_fit_a_journal_column_and_are_labelled():
    """A column is 3.4 inches wide; the legend stands beside it."""
    ratio, barrier = ratio_figure(ROWS, dimensionality=2), barrier_figure(ROWS, dimensionality=2)
    for figure in (ratio, barrier, funnel_figure([("read", 3)]), ranking_figure([])):
        assert figure.get_size_inches()[0] == pytest.approx(1.6 * 3.4)
    anions = [ion_label("S2-"), ion_label("I-")]  # the commonest first
    assert told(ratio.axes[0]) == ("E(anion) / E(cation), 2D", "E(cation), 2D (eV)", anions)
    assert told(barrier.axes[0]) == ("E(cation), 2D (eV)", "E(anion), 2D (eV)", anions)
    assert (ratio.axes[0].get_xlim(), ratio.axes[0].get_ylim()) == ((0.0, 2.5), (0.0, 1.6))
    diagonal = barrier.axes[0].lines[0]
    assert (diagonal.get_xy1(), diagonal.get_slope()) == ((0, 0), 1)
    few, many = ratio.axes[0].collections[0], ratio_figure(ROWS * 200).axes[0].collections[0]
    assert few.get_sizes()[0] > many.get_sizes()[0]
    edge = ratio_figure(ROWS * 124 + ROWS[:3]).axes[0].collections[0]  # 499 rows
    assert edge.get_sizes()[0] == few.get_sizes()[0]
    assert ratio_figure(ROWS * 125).axes[0].collections[0].get_sizes()[0] == many.get_sizes()[0]


def test_funnels_and_rankings_grow_with_what_they_hold():
    axes = funnel_figure([("read", 10), ("computed", 5)]).axes[0]
    assert not axes.spines["top"].get_visible() and not axes.spines["right"].get_visible()
    assert axes.get_xlim()[1] > 10.0  # room for the number beside the bar

    def height(figure):
        return figure.get_size_inches()[1]

    steps = [funnel_figure([("x", 1)] * n) for n in (2, 6)]
    assert height(steps[1]) - height(steps[0]) == pytest.approx(1.0)
    assert height(steps[0]) == pytest.approx(0.3 * 3.4 + 0.5)
    rows = [{"rank": n, "reduced_formula": "LiI", "anion": "I-"} for n in range(1, 31)]
    assert height(ranking_figure(rows[:1])) == height(ranking_figure([]))
    assert height(ranking_figure(rows[:5])) == pytest.approx(0.4 * 3.4 + 1.0)
    assert len(ranking_figure(rows).axes[0].get_yticklabels()) == 25
    assert ranking_figure(rows[:1]).axes[0].images[0].get_clim() == (0.0, 1.0)


def test_ions_have_their_charge_as_superscript():
    assert ion_label("S2-") == "S$^{2−}$"
    assert ion_label("Li+") == "Li$^{+}$"
    assert ion_label("O1.5-") == "O$^{1.5−}$"
    assert ion_label("-") == "-"


def test_all_figures_of_a_run_take_its_criterion(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        screening, "save_figure", lambda figure, files, *, dpi: drawn.update({files[0]: figure})
    )
    criterion = {"dimensionality": 2, "max_ratio": 1.2, "min_ratio": 0.7,
                 "max_cation_barrier_ev": 0.8}  # fmt: skip
    sidecar = {"options": {"criterion": criterion}, "funnel": {"read": 4}}
    run = RunFolder(folder=tmp_path, rows=ROWS, candidates=[], sidecar=sidecar)
    found = write_run_figures(run, tmp_path, formats=("svg",))
    names = ["ratio", "ratio_log", "barriers", "funnel", "ranking"]
    assert found == list(drawn) == [tmp_path / f"{name}.svg" for name in names]
    axes = [figure.axes[0] for figure in drawn.values()]
    assert [one.get_ylabel() for one in axes[:3]] == [
        "E(cation), 2D (eV)", "E(cation), 2D (eV)", "E(anion), 2D (eV)",
    ]  # fmt: skip
    assert [one.get_xscale() for one in axes[:2]] == ["linear", "log"]
    for one in axes[:2]:
        (box,) = one.patches
        assert (box.get_x(), box.get_width(), box.get_height()) == (0.7, pytest.approx(0.5), 0.8)
    assert [bar.get_width() for bar in axes[3].patches] == [4]


def test_files_are_undated(tmp_path):
    figure = blank_figure(3.0, 2.0)
    figure.text(0.5, 0.5, "words stay words")
    files = [tmp_path / "a.svg", tmp_path / "a.pdf"]
    save_figure(figure, files, dpi=50)
    svg, pdf = (path.read_bytes() for path in files)
    assert b"words stay words" in svg
    assert b"<dc:date>" not in svg and b"CreationDate" not in pdf


def migration_path(**changes):
    base = {
        "dimension": 2, "winding": (1, 0, -1), "distance_angstrom": np.linspace(0.0, 4.0, 9),
        "energies_ev": np.array([0.0, 0.1, 0.2, 0.1, 0.05, 0.3, 0.4, 0.2, 0.0]), "bottleneck": 6,
        "minima": (0, 4, 8), "barrier_ev": 0.4,
    }  # fmt: skip
    return SimpleNamespace(**(base | changes))


def test_a_path_figure_marks_minima_and_the_pass(tmp_path):
    drawn = []

    def keep(figure, files, *, dpi):
        drawn.append((figure, files, dpi))

    from dualion.results.path import figure as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "save_figure", keep)
        flat = migration_path(energies_ev=np.zeros(9), barrier_ev=0.0, dimension=1)
        write_path_figure([tmp_path / "a.svg"], [migration_path(), flat], title="Li in LiI")
    ((figure, files, _),) = drawn
    assert files == [tmp_path / "a.svg"]
    assert figure.get_suptitle() == "Li in LiI"
    first, second = figure.axes
    curve, minima, top = first.lines
    np.testing.assert_array_equal(curve.get_ydata(), migration_path().energies_ev)
    assert list(minima.get_xdata()) == [0.0, 2.0, 4.0]
    assert (list(top.get_xdata()), list(top.get_ydata())) == ([3.0], [0.4])
    (note,) = first.texts
    assert (note.get_text(), note.xy) == ("0.400 eV", (3.0, 0.4))
    assert first.get_xlim() == (0.0, 4.0)
    assert first.get_ylim() == pytest.approx((-0.02, 0.5))
    assert second.get_ylim() == pytest.approx((0.0, 0.01))
    assert (first.get_xlabel(), first.get_ylabel()) == (
        "distance along the path (Å)",
        "energy (eV)",
    )
    assert first.get_title(loc="left") == "2D, along [1 0 -1]"
    heights = [axes.get_subplotspec().rowspan.start for axes in (first, second)]
    assert heights == [0, 1]
    assert figure.get_size_inches()[1] == pytest.approx(2.0 * 2.4)


def test_a_path_in_characters_shows_the_highest_of_each_stretch():
    lines = text_plot(migration_path(), width=8, height=2)
    # The highest of each half Å is 0.1 0.2 0.2 0.1 0.3 0.4 0.4 0.2 of 0.4 eV, in eighths of a line.
    eighths = [4, 8, 8, 4, 12, 16, 16, 8]
    assert lines == [
        "".join(BLOCKS[min(max(e - 8, 0), 8)] for e in eighths),
        "".join(BLOCKS[min(e, 8)] for e in eighths),
    ]
    spike = migration_path(
        distance_angstrom=np.array([0.0, 0.9, 1.0, 1.1, 4.0]),
        energies_ev=np.array([0.0, 0.0, 0.4, 0.0, 0.0]),
    )
    (line,) = text_plot(spike, width=2, height=1)
    assert line == "█ "
    assert (
        text_plot(migration_path(energies_ev=np.zeros(9), barrier_ev=0.0), width=3) == ["   "] * 6
    )
    assert len(text_plot(migration_path())[0]) == 64
