"""``dualion screen``."""

from __future__ import annotations

import math
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from dualion.screening.criterion import (
    DIMENSIONALITY,
    MAX_CATION_BARRIER_EV,
    MAX_RATIO,
    MIN_RATIO,
)
from dualion.workflows.cli import shared_options
from dualion.workflows.cli.run_view import LiveView, report_result
from dualion.workflows.execution.signals import stop_on_signal

BUNDLED_CATIONS = ("Li", "Na", "K")
WHAT, FROM = "What to look for", "Databases beside files"
WHICH = "Which of those that pass are candidates"
HOW, RUN = "How barriers are computed", "The run"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("screen")(screen)


def screen(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, globs or archives: CIF, POSCAR, extxyz, pymatgen JSON, "
            ".jsonl[.gz], zip and tar of these. Without any, the bundled reference set.",
            metavar="[PATH]...",
            show_default=False,
        ),
    ] = None,
    cation: Annotated[
        list[str] | None,
        typer.Option(
            help="Mobile cation: Li, Na, K, Ag, Cu, Mg, Ca, Zn, …; repeat for several. "
            "Default: Li (Li, Na and K for the bundled set).",
            rich_help_panel=WHAT,
            show_default=False,
        ),
    ] = None,
    anion: Annotated[
        list[str] | None,
        typer.Option(
            help="Mobile anion; repeat for several. Default: every anion of the structure.",
            rich_help_panel=WHAT,
            show_default=False,
        ),
    ] = None,
    guest: Annotated[
        list[str] | None,
        typer.Option(
            help="Anion that is put into each structure, one ion more: I, Br, or S2- with its "
            "charge; repeat for several, or write I,Br,Cl,F.",
            rich_help_panel=WHAT,
            show_default=False,
        ),
    ] = None,
    max_barrier: Annotated[
        float,
        typer.Option(help="The cation's barrier must be below this, eV.", rich_help_panel=WHAT),
    ] = MAX_CATION_BARRIER_EV,
    min_ratio: Annotated[
        float, typer.Option(help="Smallest ratio anion/cation.", rich_help_panel=WHAT)
    ] = MIN_RATIO,
    max_ratio: Annotated[
        float, typer.Option(help="Largest ratio anion/cation.", rich_help_panel=WHAT)
    ] = MAX_RATIO,
    inverse_ratio: Annotated[
        bool, typer.Option("--inverse-ratio", help="Judge cation/anion.", rich_help_panel=WHAT)
    ] = False,
    dimensionality: Annotated[
        int, typer.Option(help="Barriers that decide: 1, 2 or 3 (D).", rich_help_panel=WHAT)
    ] = DIMENSIONALITY,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            help="Weight of a part of the ranking's score that differs from the usual, like "
            "free_anion=0; repeat for several.",
            metavar="PART=NUMBER",
            rich_help_panel=WHICH,
            show_default=False,
        ),
    ] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option(
            help="What no candidate may hold: elements, or the lists radioactive, toxic, costly; "
            "repeat, or write radioactive,Cd. Set aside, not lost: column set_aside.",
            rich_help_panel=WHICH,
            show_default=False,
        ),
    ] = None,
    keep_doubtful: Annotated[
        bool,
        typer.Option(
            "--keep-doubtful",
            help="Keep structures with lost or wrong atoms (no hydrogens, missing cations) as "
            "candidates.",
            rich_help_panel=WHICH,
        ),
    ] = False,
    properties: Annotated[
        Path | None,
        typer.Option(
            help="CSV or JSON (lines) with energy_above_hull (eV/atom), band_gap (eV) and further "
            "ids by material_id.",
            rich_help_panel=WHICH,
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="Also pull structures from mp, cod, optimade:NAME, icsd:PATH, icsd-api; "
            "repeat for several. dualion doctor says what is usable here.",
            rich_help_panel=FROM,
            show_default=False,
        ),
    ] = None,
    max_hull: Annotated[float | None, shared_options.max_hull(FROM)] = None,
    min_gap: Annotated[float | None, shared_options.min_gap(FROM)] = None,
    limit: Annotated[int | None, shared_options.limit(FROM)] = None,
    anode_reactions: Annotated[bool, shared_options.anode_reactions(FROM)] = False,
    offline: Annotated[bool, shared_options.offline(FROM)] = False,
    spacing: Annotated[
        float, typer.Option(help="Largest distance of grid points, Å.", rich_help_panel=HOW)
    ] = 0.2,
    engine: Annotated[
        str, typer.Option(help="native, or bvlain to compare.", rich_help_panel=HOW)
    ] = "native",
    preset: Annotated[
        str,
        typer.Option(
            help="Conventions: dualion (the anion hops into a vacancy), bvlain (the published "
            "recipe: the whole sublattice is taken out), full_depth, f070, softbv_radii.",
            rich_help_panel=HOW,
        ),
    ] = "dualion",
    mechanism: Annotated[
        str | None,
        typer.Option(
            help="How the anion moves by whose barriers the verdict is made: vacancy, "
            "interstitial or empty_lattice. Default: the preset's.",
            rich_help_panel=HOW,
            show_default=False,
        ),
    ] = None,
    lattice: Annotated[
        str | None,
        typer.Option(
            help="Whether the ions around a vacancy hop give way: relaxing or rigid.",
            rich_help_panel=HOW,
            show_default=False,
        ),
    ] = None,
    prefactor: Annotated[
        float | None,
        typer.Option(help="Fraction of D0 in the Morse term.", rich_help_panel=HOW),
    ] = None,
    screening_factor: Annotated[
        float | None, typer.Option(help="f of the Coulomb term.", rich_help_panel=HOW)
    ] = None,
    radii: Annotated[
        str | None, typer.Option(help="Covalent radii: ase or softbv.", rich_help_panel=HOW)
    ] = None,
    cutoff: Annotated[
        float | None, typer.Option(help="Reach of the pair energies, Å.", rich_help_panel=HOW)
    ] = None,
    disorder: Annotated[
        str | None,
        typer.Option(
            help="Disordered structures whose ordered configurations are computed too: shortlist "
            "(those that may pass; the default), ensemble (all) or weighted (none).",
            rich_help_panel=HOW,
            show_default=False,
        ),
    ] = None,
    refuse_estimates: Annotated[
        bool,
        typer.Option(
            "--refuse-estimates",
            help="Reject ions whose pair parameters are not tabulated.",
            rich_help_panel=HOW,
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Reject structures whose charges balance only by force (lost ions in the file).",
            rich_help_panel=HOW,
        ),
    ] = False,
    workers: Annotated[
        int, typer.Option(help="Processes; 0 for one a core.", rich_help_panel=RUN)
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the tables and the store; the same command with the same folder goes "
            "on. Default: a new one named after the time.",
            rich_help_panel=RUN,
            show_default=False,
        ),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(help="Longest time for one structure, s.", rich_help_panel=RUN)
    ] = 300.0,
) -> None:
    """Screen crystal structures and write a ranked CSV of dual-ion conductors.

    For every structure, the migration barriers of the cation and of each anion are computed
    from bond valence site energies. A pair passes (Cen et al., Nat. Sustain. 2025) if the
    cation's barrier is below --max-barrier and the anion's is between --min-ratio and
    --max-ratio times as high; the defaults are the paper's. The anion's barrier that decides is
    that of hops into a vacancy; the published recipe (the whole sublattice taken out, --preset
    bvlain) stands beside it in the columns published_*.
    With --guest, every structure is also a host: the guest's barriers through the complete crystal
    are judged in rows of their own.

    Every structure ends as rows of screened.csv, also what could not be read or computed, with
    the reason; what passes is ranked in candidates.csv; run.json holds conventions and versions.

    What was done is kept in campaign.db: however a run ended, the same command with the same
    --output goes on and computes only what is missing.

    [bold]Examples[/bold]

        dualion screen

        dualion screen cifs/ more.zip "icsd/*.cif" --cation Na --workers 4

        dualion screen mp.jsonl.gz --anion I --anion Cl --dimensionality 1 --output halides

        dualion screen hosts/ --guest I --guest Br,Cl --output guests

        dualion screen mp.jsonl.gz --avoid radioactive,toxic --properties mp_energies.csv

        dualion screen --source mp --max-hull 0.05 --min-gap 2
    """
    from rich.console import Console

    # here, so that --help loads no physics
    from dualion.workflows.campaign.config import ShortlistBlock
    from dualion.workflows.campaign.screen_run import screen_paths
    from dualion.workflows.campaign.screening_options import screen_options, within
    from dualion.workflows.campaign.sources import QueryBlock

    options = screen_options(
        cations=tuple(cation or ()) or (("Li",) if paths or source else BUNDLED_CATIONS),
        anions=tuple(anion or ()),
        guests=tuple(guest or ()),
        criterion={
            "max_cation_barrier_ev": max_barrier,
            "min_ratio": min_ratio,
            "max_ratio": max_ratio,
            "dimensionality": dimensionality,
            "reading": "cation_over_anion" if inverse_ratio else "anion_over_cation",
        },
        spacing_angstrom=spacing,
        engine=engine,
        preset=preset,
        mechanism=mechanism,
        lattice=lattice,
        disorder=disorder,
        changes={
            "morse_prefactor": prefactor,
            "screening_factor": screening_factor,
            "radii": radii,
            "cutoff_angstrom": cutoff,
        },
        refuse_estimates=refuse_estimates,
        strict=strict,
    )
    within("number of workers", workers, (0, 4096))
    within("time limit", time_limit, (1.0, 1e7), "s")
    within("number of entries", 1 if limit is None else limit, (1, math.inf))
    within("energy above the hull", max_hull or 0.0, (0.0, math.inf), "eV/atom")
    within("band gap", min_gap or 0.0, (0.0, math.inf), "eV")
    query = QueryBlock.model_validate(
        {
            "any_of": list(options.cations),
            "max_energy_above_hull_ev_atom": max_hull,
            "min_band_gap_ev": min_gap,
            "limit": limit,
        }
    )
    shortlist = ShortlistBlock(
        avoid=avoid or [],
        keep_doubtful=keep_doubtful,
        properties=str(properties) if properties else None,
    )
    console = Console()
    with stop_on_signal() as stop, LiveView(console, stop) as view:
        result = screen_paths(
            paths or [],
            options,
            sources=source or (),
            query=query if source else None,
            output=output,
            workers=workers,
            time_limit_s=time_limit,
            offline=offline,
            ranking=shared_options.weights_of(weight or ()),
            shortlist=shortlist,
            phases=shared_options.phases(offline=offline) if anode_reactions else None,
            stop=stop,
            on_campaign=view.campaign,
            on_stage=view.stage,
            on_progress=view.update,
        )
    report_result(console, result, dimensionality, again=_same_command(result.files.folder))
    if result.left:
        raise typer.Exit(130)


def _same_command(folder: Path) -> str:
    """This command, with the folder that it goes on in."""
    given = sys.argv[1:]
    named = any(word == "--output" or word.startswith("--output=") for word in given)
    return shlex.join(["dualion", *given, *([] if named else ["--output", str(folder)])])
