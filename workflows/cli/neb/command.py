"""``dualion neb``: barriers of both ions with a potential."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from dualion.workflows.cli.shared_options import MODEL_FILE_HELP, POTENTIAL_HELP, PYTHON_HELP

if TYPE_CHECKING:
    from rich.console import Console

    from dualion.workflows.md.plan.selection import SelectedStructure, Skipped
    from dualion.workflows.neb.carriers import Carriers
    from dualion.workflows.neb.run import NebOptions

CELL, BAND, DFT = "Cell", "Bands", "Hand-over to DFT"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("neb")(neb)


def neb(
    source: Annotated[
        str,
        typer.Argument(
            help="Folder of a run; or a file, file#block, or a bundled structure, like LiCl.",
            show_default=False,
        ),
    ],
    candidates: Annotated[
        int, typer.Option("--candidates", "--top", help="Best structures of a run to compute.")
    ] = 5,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", "--ids", help="source_id of a candidate; repeat it for more."),
    ] = None,
    cation: Annotated[str, typer.Option(help="Mobile cation of a file.", show_default=False)] = "",
    anion: Annotated[str, typer.Option(help="Mobile anion of a file.", show_default=False)] = "",
    engine: Annotated[
        str,
        typer.Option(
            help=f"{POTENTIAL_HELP} vasp or cp2k write the hops as inputs, and read what they "
            "found.",
        ),
    ] = "chgnet",
    model_path: Annotated[
        Path | None, typer.Option(help=MODEL_FILE_HELP, show_default=False)
    ] = None,
    python: Annotated[str | None, typer.Option(help=PYTHON_HELP, show_default=False)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    atoms: Annotated[
        int, typer.Option(help="Largest number of atoms of a supercell.", rich_help_panel=CELL)
    ] = 200,
    width: Annotated[
        float, typer.Option(help="Least width of the supercell, Å.", rich_help_panel=CELL)
    ] = 10.0,
    images: Annotated[int, typer.Option(help="Images between the ends.", rich_help_panel=BAND)] = 3,
    force: Annotated[
        float, typer.Option(help="Force limit of a band, eV/Å.", rich_help_panel=BAND)
    ] = 0.05,
    steps: Annotated[int, typer.Option(help="Step limit.", rich_help_panel=BAND)] = 200,
    bottleneck: Annotated[
        bool,
        typer.Option(
            "--bottleneck",
            help="Relax the highest image of a band alone: cheap, and less sure.",
            rich_help_panel=BAND,
        ),
    ] = False,
    margin: Annotated[
        float,
        typer.Option(
            help="A hop is left out where it does not decide though it were lower by this, eV.",
            rich_help_panel=BAND,
        ),
    ] = 0.3,
    carriers: Annotated[
        str,
        typer.Option(
            help="Formation energies of defects: none, vacancies (Schottky pairs), or all "
            "(anion Frenkel pairs and inserted salt too)."
        ),
    ] = "vacancies",
    hop: Annotated[
        list[int] | None,
        typer.Option(
            help="Number of a hop for vasp or cp2k; repeat for more. Default: those that decide.",
            rich_help_panel=DFT,
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="YAML file with settings of vasp or cp2k.", show_default=False, rich_help_panel=DFT
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the files. Default: RUN/neb, or neb-STRUCTURE here."),
    ] = None,
) -> None:
    """Compute the barriers of both ions with a potential: vacancy hops as nudged elastic bands.

    Machine-learned potentials are soft: the page on barriers with a potential says by how much.

    Each structure is relaxed and repeated; its symmetry-distinct hops are computed in the order of
    their bond valence saddles until no hop that is left could lower E_1D, E_2D or E_3D. Each hop is
    stored when it is done; the same command again goes on where it stopped. Barriers of a run's
    candidates enter candidates.csv, which is ranked anew.

    [bold]Examples[/bold]

        dualion neb LiCl

        dualion neb dualion-20250101-120000 --candidates 20

        dualion neb LiCl --engine vasp
    """
    from rich.console import Console

    from dualion.results.run_folder import read_candidates
    from dualion.structures.errors import InputError
    from dualion.workflows.cli.neb.handover import hand_over_all
    from dualion.workflows.cli.neb.session import compute_all
    from dualion.workflows.neb.forces import make_potential
    from dualion.workflows.neb.handover.programs import PROGRAMS, make_handover

    chosen = _carriers(carriers)
    options = _options(atoms, width, (images, force, steps, bottleneck), margin)
    if run := _is_run(source):
        options = replace(options, criterion=read_candidates(Path(source)).dai_criterion())
    selection, skipped = _select(source, candidates, ids or [], cation, anion)
    folder = output or _default_folder(source)
    console = Console()
    for one in skipped:
        console.print(f"  {one.source_id} is left out: {one.message}", highlight=False)
    work = [(one, folder / safe_name(one.source_id)) for one in selection]
    if engine in PROGRAMS:
        hand_over_all(
            console, work, make_handover(engine, _settings(engine, settings)), options, hop or []
        )
        return
    if hop or settings:
        raise InputError(f"--hop and --settings are for {' and '.join(PROGRAMS)}.")
    path = str(model_path) if model_path else None
    potential = make_potential(engine, model_path=path, device=device, python=python)
    done = compute_all(console, work, potential, options, carriers=chosen)
    if run:
        _join(console, Path(source), folder)
    if not done:
        raise typer.Exit(130)


def _join(console: Console, run: Path, folder: Path) -> None:
    """Take the barriers into the tables of the run, where they lie in its own folder."""
    from dualion.workflows.neb.collect import collect_run
    from dualion.workflows.neb.pairs import FOLDER

    if folder.resolve() != (run / FOLDER).resolve():
        console.print(
            f"  {run / 'candidates.csv'} stays as it is: it takes barriers from {run / FOLDER} "
            "alone.",
            highlight=False,
            soft_wrap=True,
        )
        return
    collected = collect_run(run)
    for problem in collected.problems:
        console.print(f"  {problem}", highlight=False, soft_wrap=True)
    console.print(
        f"  {run / 'candidates.csv'} is ranked anew, {collected.rows} of its rows with barriers of "
        "a potential.",
        highlight=False,
        soft_wrap=True,
    )


def _carriers(name: str) -> Carriers:
    """Check which pairs of defects are asked for.

    Raises:
        InputError: the word is none of them.
    """
    from dualion.structures.errors import InputError
    from dualion.workflows.neb.carriers import Carriers

    for known in get_args(Carriers):
        if name == known:
            return cast("Carriers", known)
    raise InputError(f"--carriers {name!r}: give {', '.join(get_args(Carriers))}.")


def _options(
    atoms: int, width: float, bands: tuple[int, float, int, bool], margin: float
) -> NebOptions:
    """Check the options.

    Raises:
        InputError: a number is out of range.
    """
    from dualion.workflows.campaign.screening_options import within
    from dualion.workflows.neb.band import BandOptions
    from dualion.workflows.neb.run import NebOptions

    within("number of atoms (--atoms)", atoms, (4, 2000))
    images, force, steps, bottleneck = bands
    return NebOptions(
        band=BandOptions(
            images=images,
            force_ev_angstrom=force,
            most_steps=steps,
            bottleneck_only=bottleneck,
        ),
        margin_ev=within("margin", margin, (0.0, 100.0), "eV"),
        most_atoms=atoms,
        smallest_width_angstrom=within("width", width, (3.0, 100.0), "Å"),
    )


def _select(
    source: str, candidates: int, ids: list[str], cation: str, anion: str
) -> tuple[list[SelectedStructure], list[Skipped]]:
    """Select the structures of a run, or the one of a file."""
    from dualion.structures.errors import InputError
    from dualion.workflows.campaign.screening_options import within
    from dualion.workflows.md.plan.config import MdBlock
    from dualion.workflows.md.plan.selection import select_candidates, select_file

    within("number of candidates", candidates, (1, 1_000_000))
    if _is_run(source):
        if cation or anion:
            raise InputError("The ions of a run are those of its candidates; leave out --cation.")
        block = MdBlock.model_validate({"candidates": candidates, "free_anions_only": False})
        return select_candidates(Path(source), block, ids=ids)
    if ids:
        raise InputError("--ids names candidates of a run; give the run's folder first.")
    return [select_file(source, cation=cation, anion=anion)], []


def _settings(engine: str, path: Path | None) -> dict[str, Any]:
    """Read the settings of a DFT program.

    Raises:
        InputError: the file cannot be read, or a setting is wrong.
    """
    from dualion.workflows.campaign.yaml_reader import load_model
    from dualion.workflows.neb.handover.programs import settings_model

    return {} if path is None else load_model(path, settings_model(engine)).model_dump()


def safe_name(text: str) -> str:
    """Make a text part of a file name."""
    return re.sub(r"[^\w.()+-]+", "_", text)[:80].strip(".") or "structure"


def _is_run(source: str) -> bool:
    return Path(source).is_dir()


def _default_folder(source: str) -> Path:
    from dualion.workflows.neb.pairs import FOLDER

    if _is_run(source):
        return Path(source) / FOLDER
    name = Path(source.split("#")[-1]).name.removesuffix(".cif")
    return Path(f"neb-{safe_name(name)}")
