"""What stands in the figures: labels, units, and the numbers of the rows and reports."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from dualion.results.figures.labels import formula_label, ion_label, power_label
from dualion.results.figures.screening import (
    barrier_figure,
    funnel_figure,
    ranking_figure,
    ratio_figure,
)
from dualion.results.score import PARTS
from dualion.results.transport.arrhenius_figure import arrhenius_figure
from dualion.results.transport.axes import COLOURS, add_heading
from dualion.results.transport.figures import (
    density_figure,
    density_path_figure,
    rdf_figure,
    rotation_figure,
    van_hove_figure,
)
from dualion.results.transport.identity import RunOrigin, identify_run
from dualion.results.transport.msd_figure import msd_figure
from dualion.results.transport.network_figure import network_figure
from dualion.results.transport.overview import overview_figure
from dualion.screening.criterion import DaiCriterion
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.combined import CombinedIon, fit_arrhenius
from dualion.screening.transport.motion.density_path import DensityPath
from dualion.screening.transport.motion.hops import hops
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import Trajectory

ROWS = [
    {"anion": "I-", "status": "ok", "dai": True, "e3d_cation_ev": 0.3, "e3d_anion_ev": 0.4,
     "ratio_3d": 4 / 3},
    {"anion": "I-", "status": "ok", "dai": False, "e3d_cation_ev": 0.5, "e3d_anion_ev": 1.5,
     "ratio_3d": 3.0},
    {"anion": "S2-", "status": "ok", "dai": False, "e3d_cation_ev": 0.6, "e3d_anion_ev": math.inf,
     "ratio_3d": math.inf},
    {"anion": "", "status": "rejected", "dai": None},
]  # fmt: skip


@pytest.fixture(scope="module")
def report():
    """Eight lithium ions that walk at random among eight sulfide ions that stay."""
    rng = np.random.default_rng(1)
    moved = rng.normal(scale=0.05, size=(200, 16, 3))
    moved[:, :8] = np.cumsum(rng.normal(scale=0.6, size=(200, 8, 3)), axis=0)
    trajectory = Trajectory(
        fractional=(rng.random((1, 16, 3)) * 9.0 + moved) / 9.0,
        cells=9.0 * np.eye(3)[None],
        symbols=("Li",) * 8 + ("S",) * 8,
        frame_step_ps=0.1,
        temperature_k=600.0,
        source="made",
    )
    return analyse(trajectory, AnalysisOptions(framework=("S",), with_kinisi=False))


def points_of(axes):
    """Points of all scatter collections, those without points left out."""
    offsets = [np.asarray(found.get_offsets(), dtype=float) for found in axes.collections]
    return sorted(tuple(point) for found in offsets for point in found.reshape(-1, 2).tolist())


def test_ratio_figure_holds_the_finite_rows_and_the_region():
    for log in (False, True):
        figure = ratio_figure(ROWS, log=log, criterion=DaiCriterion())
        (axes,) = figure.axes
        assert points_of(axes) == [(4 / 3, 0.3), (3.0, 0.5)]
        assert axes.get_xlabel() == "E(anion) / E(cation), 3D"
        assert axes.get_ylabel() == "E(cation), 3D (eV)"
        assert axes.get_xscale() == axes.get_yscale() == ("log" if log else "linear")
        (box,) = axes.patches
        assert (box.get_x(), box.get_width(), box.get_y(), box.get_height()) == (0.5, 1.0, 0.0, 1.0)
        assert axes.lines[0].get_xydata().tolist() == [[0.5, 0], [0.5, 1], [1.5, 1], [1.5, 0]]
        names = [text.get_text() for text in axes.get_legend().get_texts()]
        assert names == [ion_label("I-"), ion_label("S2-")]  # the commonest first


def test_barrier_figure_fills_candidates_alone():
    (axes,) = barrier_figure(ROWS).axes
    assert points_of(axes) == [(0.3, 0.4), (0.5, 1.5)]
    filled = {
        tuple(point): bool(len(found.get_facecolors()))
        for found in axes.collections
        for point in np.asarray(found.get_offsets()).reshape(-1, 2).tolist()
    }
    assert axes.get_xlim() == axes.get_ylim() == (0.0, 2.0)  # equal scales, diagonal to diagonal
    assert filled == {(0.3, 0.4): True, (0.5, 1.5): False}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("E(cation), 3D (eV)", "E(anion), 3D (eV)")


def test_funnel_figure_counts():
    (axes,) = funnel_figure([("read", 1200), ("computed", 900)]).axes
    assert [bar.get_width() for bar in axes.patches] == [1200, 900]
    assert [text.get_text() for text in axes.texts] == ["1,200", "900"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["read", "computed"]
    assert axes.get_xlabel() == "structures"
    assert axes.yaxis_inverted()


def test_ranking_figure_shows_the_parts_of_the_first():
    candidates = [
        {"rank": n, "reduced_formula": f"Li{n}I", "anion": "I-"}
        | {f"score_{part}": (n + place) / 10 for place, part in enumerate(PARTS)}
        for n in (1, 2, 3)
    ]
    axes, bar = ranking_figure(candidates, most=2).axes
    shown = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(shown, [[(n + p) / 10 for p in range(len(PARTS))] for n in (1, 2)])
    assert axes.get_yticklabels()[0].get_text() == f"1  Li$_{{1}}$I · {ion_label('I-')}"
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == [part.replace("_", " ") for part in PARTS]
    assert bar.get_ylabel() == "score component"


def test_ranking_figure_leaves_unknown_parts_blank():
    row = {"rank": 1, "reduced_formula": "LiI", "anion": "I-", "score_gap": None}
    axes, _ = ranking_figure([row | {f"score_{part}": 0.5 for part in PARTS if part != "gap"}]).axes
    blank = np.ma.getmaskarray(axes.images[0].get_array())
    assert blank.tolist() == [[part == "gap" for part in PARTS]]


def test_msd_figure_draws_the_fit_over_its_window_on_both_scales(report):
    figure = msd_figure(report)
    found = report.species[0].diffusion
    assert found.verdict == "diffusing"
    for axes, scale in zip(figure.axes, ("linear", "log"), strict=True):
        assert axes.get_xscale() == axes.get_yscale() == scale
        (line,) = (
            one for one in axes.lines if one.get_linestyle() == "--" and len(one.get_xdata())
        )
        times = np.asarray(line.get_xdata())
        np.testing.assert_allclose(times[[0, -1]], found.window_ps)
        assert line.get_markevery() == [0, len(times) - 1]  # both ends are marked
        # MSD = b + 6 D t, and 1 cm²/s is 1e4 Å²/ps
        expected = found.intercept_angstrom2 + 6.0 * found.d_cm2_s * 1e4 * times
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (ps)", "MSD (Å²)")
        curve = axes.lines[0]
        places = np.searchsorted(report.species[0].msd.times_ps, curve.get_xdata())
        np.testing.assert_array_equal(curve.get_ydata(), report.species[0].msd.total[places])


def test_msd_figure_shades_the_band_and_keeps_its_legend_off_the_data(report):
    figure = msd_figure(report)
    for axes in figure.axes:
        assert axes.get_legend() is None
        for species, shade in zip(report.species, axes.collections, strict=True):
            corners = shade.get_paths()[0].vertices
            for end in (species.band.low_angstrom2, species.band.high_angstrom2):
                edge = np.stack([species.band.times_ps, end], axis=1)
                near = np.abs(corners[None] - edge[:, None]).max(axis=2).min(axis=1)
                assert near.max() < 1e-9
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names[0].startswith("Li: diffusing, D = (")
    assert names[1].startswith("S: vibrating, D < ")
    assert names[2:] == ["fit over its window", "∝ t"]


def test_log_panel_has_a_guide_of_slope_one(report):
    axes = msd_figure(report).axes[1]
    (guide,) = (line for line in axes.lines if line.get_linestyle() == ":")
    (x0, y0), (x1, y1) = guide.get_xydata()
    assert np.log(y1 / y0) / np.log(x1 / x0) == pytest.approx(1.0)


def test_rdf_and_density_figures_name_their_axes(report):
    figure = rdf_figure(report.rdfs[0])
    first, second = report.rdfs[0].pair
    assert figure.axes[0].get_ylabel() == f"g(r) {first}–{second}"
    assert "Å" in figure.axes[0].get_xlabel()
    density = report.species[0].density[0]
    for axis in (0, 1, 2):
        labels = density_figure(density, axis).axes[0]
        others = ["abc"[i] for i in range(3) if i != axis]
        assert others[0] in labels.get_xlabel()
        assert others[1] in labels.get_ylabel()


def test_van_hove_figure_has_both_parts_with_units(report):
    figure = van_hove_figure(report, "Li")
    own, distinct = figure.axes
    assert figure.get_size_inches().tolist() == [9.0, 3.8]  # two panels side by side
    found = report.species[0].van_hove
    for number, line in enumerate(own.lines):
        np.testing.assert_array_equal(line.get_ydata(), found.self_part[number])
        assert line.get_label() == f"{found.times_ps[number]:g} ps"
    for number, line in enumerate(distinct.lines):
        np.testing.assert_array_equal(line.get_ydata(), found.distinct_part[number])
    assert (own.get_xlabel(), distinct.get_xlabel()) == (
        "displacement (Å)", "distance from an ion's place (Å)"
    )  # fmt: skip
    assert own.get_ylabel().endswith("of Li (1/Å)")
    assert distinct.get_ylabel().endswith("of Li")
    assert own.get_ylim()[0] == distinct.get_ylim()[0] == 0.0


def at_temperature(report, kelvin, verdict, d, error):
    """Lithium at one temperature: D with its error where it diffuses, else a limit."""
    found = dataclasses.replace(
        report.species[0].diffusion, d_cm2_s=d, error_cm2_s=error, verdict=verdict,
        high_cm2_s=3.0 * d, one_jump_cm2_s=math.nan,
    )  # fmt: skip
    return CombinedIon(species="Li", temperature_k=kelvin, runs=1, diffusion=found)


def test_arrhenius_figure_fills_what_is_resolved_and_points_down_from_limits(report):
    known = [(600.0, 1e-6, 1e-7), (700.0, 2e-6, 2e-7), (800.0, 4e-6, 4e-7)]
    points = [at_temperature(report, t, "diffusing", d, error) for t, d, error in known]
    points += [at_temperature(report, t, "not resolved", 5e-8, 5e-8) for t in (400.0, 500.0)]
    fits = fit_arrhenius(points)
    assert fits["Li"].temperatures_k.tolist() == [600.0, 700.0, 800.0]
    (axes,) = arrhenius_figure(points, fits).axes
    assert axes.get_yscale() == "log" and "1000" in axes.get_xlabel()
    resolved, limits = axes.containers
    np.testing.assert_allclose(resolved[0].get_xydata(), [(1000.0 / t, d) for t, d, _ in known])
    (bars,) = resolved[2]
    lengths = [float(np.ptp(segment[:, 1])) for segment in bars.get_segments()]
    np.testing.assert_allclose(lengths, [2.0 * error for *_, error in known])
    np.testing.assert_allclose(limits[0].get_xydata(), [(2.5, 1.5e-7), (2.0, 1.5e-7)])
    assert (
        limits[0].get_markerfacecolor() == "white" and resolved[0].get_markerfacecolor() != "white"
    )
    assert all(segment[:, 1].max() <= 1.5e-7 for segment in limits[2][0].get_segments())
    solid, dashed = (line for line in axes.lines if line.get_linestyle() in ("-", "--"))
    assert (solid.get_xdata()[[0, -1]] == [1000 / 600, 1000 / 800]).all()
    assert dashed.get_xdata()[0] == 1000 / 300
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    fit = fits["Li"]
    assert names == [
        f"Li: $E_a$ = {fit.activation_energy_ev:.3f} ± {fit.error_ev:.3f} eV (95 %: 0.228 … 0.342)",
        "Li: upper limit",
    ]


def test_overview_shows_msd_pairs_and_trajectories(report):
    figure = overview_figure(report, (("S", "Li"),), axis=1)
    labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes]
    assert ("time (ps)", "MSD (Å²)") in labels
    assert ("along a (Å)", "perpendicular, viewed along b (Å)") in labels
    assert any("running coordination number" in label for _, label in labels)


def test_log_panel_of_a_frozen_run_is_empty():
    """No MSD above 0 can stand on a logarithmic axis, nor a line of slope 1 through it."""
    frozen = Trajectory(
        fractional=np.repeat([[[0.0] * 3, [0.5] * 3, [0.25] * 3, [0.75] * 3]], 40, axis=0),
        cells=8.0 * np.eye(3)[None],
        symbols=("Li",) * 2 + ("S",) * 2,
        frame_step_ps=0.1,
        temperature_k=600.0,
    )
    axes = msd_figure(analyse(frozen, AnalysisOptions(with_kinisi=False))).axes[1]
    assert [line.get_label().partition(":")[0] for line in axes.lines] == ["Li", "S"]
    assert not any(len(line.get_xdata()) for line in axes.lines)


def test_network_figure_colours_sites_and_widens_links(report):
    """An ion that jumps 0 → 1 → 0 → 1 and one that goes over the face of the cell, once."""
    places = np.array([[0.1, 0.1, 0.1], [0.4, 0.1, 0.1], [0.9, 0.6, 0.5], [0.2, 0.6, 0.5]])
    walk = np.zeros((90, 2, 3))
    for start, site in ((0, 0), (20, 1), (40, 0), (60, 1)):
        walk[start:, 0] = places[site]
    walk[:50, 1], walk[50:, 1] = places[2], places[3] + [1.0, 0.0, 0.0]
    jumps = hops(walk, 9.0 * np.eye(3), 0.1, species="Li", sites=places)
    figure = network_figure(jumps, report.pathlines)
    flat = figure.axes[1]
    host, links, sites = flat.collections
    assert len(host.get_offsets()) == len(report.pathlines.framework)
    np.testing.assert_allclose(sites.get_offsets(), places[:, :2] * 9.0)
    np.testing.assert_allclose(sites.get_array(), jumps.occupancy)
    halves = [(segment.round(6).tolist(), width) for segment, width in
              zip(links.get_segments(), links.get_linewidths(), strict=True)]  # fmt: skip
    assert len(halves) == 4
    low, high = min(width for _, width in halves), max(width for _, width in halves)
    across = [segment for segment, width in halves if width == low]
    assert across == [[[8.1, 5.4], [9.45, 5.4]], [[1.8, 5.4], [0.45, 5.4]]]
    straight = [segment for segment, width in halves if width == high]
    assert straight == [[[0.9, 0.9], [2.25, 0.9]], [[3.6, 0.9], [2.25, 0.9]]]
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "4 jumps of Li between 4 sites"
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["host (S)", "1 jump", "3 jumps"]


def test_a_network_without_a_jump_is_its_sites(report):
    places = np.array([[0.1, 0.1, 0.1], [0.4, 0.1, 0.1]])
    still = np.repeat(places[None], 30, axis=0)
    jumps = hops(still, 9.0 * np.eye(3), 0.1, species="Li", sites=places)
    figure = network_figure(jumps, report.pathlines)
    links, sites = figure.axes[1].collections[1:]
    assert (len(links.get_segments()), len(sites.get_offsets())) == (0, 2)
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "0 jumps of Li between 2 sites"


def test_a_heading_names_what_the_run_is_of_and_no_file(report):
    origin = RunOrigin(
        engine="ASE", potential="CHGNet", compound="Li3.2PS4I0.2", defects="salt_Li1_I1"
    )
    figure = msd_figure(report)
    add_heading(figure, identify_run(report, origin))
    title, small = figure.get_suptitle().replace("\u00a0", " ").split("\n", 1)
    assert title == "Li$_{3.2}$PS$_{4}$I$_{0.2}$, 600 K, 19.9 ps"
    assert small == ("ASE · CHGNet · 16 atoms · 9.00 × 9.00 × 9.00 Å · defects: salt Li1 I1")
    plain = identify_run(report)
    assert (plain.compound, plain.cell_formula, plain.n_atoms) == ("LiS", "Li8S8", 16)
    assert "made" not in plain.subtitle()


def test_formulae_and_powers_have_subscripts_and_superscripts():
    assert formula_label("Li10Ge(PS6)2") == "Li$_{10}$Ge(PS$_{6}$)$_{2}$"
    assert formula_label("LiI") == "LiI"
    assert power_label("D = (1.2 ± 0.3)e-07 cm²/s") == "D = (1.2 ± 0.3)×10$^{−7}$ cm²/s"
    assert power_label("D < 4e5") == "D < 4×10$^{5}$"


def test_rotation_figure_has_the_error_on_both_sides_and_the_ceiling(report):
    correlation, error = np.array([1.0, 0.6, 0.3]), np.array([0.0, 0.05, 0.1])
    turning = Rotation(
        formula="PS4", n_bonds=4, bond_length_angstrom=2.05, times_ps=np.array([0.0, 0.1, 0.2]),
        correlation=correlation, correlation_error=error,
        relative_msd=2.0 * 2.05**2 * (1.0 - correlation), ceiling_angstrom2=2.0 * 2.05**2,
        relaxation_ps=0.2, broken_bonds=0, exchanges=0, verdict="rotating",
    )  # fmt: skip
    lone = dataclasses.replace(turning, correlation_error=np.full(3, np.inf))
    axes, relative = rotation_figure(dataclasses.replace(report, rotation=(turning, lone))).axes
    (band,) = axes.collections  # one bond has no error, and no band
    corners = {(round(x, 6), round(y, 6)) for x, y in band.get_paths()[0].vertices.tolist()}
    sides = [correlation - error, correlation + error]
    assert corners == {
        (t, round(y, 6)) for side in sides for t, y in zip((0.0, 0.1, 0.2), side, strict=True)
    }
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), correlation)
    np.testing.assert_array_equal(relative.lines[0].get_ydata(), turning.relative_msd)
    assert set(relative.lines[1].get_ydata()) == {turning.ceiling_angstrom2}


def test_density_path_figure_marks_the_barrier_and_says_whether_it_was_sampled(report):
    path = DensityPath(
        species="Li", dimension=1, winding=(1, 0, -1), frac=np.zeros((3, 3)),
        distance_angstrom=np.array([0.0, 2.0, 4.0]), energies_ev=np.array([0.0, 0.25, 0.0]),
        bottleneck=1, sites=np.zeros(0, dtype=np.int64), site_cells=np.zeros((0, 3)),
        site_frac=np.zeros((0, 3)), bottleneck_visits=50.0, least_error_ev=0.01,
    )  # fmt: skip
    unseen = dataclasses.replace(path, dimension=2, bottleneck_visits=2.0)
    first, second = density_path_figure([path, unseen]).axes
    curve, top = first.lines
    np.testing.assert_array_equal(curve.get_ydata(), path.energies_ev)
    assert (list(top.get_xdata()), list(top.get_ydata())) == ([2.0], [0.25])
    assert first.get_title(loc="left") == "1D, along [1 0 -1]: 0.250 ± 0.010 eV at least"
    assert second.get_title(loc="left") == "2D, along [1 0 -1]: hardly visited, not resolved"
    colours = [axes.lines[0].get_color() for axes in (first, second)]
    assert colours == list(COLOURS[:2])  # those of one and two dimensions
    assert second.get_xlabel() == "distance along the path of Li (Å)"
