"""What a campaign leaves for scripts and for whoever looks later: a log and a state file."""

from __future__ import annotations

import contextlib
import datetime
import json
from pathlib import Path
from typing import Any

from dualion.structures.text import json_text
from dualion.workflows.execution.files import write_json

LOG_NAME = "campaign.log.jsonl"
STATE_NAME = "campaign.state.json"


class CampaignLog:
    """Events, one JSON object a line, in the campaign's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG_NAME

    def write(self, event: str, **details: Any) -> None:
        """Append one event with its time; a disk that refuses must not end the run."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = json_text({"time": now, "event": event, **details}, default=str)
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as handle:
            handle.write(line + "\n")


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Write how the run stands, for ``dualion status``.

    Args:
        folder: the campaign's; where it cannot be written to, the state is left out.
        state: plain data; replaces what was written before.
    """
    with contextlib.suppress(OSError):
        write_json(folder / STATE_NAME, state, indent=None)


def read_state(folder: Path) -> dict[str, Any]:
    """The last state that was written; empty if there is none."""
    try:
        state = json.loads((folder / STATE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
