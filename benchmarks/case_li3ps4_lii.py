"""The paper's case with CHGNet: Li3PS4 with and without 0.2 LiI, beside Cen et al. (2025).

    dualion dope Li3PS4_gamma --salt LiI --x 0.2 --configs 16 --output doped
    python benchmarks/case_li3ps4_lii.py run doped runs        # six runs, hours
    python benchmarks/case_li3ps4_lii.py report runs docs/case # table and figures

``run`` takes up what is there, so it can be stopped and started again.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import warnings
from pathlib import Path

TEMPERATURES_K = (600.0, 700.0, 800.0)
CHARGES_E = {"Li": 1.0, "P": 5.0, "S": -2.0, "I": -1.0}
PROTOCOL = {
    "timestep_fs": 3.0,
    "frame_fs": 48.0,
    "equilibration_ps": 1.536,
    "production_ps": 20.0,
    "budget_ps": 20.0,
    "still_after_ps": 100.0,
}
PAPER_CM2_S = {"Li": 1.4e-5, "I": 1.5e-6, "S": 8.5e-7, "P": None}
"""Cen et al., Nat. Sustain. 2025, end points MSD/6t at 600 K, AIMD, Li3.2PS4I0.2."""


def main() -> None:
    """Run the six runs, or report on them."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    run = kinds.add_parser("run")
    run.add_argument("doped", type=Path, help="folder of dualion dope")
    run.add_argument("runs", type=Path, help="where the runs go")
    run.add_argument("--only", nargs=2, metavar=("CELL", "K"), help="one run: pure|LiI_0.2 and K")
    run.add_argument("--cores", type=int, default=1)
    report = kinds.add_parser("report")
    report.add_argument("runs", type=Path)
    report.add_argument("figures", type=Path)
    asked = parser.parse_args()
    if asked.kind == "run":
        run_all(asked.doped, asked.runs, asked.only, asked.cores)
    else:
        write_report(asked.runs, asked.figures)


def run_all(doped: Path, runs: Path, only: tuple[str, str] | None, cores: int) -> None:
    """Every run, one after the other."""
    from dualion.workflows.execution.signals import stop_on_signal
    from dualion.workflows.md.engines import Resources
    from dualion.workflows.md.run.segment import run_segment

    cells = {"pure": doped / "host-relaxed.extxyz", "LiI_0.2": doped / "lowest.extxyz"}
    with stop_on_signal() as stop:
        for name, path in cells.items():
            for kelvin in TEMPERATURES_K:
                if only and (name, float(only[1])) != (only[0], kelvin):
                    continue
                folder = prepared(runs, name, path, kelvin)
                print(run_segment(folder, Resources(cores=cores), stop=stop), flush=True)


def prepared(runs: Path, name: str, cell: Path, kelvin: float) -> Path:
    """The folder of one run."""
    import ase.io

    from dualion.workflows.md.plan.protocol import make_protocol
    from dualion.workflows.md.plan.spec import RunSpec
    from dualion.workflows.md.run.run_folder import RunFolder

    atoms = ase.io.read(cell, index=0)
    atoms.calc = None
    text = io.StringIO()
    ase.io.write(text, atoms[atoms.numbers.argsort(kind="stable")], format="extxyz")
    spec = RunSpec(
        structure_key="li3ps4",
        source_id="Li3PS4_gamma",
        formula="Li3PS4",
        cation="Li+",
        anion="S2-" if name == "pure" else "I-",
        cell=name,
        cell_sha256=hashlib.sha256(text.getvalue().encode()).hexdigest(),
        charges_e=CHARGES_E,
        engine="chgnet",
        temperature_k=kelvin,
        seed=round(kelvin),
        protocol=make_protocol("mlip", temperatures_k=(kelvin,), **PROTOCOL),
    )
    folder = RunFolder(runs / name / f"{kelvin:g}K")
    folder.create(spec, text.getvalue())
    return folder.path


def write_report(runs: Path, figures: Path) -> None:
    """Print the tables and write the figures."""
    from dualion.workflows.md.run.assess import analyse_transport, read_production
    from dualion.workflows.md.run.run_folder import RunFolder

    figures.mkdir(parents=True, exist_ok=True)
    reports = {}
    for path in sorted(runs.glob("*/*K/trajectory.extxyz.gz")):
        folder = RunFolder(path.parent)
        spec = folder.spec()
        reports[spec.cell, spec.temperature_k] = analyse_transport(
            read_production(folder, spec), spec, full=True
        )
    print_diffusion(reports)
    print_structure(reports)
    print_transport(reports)
    draw(reports, figures)


