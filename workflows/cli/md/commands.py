"""``dualion md``: molecular dynamics of the candidates, queued and followed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualion.structures.errors import InputError
from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.cli.md.plan_view import plan_table, total_line
from dualion.workflows.cli.md.results_view import lines
from dualion.workflows.cli.md.status_view import MdView, headline, plain, remarks, run_tables
from dualion.workflows.execution.signals import stop_on_signal
from dualion.workflows.md.cancel import cancel_runs
from dualion.workflows.md.collect import collect as take
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.enqueue import measured_speeds, queue_up
from dualion.workflows.md.plan.run_plan import plan_runs
from dualion.workflows.md.plan.selection import of_candidates, of_cell, of_file
from dualion.workflows.md.reconcile import inspect_runs, reconcile
from dualion.workflows.md.run.local import LocalOptions, run_local
from dualion.workflows.md.states import RunState
from dualion.workflows.md.submission import submit_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from dualion.workflows.md.plan.cells import StartCell
    from dualion.workflows.md.plan.run_plan import Plan
    from dualion.workflows.md.plan.selection import Skipped
    from dualion.workflows.md.reconcile import RunStatus

HELP = """Molecular dynamics of the candidates: queue, run, follow, collect.

Examples

dualion md queue my-run --candidates 1 --temperatures 600,700

dualion md run my-run

dualion md collect my-run

On a cluster, in place of run: dualion md submit my-run --scheduler slurm, and dualion md status.

Each run lies in a folder of its own below my-run/md. It is computed in pieces that end at a
checkpoint; whatever kills a piece costs no more than what came after the last one.
"""

Folder = Annotated[
    Path,
    typer.Argument(
        help="Folder that dualion screen or dualion run wrote, or campaign.yaml.",
        show_default=False,
    ),
]
Ids = Annotated[
    list[str] | None,
    typer.Option("--id", help="Structure (source_id) or run (key); repeat for several."),
]
Retry = Annotated[bool, typer.Option("--retry-failed", help="Let failed runs go on too.")]

app = typer.Typer(name="md", help=HELP, no_args_is_help=True, rich_markup_mode="rich")


def register(root: typer.Typer) -> None:
    """Add the commands to the application."""
    root.add_typer(app)


@app.command()
def queue(
    folder: Folder = Path(),
    engine: Annotated[
        str | None,
        typer.Option(
            help="chgnet, cp2k, vasp, mace, sevennet, mattersim, orb, or package.module:Class of "
            "any ASE calculator. Default: chgnet, or what the md block says."
        ),
    ] = None,
    model_path: Annotated[
        str | None, typer.Option(help="File of the potential's parameters.")
    ] = None,
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
        typer.Option(help="A cell to start from as it is, such as lowest.extxyz of dualion dope."),
    ] = None,
    cation: Annotated[str, typer.Option(help="Mobile cation with --structure or --cell.")] = "",
    anion: Annotated[str, typer.Option(help="Mobile anion with --structure or --cell.")] = "",
    temperatures: Annotated[str | None, typer.Option(help="K, separated by commas.")] = None,
    replicas: Annotated[int | None, typer.Option(help="Runs of each temperature.")] = None,
    equilibration_ps: Annotated[float | None, typer.Option(help="Dropped at first, ps.")] = None,
    production_ps: Annotated[
        float | None,
        typer.Option(help="Analysed in any case, ps; a run then goes on until it has seen enough."),
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

    Each candidate runs in its perfect cell and in one with a vacancy pair of the mobile ions: a
    perfect crystal rarely shows its carriers within 100 ps. Options take the place of the md block
    of campaign.yaml (or of md.yaml beside candidates.csv).
    """
    from rich.console import Console

    outside = bool(structure or cell)
    where = MdFolder.open(folder, new=outside)
    block = _changed(
        where.block,
        _given(
            engine=engine, model_path=model_path, candidates=candidates, most_atoms=most_atoms,
            seed=seed, cells=_words(cells),
        ),
        _given(
            name=protocol, temperatures_k=_numbers(temperatures), replicas=replicas,
            equilibration_ps=equilibration_ps, production_ps=production_ps, budget_ps=budget_ps,
            timestep_fs=timestep_fs,
        ),
    )  # fmt: skip
    plan = _plan(where, block, ids or [], structure or [], cell, (cation, anion))
    console = Console()
    _print_plan(console, plan, measured_speeds(where))
    if dry_run or not plan.runs:
        console.print("Nothing was written." if dry_run else "No run can be queued.")
        raise typer.Exit(0 if dry_run else 2)
    queued = queue_up(where, plan)
    again = f", {queued.reopened} of them set to go on" if queued.reopened else ""
    console.print(
        f"Queued {queued.added} runs in {where.md}; {queued.known} were there{again}. Next: "
        f"dualion md run {where.path}",
        highlight=False,
    )


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _words(text: str | None) -> list[str] | None:
    return [word.strip() for word in text.split(",") if word.strip()] if text is not None else None


