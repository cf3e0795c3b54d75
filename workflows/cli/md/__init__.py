"""``dualion md``: the commands and their views."""

from dualion.workflows.cli.md.commands import register

__all__ = ["register"]
