"""``dualion doctor``: which sources and potentials can be used here, and what the others lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dualion.workflows.cli.shared_options import MODEL_FILE_HELP, PYTHON_HELP

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from dualion.workflows.potentials.examine import PotentialFinding
    from dualion.workflows.potentials.self_test import SelfTest

POTENTIALS = "Potentials"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Also ask the services whether they answer.")
    ] = False,
    run: Annotated[
        bool,
        typer.Option(
            "--run",
            help="Test each potential: are its forces the slope of its energy, is a batch its "
            "cells, how long does a force call take? Some seconds each.",
            rich_help_panel=POTENTIALS,
        ),
    ] = False,
    potential: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this potential, or package.module:Class; repeat for several.",
            rich_help_panel=POTENTIALS,
        ),
    ] = None,
    model_path: Annotated[
        str | None,
        typer.Option(help=MODEL_FILE_HELP, rich_help_panel=POTENTIALS, show_default=False),
    ] = None,
    python: Annotated[
        str | None, typer.Option(help=PYTHON_HELP, rich_help_panel=POTENTIALS, show_default=False)
    ] = None,
    device: Annotated[
        str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=POTENTIALS)
    ] = "auto",
    cores: Annotated[
        int, typer.Option(min=1, help="Cores of the test.", rich_help_panel=POTENTIALS)
    ] = 1,
) -> None:
    """Say which sources and potentials are usable here, and what the others lack.

    Nothing is computed without --run.

    [bold]Examples[/bold]

        dualion doctor

        dualion doctor --run --potential 7net-0

        dualion doctor --run --potential mace --python ~/envs/mace/bin/python --model-path M.model
    """
    from rich.console import Console

    from dualion.workflows.execution.threads import limit_threads

    console, failed = Console(), False
    if not potential:
        console.print(_sources_table(online=online))
        console.print()
    findings = _find(potential or [], python)
    tests: dict[str, SelfTest] = {}
    if run:
        limit_threads(cores)
        for one in findings:
            if one.usable and (model_path or not one.card.needs_file or potential):
                tests[one.card.name] = _test(one.card.name, model_path, device, python)
        failed = not all(test.passed for test in tests.values()) or (
            bool(potential) and len(tests) < len(findings)
        )
    console.print(_potentials_table(findings, tests))
    console.print(_speed_note(tested=bool(tests)), style="dim", highlight=False)
    if failed:
        raise typer.Exit(1)


def _find(names: list[str], python: str | None) -> list[PotentialFinding]:
    """Examine the potentials that were named, or all with a card."""
    from dualion.workflows.potentials.examine import examine_potentials, finding_of_class
    from dualion.workflows.potentials.load import require_name

    known = {one.card.name: one for one in examine_potentials(python=python)}
    for name in names:
        require_name(name)
    return [known.get(name) or finding_of_class(name) for name in names or known]


def _test(name: str, model_path: str | None, device: str, python: str | None) -> SelfTest:
    from dualion.workflows.potentials.cards import CARDS
    from dualion.workflows.potentials.self_test import run_self_test

    card = CARDS.get(name)
    path = model_path if card is None or card.needs_file else None
    return run_self_test(name, model_path=path, device=device, python=python)


def _mark(usable: bool) -> Text:
    from rich.text import Text

    return Text("yes", style="green") if usable else Text("no", style="yellow")


def _sources_table(*, online: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    from dualion.structures.sources.cache import Cache
    from dualion.structures.sources.doctor import examine_sources

    table = Table(box=None, pad_edge=False)
    for name in ("source", "usable", "detail"):
        table.add_column(name, overflow="fold")
    for finding in examine_sources(Cache(), online=online):
        table.add_row(Text(finding.source), _mark(finding.usable), Text(finding.detail))
    return table


def _potentials_table(findings: list[PotentialFinding], tests: dict[str, SelfTest]) -> Table:
    """Make the table: measured times of those that were tested, the cards' of the others."""
    from rich.table import Table
    from rich.text import Text

    from dualion.workflows.potentials.examine import ps_per_day

    table = Table(box=None, pad_edge=False)
    for name in ("potential", "usable", "functional", "ms/atom", "ps/day", "detail"):
        table.add_column(name, overflow="fold", justify="right" if "/" in name else "left")
    for one in findings:
        test = tests.get(one.card.name)
        s_per_atom = test.s_per_atom if test else one.card.s_per_atom
        known = s_per_atom == s_per_atom and (test is not None or bool(one.card.measured))
        detail = f"{test.detail}; {test.seconds:.1f} s" if test else one.detail
        table.add_row(
            Text(one.card.name),
            _mark(test.passed if test else one.usable),
            Text(one.card.functional),
            f"{1e3 * s_per_atom:.2g}" if known else "",
            f"{ps_per_day(s_per_atom):.0f}" if known else "",
            Text(detail),
        )
    return table


def _speed_note(*, tested: bool) -> str:
    from dualion.workflows.potentials.examine import USUAL_ATOMS, USUAL_STEP_FS, find_gpus

    gpus = find_gpus()
    device = f"{gpus} NVIDIA GPUs" if gpus else "no NVIDIA GPU"
    whose = "as measured now" if tested else "of the cards, one core; measure with --run"
    return (
        f"This machine has {device}. Times of a force call: {whose}; ps/day of {USUAL_ATOMS} atoms "
        f"at {USUAL_STEP_FS:g} fs."
    )