def _numbers(text: str | None) -> list[float] | None:
    try:
        return [float(word) for word in _words(text) or []] if text is not None else None
    except ValueError:
        raise InputError(f"{text!r} are no temperatures; write them as 600,700.") from None


def _changed(block: MdBlock, own: dict[str, Any], protocol: dict[str, Any]) -> MdBlock:
    """The block with options in place of its fields.

    Raises:
        InputError: a value makes no sense.
    """
    from pydantic import ValidationError

    content = block.model_dump()
    if protocol.get("name", content["protocol"]["name"]) != content["protocol"]["name"]:
        content["protocol"] = {}  # what was changed was another protocol's
    content["protocol"] |= protocol
    try:
        return MdBlock.model_validate(content | own)
    except ValidationError as error:
        first = error.errors()[0]
        said = str(first["msg"]).removeprefix("Value error, ")
        place = "-".join(str(part) for part in first["loc"] if isinstance(part, str))
        raise InputError(f"{place} is {first['input']!r}: {said}.") from None


def _plan(
    where: MdFolder,
    block: MdBlock,
    ids: Sequence[str],
    structures: Sequence[str],
    cell: Path | None,
    ions: tuple[str, str],
) -> Plan:
    cells: list[StartCell] = []
    skipped: list[Skipped] = []
    if cell is not None:
        subject, start = of_cell(cell, cation=ions[0], anion=ions[1])
        cells, subjects = [start], [subject]
        if ids:
            subjects, skipped = of_candidates(where.path, block, ids=ids)
    elif structures:
        subjects = [of_file(name, cation=ions[0], anion=ions[1]) for name in structures]
    else:
        subjects, skipped = of_candidates(where.path, block, ids=ids)
    plan = plan_runs(subjects, block, cells=cells)
    plan.skipped = [*skipped, *plan.skipped]
    return plan


def _print_plan(console: Console, plan: Plan, speeds: dict[str, float]) -> None:
    if plan.runs:
        console.print(plan_table(plan, speeds))
        console.print(total_line(plan, speeds), highlight=False, markup=False)
    for note in dict.fromkeys(run.cell.note for run in plan.runs if run.cell.note):
        console.print(f"note: {note}", highlight=False, markup=False)
    for skipped in plan.skipped:
        console.print(
            f"left out: {skipped.source_id}: {skipped.message}", highlight=False, markup=False
        )


@app.command()
def run(
    folder: Folder = Path(),
    workers: Annotated[
        int, typer.Option(min=0, help="Runs at a time; 0 for as many as cores or GPUs allow.")
    ] = 0,
    device: Annotated[
        str, typer.Option(help="auto, cpu or cuda, for learned potentials.")
    ] = "auto",
    limit_s: Annotated[
        float | None, typer.Option(help="Bring every run to a checkpoint after so long, s.")
    ] = None,
    ids: Ids = None,
    retry_failed: Retry = False,
    batch: Annotated[
        int, typer.Option(min=1, help="Runs of one potential moved together, through torch-sim.")
    ] = 1,
) -> None:
    """Work the queued runs off on this machine, each piece a Dask task.

    Ctrl-C brings every run to a checkpoint; the same command goes on from there. A run whose
    process is killed goes on by itself from its last checkpoint.
    """
    from rich.console import Console

    known_name("device", device, ("auto", "cpu", "cuda"))
    where = MdFolder.open(folder)
    options = LocalOptions(
        workers=workers,
        device=device,
        limit_s=limit_s if limit_s is not None else float("inf"),
        ids=tuple(ids or ()),
        retry_failed=retry_failed,
        batch=batch,
    )
    console = Console()
    with stop_on_signal() as stop, MdView(console, stop) as view:
        seen = run_local(where, options, stop=stop, on_update=view.update)
    _print_runs(console, seen)
    left = [one for one in seen if one.state in (RunState.PREPARED, RunState.PAUSED)]
    if left:
        console.print(
            f"{len(left)} runs are not finished; go on with: dualion md run {where.path}",
            highlight=False,
        )
        raise typer.Exit(130 if stop.is_set() else 0)
    if any(one.state is RunState.DONE for one in seen):
        console.print(
            f"Take the results into the tables with: dualion md collect {where.path}",
            highlight=False,
        )


