"""``dualion md queue``: plan runs of candidates and write their folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from dualion.structures.errors import InputError
from dualion.workflows.cli.md.options import Folder
from dualion.workflows.cli.shared_options import MODEL_FILE_HELP, PYTHON_HELP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dualion.workflows.md.folder import MdFolder
    from dualion.workflows.md.plan.cells import StartCell
    from dualion.workflows.md.plan.config import MdBlock
    from dualion.workflows.md.plan.run_plan import EngineChecks, Plan
    from dualion.workflows.md.plan.selection import Skipped
    from dualion.workflows.md.plan.speeds import Speeds


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("queue")(queue)


def queue(
    folder: Folder = Path(),
    engine: Annotated[
        str | None,
        typer.Option(
            help="A potential by its name (dualion doctor lists them), cp2k, vasp, or "
            "package.module:Class of any ASE calculator. Default: chgnet, or what the md block "
            "says."
        ),
    ] = None,
    potentials: Annotated[
        str | None,
        typer.Option(
            help="Several potentials, such as 7net-0,chgnet: each run with each of them, from the "
            "same cell, seed and temperature; md collect compares them."
        ),
    ] = None,
    model_path: Annotated[
        str | None,
        typer.Option(help=MODEL_FILE_HELP),
    ] = None,
    python: Annotated[str | None, typer.Option(help=PYTHON_HELP)] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="mlip (600, 700, 800 K, 2 fs, 2 + 20 ps and more where needed) or cen2025 (the "
            "published AIMD protocol)."
        ),
    ] = None,
    candidates: Annotated[
        int | None, typer.Option(help="How many candidates from the top; default 3.")
    ] = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", help="A candidate by its source_id; repeat for several."),
    ] = None,
    structure: Annotated[
        list[str] | None,
        typer.Option(help="A structure that is no candidate: a file, or a bundled name."),
    ] = None,
    cell: Annotated[
        Path | None,
        typer.Option(help="A starting cell as it is, such as lowest.extxyz of dualion dope."),
    ] = None,
    cation: Annotated[str, typer.Option(help="Mobile cation with --structure or --cell.")] = "",
    anion: Annotated[str, typer.Option(help="Mobile anion with --structure or --cell.")] = "",
    temperatures: Annotated[str | None, typer.Option(help="K, separated by commas.")] = None,
    replicas: Annotated[int | None, typer.Option(help="Runs of each temperature.")] = None,
    equilibration_ps: Annotated[
        float | None, typer.Option(help="Dropped equilibration, ps.")
    ] = None,
    production_ps: Annotated[
        float | None,
        typer.Option(help="Least production, ps; then extended until there are enough jumps."),
    ] = None,
    budget_ps: Annotated[float | None, typer.Option(help="Most production, ps.")] = None,
    timestep_fs: Annotated[float | None, typer.Option(help="Time step, fs.")] = None,
    cells: Annotated[
        str | None,
        typer.Option(
            help="perfect, schottky, frenkel, salt:LiI; separated by commas, never mixed."
        ),
    ] = None,
    most_atoms: Annotated[int | None, typer.Option(help="Largest cell.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of defects and velocities.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and write nothing.")
    ] = False,
) -> None:
    """Plan runs of candidates and write their folders; queueing twice adds nothing.

    Each candidate runs in its perfect cell and in one with a vacancy pair of the mobile ions: in a
    perfect crystal carriers are rare within 100 ps. A guest runs where its salt was inserted.
    Options replace values of the md block of campaign.yaml (or of md.yaml beside candidates.csv).
    """
    from dualion.workflows.md.folder import MdFolder
    from dualion.workflows.md.plan.enqueue import enqueue_runs

    if engine and potentials:
        raise InputError("Name --engine or --potentials, not both.")
    where = MdFolder.open(folder, new=bool(structure or cell))
    block = _override_block(
        where.block,
        _drop_unset(
            engine=engine, potentials=[] if engine else _split_words(potentials),
            model_path=model_path, python=python, candidates=candidates, most_atoms=most_atoms,
            seed=seed, cells=_split_words(cells),
        ),
        _drop_unset(
            name=protocol, temperatures_k=_parse_temperatures(temperatures), replicas=replicas,
            equilibration_ps=equilibration_ps, production_ps=production_ps, budget_ps=budget_ps,
            timestep_fs=timestep_fs,
        ),
    )  # fmt: skip
    from dualion.workflows.md.plan.run_plan import EngineChecks

    checks = EngineChecks()
    plan = _make_plan(where, block, ids or [], structure or [], cell, (cation, anion), checks)
    console = Console()
    _print_plan(console, plan, _speeds(where, block, plan, checks), block.cores)
    if dry_run or not plan.runs:
        console.print("Nothing was written." if dry_run else "No run can be queued.")
        raise typer.Exit(0 if dry_run else 2)
    queued = enqueue_runs(where, plan)
    again = f", {queued.reopened} of them reopened" if queued.reopened else ""
    console.print(
        f"Queued {queued.added} runs in {where.md}; {queued.known} existed{again}. Next: "
        f"dualion md run {where.path}",
        highlight=False,
    )


def _drop_unset(**values: Any) -> dict[str, Any]:
    """Keep the options that were given."""
    return {name: value for name, value in values.items() if value is not None}


def _split_words(text: str | None) -> list[str] | None:
    return [word.strip() for word in text.split(",") if word.strip()] if text is not None else None


def _parse_temperatures(text: str | None) -> list[float] | None:
    try:
        return [float(word) for word in _split_words(text) or []] if text is not None else None
    except ValueError:
        raise InputError(f"{text!r} are no temperatures; write them as 600,700.") from None


def _override_block(block: MdBlock, own: dict[str, Any], protocol: dict[str, Any]) -> MdBlock:
    """Replace fields of the block by options.

    Args:
        block: of the configuration.
        own: fields of the block.
        protocol: fields of its protocol.

    Raises:
        InputError: a value is invalid.
    """
    from dualion.workflows.md.plan.config import MdBlock

    content = block.model_dump()
    if protocol.get("name", content["protocol"]["name"]) != content["protocol"]["name"]:
        content["protocol"] = {}  # the changes were another protocol's
    content["protocol"] |= protocol
    try:
        return MdBlock.model_validate(content | own)
    except ValidationError as error:
        first = error.errors()[0]
        message = str(first["msg"]).removeprefix("Value error, ")
        place = "-".join(str(part) for part in first["loc"] if isinstance(part, str))
        raise InputError(f"{place} is {first['input']!r}: {message}.") from None


def _make_plan(
    where: MdFolder,
    block: MdBlock,
    ids: Sequence[str],
    structures: Sequence[str],
    cell: Path | None,
    ions: tuple[str, str],
    checks: EngineChecks,
) -> Plan:
    from dualion.workflows.md.plan.run_plan import plan_runs
    from dualion.workflows.md.plan.selection import select_candidates, select_cell, select_file

    cells: list[StartCell] = []
    skipped: list[Skipped] = []
    if cell is not None:
        selected, start = select_cell(cell, cation=ions[0], anion=ions[1])
        cells, selection = [start], [selected]
        if ids:
            selection, skipped = select_candidates(where.path, block, ids=ids)
    elif structures:
        selection = [select_file(name, cation=ions[0], anion=ions[1]) for name in structures]
    else:
        selection, skipped = select_candidates(where.path, block, ids=ids)
    plan = plan_runs(selection, block, cells=cells, check=checks)
    plan.skipped = [*skipped, *plan.skipped]
    return plan


def _speeds(where: MdFolder, block: MdBlock, plan: Plan, checks: EngineChecks) -> Speeds:
    """Take the time of a step from the folder's runs, or measure force calls of the cells."""
    from dualion.workflows.md.plan.enqueue import measure_speeds
    from dualion.workflows.md.plan.speeds import measure_force_calls

    return measure_force_calls(
        plan.runs, checks.engine, of_runs=measure_speeds(where), cores=block.cores
    )


def _print_plan(console: Console, plan: Plan, speeds: Speeds, cores: int) -> None:
    """Print the planned runs, their cost, remarks, and what is skipped."""
    from dualion.workflows.cli.md.plan_view import format_total, make_plan_table

    if plan.runs:
        console.print(make_plan_table(plan, speeds, cores=cores))
        console.print(format_total(plan, speeds, cores=cores), highlight=False, markup=False)
    for note in dict.fromkeys(run.cell.note for run in plan.runs if run.cell.note):
        console.print(f"note: {note}", highlight=False, markup=False)
    for skipped in plan.skipped:
        console.print(
            f"skipped: {skipped.source_id}: {skipped.message}", highlight=False, markup=False
        )