def print_diffusion(reports) -> None:
    """D of every species, and the paper's."""
    print(
        "| cell | T / K | ps | ion | verdict | D / cm²/s | 95 % | end point MSD/6t | N_eff | paper |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (cell, kelvin), report in sorted(reports.items()):
        for species in report.species:
            d = species.diffusion
            end = next(
                (e.d_cm2_s for e in species.estimates if e.name == "end_point"), float("nan")
            )
            paper = PAPER_CM2_S.get(species.name.partition("(")[0])
            told = f"{paper:.1e}" if paper and kelvin == 600.0 and cell != "pure" else ""
            length = (report.n_frames - 1) * report.frame_step_ps
            print(
                f"| {cell} | {kelvin:g} | {length:.1f} | {species.name} | {d.verdict} | "
                f"{d.d_cm2_s:.2e} ± {d.error_cm2_s:.0e} | {d.low_cm2_s:.1e} … {d.high_cm2_s:.1e} | "
                f"{end:.1e} | {d.n_eff:.1f} | {told} |"
            )


def print_structure(reports) -> None:
    """Rotation, first peaks and what keeps."""
    print(
        "\n| cell | T / K | PS4 | C₁ lowest | relaxation / ps | ligand MSD of 2R² / Å² | "
        "broken, exchanged | P–S peak / Å (shift) | I–Li peak / Å (shift) | flags |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (cell, kelvin), report in sorted(reports.items()):
        peaks = {frozenset(r.pair): r for r in report.rdfs}
        told = []
        for pair in ({"P", "S"}, {"I", "Li"}):
            rdf = peaks.get(frozenset(pair))
            told.append(
                f"{rdf.first_peak_angstrom:.2f} ({rdf.peak_shift_angstrom:+.2f})" if rdf else ""
            )
        for r in report.rotation:
            print(
                f"| {cell} | {kelvin:g} | {r.verdict} | {r.correlation.min():.2f} | "
                f"{r.relaxation_ps:.1f} | {r.relative_msd.max():.1f} of {r.ceiling_angstrom2:.1f} | "
                f"{r.broken_bonds}, {r.exchanges} | {told[0]} | {told[1]} | "
                f"{', '.join(report.flags)} |"
            )


def print_transport(reports) -> None:
    """Transport numbers and the Arrhenius fits."""
    print()
    for (cell, kelvin), report in sorted(reports.items()):
        for t in report.transport_without_rotors or report.transport:
            numbers = ", ".join(
                f"t({n}) = {m.value:.2f} ± {m.error:.2f}{'' if m.resolved else ' (not resolved)'}"
                for n, m in zip(t.species, t.numbers, strict=True)
            )
            print(f"{cell} {kelvin:g} K: {numbers}")
    for cell in dict.fromkeys(cell for cell, _ in reports):
        for name, fit in fits_of(reports, cell).items():
            print(f"{cell} {name}: E_a = {fit.activation_energy_ev:.3f} ± {fit.error_ev:.3f} eV")


def points_of(reports, cell):
    """Each species of a cell at each temperature at which it is a solid."""
    from dualion.screening.transport.combined import combine_runs

    solid = [key for key, report in sorted(reports.items()) if "molten" not in report.flags]
    return combine_runs([reports[key] for key in solid if key[0] == cell])


def fits_of(reports, cell):
    """Arrhenius fits of the species that diffuse at two temperatures at least, in a solid."""
    from dualion.screening.transport.combined import fit_arrhenius

    return fit_arrhenius(points_of(reports, cell))


def draw(reports, figures: Path) -> None:
    """The overview of each cell at 600 K, rotation, and Arrhenius."""
    from dualion.results.figures.files import save_figure
    from dualion.results.transport.arrhenius_figure import arrhenius_figure
    from dualion.results.transport.figures import rotation_figure
    from dualion.results.transport.overview import overview_figure

    made = {}
    for (cell, kelvin), report in reports.items():
        pairs = [("P", "S"), ("I", "Li")] if cell != "pure" else [("P", "S"), ("S", "Li")]
        if kelvin == min(k for c, k in reports if c == cell):
            made[f"{cell}-{kelvin:g}K"] = overview_figure(report, pairs)
            made[f"{cell}-{kelvin:g}K-rotation"] = rotation_figure(report)
    for cell in dict.fromkeys(c for c, _ in reports):
        if fits := fits_of(reports, cell):
            made[f"{cell}-arrhenius"] = arrhenius_figure(points_of(reports, cell), fits)
    for name, figure in made.items():
        save_figure(figure, [figures / f"{name}.png"], dpi=110)


if __name__ == "__main__":
    main()
