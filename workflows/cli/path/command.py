"""``dualion path``: how an ion moves through one structure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.results.run_folder import read_run_folder
from dualion.structures.errors import InputError

if TYPE_CHECKING:
    from dualion.screening.barrier_types import BarrierOptions
    from dualion.screening.percolation.pathways import IonMap

HOW, FILES = "How it is computed", "What is written"
FIELD_FILES = {"cube": "field.cube", "grd": "field.grd", "chgcar": "CHGCAR"}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("path")(path)


def path(
    structure: Annotated[
        str,
        typer.Argument(
            help="A file, file#block or archive/member; a bundled structure, like LiFePO4; or, "
            "with --run, a source_id of that run, a part of it, or a formula.",
            show_default=False,
        ),
    ],
    run: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a run: STRUCTURE is a source_id of its screened.csv, and the run's "
            "conventions are used.",
            show_default=False,
        ),
    ] = None,
    ion: Annotated[
        str,
        typer.Option(
            help="Mobile ion, like Li+, I- or S. Default: the cation.", show_default=False
        ),
    ] = "",
    dimension: Annotated[str, typer.Option(help="1, 2, 3 or all.")] = "all",
    spacing: Annotated[
        float | None,
        typer.Option(
            help="Largest distance of grid points, Å. Default: 0.2, or the run's.",
            rich_help_panel=HOW,
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Conventions of the pair energies. Default: bvlain, or the run's.",
            rich_help_panel=HOW,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the files. Default: path-STRUCTURE-ION here.",
            rich_help_panel=FILES,
            show_default=False,
        ),
    ] = None,
    cube: Annotated[
        bool, typer.Option("--cube", help="The field as Gaussian cube.", rich_help_panel=FILES)
    ] = False,
    grd: Annotated[
        bool, typer.Option("--grd", help="The field for VESTA.", rich_help_panel=FILES)
    ] = False,
    chgcar: Annotated[
        bool, typer.Option("--chgcar", help="The field as CHGCAR.", rich_help_panel=FILES)
    ] = False,
) -> None:
    """Show the minimum-energy paths, bottlenecks and sites of an ion in one structure.

    One path for each dimensionality: its highest point is the barrier E_1D, E_2D or E_3D of the
    tables. Writes the energies along the paths (path.csv, .png, .svg, .pdf), the crystal with dummy
    atoms along them (path.cif), the sites (sites.csv), and on demand the field.

    [bold]Examples[/bold]

        dualion path LiFePO4

        dualion path "mp.jsonl.gz#mp-985583" --ion I- --dimension 3 --grd

        dualion path mp-985583 --run dualion-20250101-120000
    """
    from rich.console import Console

    from dualion.screening.ions import named_ion
    from dualion.screening.percolation.pathways import map_ion
    from dualion.structures.entry import prepare_entry
    from dualion.workflows.campaign.structure_lookup import find_entry, find_in_run
    from dualion.workflows.cli.path.view import show

    dimensions = _dimensions(dimension)
    folder = read_run_folder(run) if run is not None else None
    options = _options(run=run, spacing=spacing, preset=preset)
    entry = find_in_run(folder, structure) if folder else find_entry(structure)
    crystal = prepare_entry(entry, strict=folder is not None and folder.strict).crystal
    found = map_ion(crystal, named_ion(crystal, ion), options)
    console = Console()
    show(console, found, name=entry.source_id, dimensions=dimensions)
    formats = [name for name, asked in (("cube", cube), ("grd", grd), ("chgcar", chgcar)) if asked]
    target = output or Path(f"path-{_safe(entry.source_id)}-{_safe(str(found.ion))}")
    for file in _write(found, target, dimensions, formats):
        console.print(f"  {file}", highlight=False, soft_wrap=True)


def _dimensions(text: str) -> tuple[int, ...]:
    if text == "all":
        return (1, 2, 3)
    if text in ("1", "2", "3"):
        return (int(text),)
    raise InputError(f"There is no dimension {text!r}; give 1, 2, 3 or all.")


def _options(*, run: Path | None, spacing: float | None, preset: str | None) -> BarrierOptions:
    """Combine the conventions of the run, or the default ones, with the user's changes."""
    from dataclasses import replace

    from dualion.screening.barrier_types import BarrierOptions
    from dualion.screening.bvse import potential
    from dualion.workflows.campaign.screening_options import SPACING_ANGSTROM, within
    from dualion.workflows.campaign.structure_lookup import barrier_options_of

    options = barrier_options_of(read_run_folder(run)) if run is not None else BarrierOptions()
    if spacing is not None:
        within("grid spacing", spacing, SPACING_ANGSTROM, "Å")
        options = replace(options, spacing_angstrom=spacing)
    if preset is not None:
        options = replace(options, potential=potential.preset(preset))
    return options


def _safe(text: str) -> str:
    """Make a text part of a file name."""
    return re.sub(r"[^\w.()+-]+", "_", text)[:80].strip(".") or "structure"


def _write(
    found: IonMap, folder: Path, dimensions: tuple[int, ...], formats: list[str]
) -> list[Path]:
    """Write the files; return their paths.

    Raises:
        InputError: the folder cannot be written.
    """
    from dualion.results.figures.labels import formula_label, ion_label
    from dualion.results.path.field_files import WRITERS
    from dualion.results.path.figure import write_path_figure
    from dualion.results.path.files import write_path_cif, write_path_csv, write_sites_csv
    from dualion.screening.doping.doping_plan import formula_unit_of

    paths = [path for path in found.paths if path.dimension in dimensions]
    files = [folder / "sites.csv"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_sites_csv(files[0], found.sites)
        if paths:
            files += [folder / f"path.{ending}" for ending in ("csv", "cif", "png", "svg", "pdf")]
            write_path_csv(files[1], paths)
            write_path_cif(files[2], found.crystal, paths)
            compound = formula_label(formula_unit_of(found.crystal)[0])
            write_path_figure(files[3:], paths, title=f"{ion_label(found.ion)} in {compound}")
        for wanted in formats:
            files.append(folder / FIELD_FILES[wanted])
            WRITERS[wanted](files[-1], found.energies_ev, found.crystal)
    except OSError as error:
        raise InputError(
            f"Cannot write to {folder}: {error.strerror}. Choose another --output."
        ) from error
    return files
