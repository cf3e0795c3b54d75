"""``dualion export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualion.results.run_folder import read_run_folder
from dualion.structures.errors import InputError
from dualion.workflows.cli.shared_options import Inputs, RunFolderArgument

if TYPE_CHECKING:
    from dualion.results.run_folder import RunFolder

FORMATS = ("parquet", "jsonl", "cif", "figures", "schema")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("export")(export)


def export(
    folder: RunFolderArgument,
    format: Annotated[
        list[str] | None,
        typer.Option(
            help="parquet, jsonl, cif (a zip of the candidates' structures), figures, schema; "
            "repeat for several. Default: all but parquet, and parquet if pyarrow is installed.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the files. Default: export/ in the run's.", show_default=False
        ),
    ] = None,
    input: Inputs = None,
    include_structures: Annotated[
        bool,
        typer.Option("--include-structures", help="Also coordinates of licensed sources (ICSD)."),
    ] = False,
) -> None:
    """Write a run's tables, structures and figures for other programs.

    screened.csv and candidates.csv lie in the run's folder already. The same rows and columns are
    written as Parquet and JSON lines; schema.json says what each column means and its unit.

    [bold]Example[/bold]

        dualion export my-run --format parquet --format cif
    """
    from dualion.workflows.campaign.screening_options import known_name

    run = read_run_folder(folder)
    asked = [known_name("format", name, FORMATS) for name in format or _usual()]
    target = out or folder / "export"
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in dict.fromkeys(asked):
            if name == "cif":
                _structures(run, target, input or [], include_structures)
            else:
                _WRITERS[name](run, target)
    except OSError as error:
        raise InputError(
            f"Cannot write to {target}: {error.strerror}; choose another --out."
        ) from error


def _usual() -> list[str]:
    from importlib.util import find_spec

    return [name for name in FORMATS if name != "parquet" or find_spec("pyarrow")]


def _say(path: Path, what: str = "") -> None:
    typer.echo(f"{path}  {what}".rstrip())


def _parquet(run: RunFolder, target: Path) -> None:
    from dualion.results.export import TABLES, write_parquet

    for name, rows in (("screened", run.rows), ("candidates", run.candidates)):
        write_parquet(target / f"{name}.parquet", rows, TABLES[name])
        _say(target / f"{name}.parquet", f"{len(rows)} rows")


def _json_lines(run: RunFolder, target: Path) -> None:
    from dualion.results.export import TABLES, write_json_lines

    for name, rows in (("screened", run.rows), ("candidates", run.candidates)):
        write_json_lines(target / f"{name}.jsonl", rows, TABLES[name])
        _say(target / f"{name}.jsonl", f"{len(rows)} rows")


def _schema(run: RunFolder, target: Path) -> None:
    from dualion.results.export import schema

    path = target / "schema.json"
    path.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _say(path)


def _figures(run: RunFolder, target: Path) -> None:
    from dualion.results.figures import write_run_figures

    for path in write_run_figures(run, target):
        _say(path)


def _structures(run: RunFolder, target: Path, inputs: list[str], include_licensed: bool) -> None:
    from dualion.results.export import write_structures
    from dualion.workflows.campaign.structure_lookup import structures_of_run

    names = {(str(row["source"]), str(row["source_id"])) for row in run.candidates}
    found = structures_of_run(run, names, inputs=inputs)
    path = target / "structures.zip"
    counts = write_structures(path, run.candidates, found, include_licensed=include_licensed)
    left = [
        f"{counts[kind]} {why}"
        for kind, why in (
            ("licensed", "left out: their licence forbids passing them on"),
            ("missing", "not found in the inputs"),
        )
        if counts[kind]
    ]
    _say(path, "; ".join([f"{counts['written']} structures", *left]))


_WRITERS = {"parquet": _parquet, "jsonl": _json_lines, "schema": _schema, "figures": _figures}
