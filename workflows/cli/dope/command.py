"""``dualion dope``: insert a salt into a host, and relax the configurations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dualion.structures.errors import InputError
from dualion.workflows.cli.shared_options import MODEL_FILE_HELP, POTENTIAL_HELP, PYTHON_HELP
from dualion.workflows.execution.signals import stop_on_signal

if TYPE_CHECKING:
    from dualion.screening.doping.formula_unit_changes import FormulaUnitChange
    from dualion.structures.crystal import IonicCrystal
    from dualion.workflows.doping.records import DopeRequest

CELL, RELAXING = "Cell", "Relaxation"
MOST_CONFIGURATIONS = (1, 10_000)
AMOUNTS = (1e-3, 100.0)
WIDTHS_ANGSTROM = (1.0, 100.0)
ATOMS = (2, 2000)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("dope")(dope)


def dope(
    structure: Annotated[
        str,
        typer.Argument(
            help="A file, file#block or archive/member; or a bundled structure, like "
            "Li3PS4_gamma; with --run, the id of a structure of the run.",
            show_default=False,
        ),
    ],
    salt: Annotated[
        str,
        typer.Option(
            help="Salt to insert: LiI, LiCl, LiBr, NaI, Li2S … With --run, that of the "
            "structure's best guest.",
            show_default=False,
        ),
    ] = "",
    substitute: Annotated[
        str,
        typer.Option(
            help="Instead of a salt: replace ions, balanced by vacancies of the mobile cation, "
            "like S=I.",
            show_default=False,
        ),
    ] = "",
    run: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a screening or campaign that the structure is of.", show_default=False
        ),
    ] = None,
    x: Annotated[
        float, typer.Option("--x", help="Formula units of salt (or ions) per formula unit.")
    ] = 0.2,
    configs: Annotated[int, typer.Option(help="Largest number of configurations.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    atoms: Annotated[
        int, typer.Option(help="Largest number of atoms of a cell.", rich_help_panel=CELL)
    ] = 120,
    width: Annotated[
        float,
        typer.Option(
            help="Least width of the cell, Å, where the number of atoms allows it.",
            rich_help_panel=CELL,
        ),
    ] = 10.0,
    engine: Annotated[
        str,
        typer.Option(
            help=POTENTIAL_HELP,
            rich_help_panel=RELAXING,
        ),
    ] = "chgnet",
    model_path: Annotated[
        Path | None,
        typer.Option(help=MODEL_FILE_HELP, rich_help_panel=RELAXING, show_default=False),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(help=PYTHON_HELP, rich_help_panel=RELAXING, show_default=False),
    ] = None,
    device: Annotated[
        str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=RELAXING)
    ] = "auto",
    force: Annotated[
        float, typer.Option(help="Force limit, eV/Å.", rich_help_panel=RELAXING)
    ] = 0.05,
    steps: Annotated[int, typer.Option(help="Step limit.", rich_help_panel=RELAXING)] = 500,
    relax: Annotated[
        bool,
        typer.Option("--relax/--no-relax", help="Relax cell and atoms.", rich_help_panel=RELAXING),
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the files. Default: dope-STRUCTURE-SALT-xX here.", show_default=False
        ),
    ] = None,
) -> None:
    """Dope a host with a salt: supercell, insertion sites, configurations, lowest energy.

    The supercell comes as near to X as the number of atoms allows; the reached X is reported. The
    ions are inserted at minima of their bond valence landscapes and in the largest voids, in
    configurations that are distinct by symmetry. Cell and atoms are relaxed, and the lowest one is
    kept. An unfinished folder is continued.

    [bold]Examples[/bold]

        dualion dope Li3PS4_gamma --salt LiI --x 0.2 --configs 16

        dualion dope Li3PS4_gamma --substitute S=I --x 0.1 --no-relax

        dualion screen hosts/ --guest I,Br --output guests && dualion dope Li3PS4 --run guests
    """
    from dualion.workflows.cli.dope.view import DopeBar, print_result
    from dualion.workflows.doping.run import dope as run_doping
    from dualion.workflows.potentials.load import make_calculator

    host, name, usual_salt = _load_host(structure, run)
    if not (salt or substitute):
        salt = usual_salt
    request = _make_request(
        host,
        name,
        _choose_change(host, salt, substitute),
        x=x,
        configs=configs,
        seed=seed,
        cell=(atoms, width),
        engine=(engine, model_path),
        limits=(force, steps) if relax else None,
    )
    folder = output or Path(_folder_name(request))
    calculator = None
    if relax:
        calculator = make_calculator(engine, model_path=model_path, device=device, python=python)
    console = Console()
    with stop_on_signal() as stop, DopeBar(console, configs + 1) as bar:
        result = run_doping(
            request,
            folder,
            calculator=calculator,
            on_plan=bar.expect,
            on_progress=bar.step,
            on_done=bar.done,
            stop=stop.is_set,
        )
    print_result(console, request, result, folder)
    if not result.complete:
        raise typer.Exit(130)


def _load_host(text: str, run: Path | None) -> tuple[IonicCrystal, str, str]:
    """Load a crystal, its name, and the salt of its best guest, empty where none is known."""
    from dualion.structures.entry import prepare_entry
    from dualion.workflows.campaign.structure_lookup import find_entry
    from dualion.workflows.doping.from_run import host_of_run

    if run is None:
        return prepare_entry(find_entry(text)).crystal, _short_name(text), ""
    found = host_of_run(run, text)
    return found.crystal, _short_name(found.name), found.salt


def _short_name(text: str) -> str:
    return Path(text.split("#")[-1]).name.removesuffix(".cif")


def _choose_change(host: IonicCrystal, salt: str, substitute: str) -> FormulaUnitChange:
    """Choose the change of the options.

    Raises:
        InputError: neither or both are given.
    """
    from dualion.screening.doping.formula_unit_changes import salt_change, substitution_change

    if bool(salt) == bool(substitute):
        raise InputError("Give either --salt, like LiI, or --substitute, like S=I.")
    return salt_change(salt) if salt else substitution_change(substitute, host)


def _make_request(
    host: IonicCrystal,
    name: str,
    unit: FormulaUnitChange,
    *,
    x: float,
    configs: int,
    seed: int,
    cell: tuple[int, float],
    engine: tuple[str, Path | None],
    limits: tuple[float, int] | None,
) -> DopeRequest:
    """Make the request.

    Raises:
        InputError: a number is out of range.
    """
    from dualion.screening.doping.doping_plan import DopingOptions
    from dualion.workflows.campaign.screening_options import within
    from dualion.workflows.doping.records import DopeRequest
    from dualion.workflows.doping.relaxation import RelaxOptions

    atoms, width = cell
    within("number of configurations (--configs)", configs, MOST_CONFIGURATIONS)
    within("number of atoms (--atoms)", atoms, ATOMS)
    within("seed", seed, (0, 2**63 - 1))
    return DopeRequest(
        name=name,
        host=host,
        unit=unit,
        x=within("amount --x", x, AMOUNTS),
        configurations=configs,
        doping=DopingOptions(
            smallest_width_angstrom=within("width", width, WIDTHS_ANGSTROM, "Å"),
            most_atoms=atoms,
            seed=seed,
        ),
        relaxation=RelaxOptions(force_ev_angstrom=limits[0], most_steps=limits[1])
        if limits
        else None,
        engine=engine[0],
        model_path=str(engine[1] or ""),
    )


def _folder_name(request: DopeRequest) -> str:
    text = f"dope-{request.name}-{request.unit.name}-x{request.x:g}"
    return re.sub(r"[^\w.()+=-]+", "_", text)[:100]