def _print_runs(console: Console, seen: Sequence[RunStatus]) -> None:
    console.print(run_tables(seen))
    console.print(headline(seen), highlight=False)
    for line in remarks(seen):
        console.print(line, highlight=False, markup=False)


@app.command()
def submit(
    folder: Folder = Path(),
    scheduler: Annotated[str, typer.Option(help="Batch system: slurm, pbs or sge.")] = "slurm",
    pieces: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Arrays that are queued one after another, each going on where the one before "
            "stopped. Default: what the runs are expected to need.",
        ),
    ] = None,
    ids: Ids = None,
    retry_failed: Retry = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the scripts, submit nothing.")
    ] = False,
) -> None:
    """Put the queued runs into the queue of a cluster, as a job array of pieces.

    Walltime, cores, GPUs and a script template come from the md block, queue and account from the
    cluster block. A piece ends at a checkpoint before its walltime; the next array goes on.
    """
    where = MdFolder.open(folder)
    found = submit_runs(
        where, scheduler=scheduler, ids=ids or (), segments=pieces, retry_failed=retry_failed,
        dry_run=dry_run,
    )  # fmt: skip
    if found is None:
        typer.echo(f"No run is to be submitted; see: dualion md status {where.path}")
        return
    typer.echo(
        f"Submission {found.submission.name}: {found.runs} runs in {found.elements} jobs, "
        f"{found.segments} pieces of {found.limit_s} s one after another"
    )
    if dry_run:
        typer.echo(f"Nothing was submitted; look at {found.submission.folder / 'segment-01.sh'}")
        return
    typer.echo(f"Jobs {', '.join(found.jobs)}. Watch them with: dualion md status {where.path}")


@app.command()
def status(
    folder: Folder = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show how the runs stand; the store follows their folders and the queue."""
    from rich.console import Console

    where = MdFolder.open(folder)
    with where.reading() as runs:
        seen = inspect_runs(where, runs.all())
    try:
        with where.writing(wait_s=2.0) as runs:
            seen = reconcile(where, runs)
    except InputError as error:
        if not as_json:
            typer.echo(f"The store is left as it is: {error}", err=True)
    if as_json:
        import json

        typer.echo(json.dumps(plain(seen), indent=2))
        return
    _print_runs(Console(), seen)


@app.command()
def collect(folder: Folder = Path()) -> None:
    """Take finished runs into the store, md_runs.csv and the MD columns of candidates.csv.

    A candidate's row is of one cell alone, named in md_cell: the one in which more of the two ions
    surely diffuse; of equals the perfect one, then the one with more temperatures.
    """
    where = MdFolder.open(folder)
    found = take(where)
    for line in lines(found.runs):
        typer.echo(line)
    for problem in found.problems:
        typer.echo(problem, err=True)
    typer.echo(
        f"{found.done} of {len(found.runs)} runs are done, {found.taken} new; "
        f"{where.path / 'md_runs.csv'} is written, {found.rows} rows of candidates.csv have MD "
        "columns."
    )


@app.command()
def cancel(
    folder: Folder = Path(),
    ids: Ids = None,
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Ask no queue: note that it has none of the runs any more. For queues that will "
            "not answer again.",
        ),
    ] = False,
) -> None:
    """Cancel runs that have not ended; what they computed is kept, md queue lets them go on."""
    count, told = cancel_runs(MdFolder.open(folder), ids or (), forget=forget)
    jobs = f" The queue was told to end {', '.join(told)}." if told else ""
    typer.echo(f"{count} runs are cancelled.{jobs}")
