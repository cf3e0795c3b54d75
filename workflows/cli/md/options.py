"""Options that several commands of ``dualion md`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Retry = Annotated[bool, typer.Option("--retry-failed", help="Continue failed runs too.")]
