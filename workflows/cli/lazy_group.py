"""A group of commands whose modules are imported when they are used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

_LISTING = "dualion.listing"


class LazyGroup(TyperGroup):
    """A group that imports the module of a command when that command is used.

    A sub-class names its commands. Each module has a function ``register`` that adds the command
    to an application.

    Attributes:
        package: package of the modules.
        lines: command → its line in ``--help``, in that order; so the help imports no command.
        modules: command → module below the package, where it is not the command's own name.
    """

    package: ClassVar[str]
    lines: ClassVar[Mapping[str, str]]
    modules: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """List the names, in the order of ``--help``."""
        return list(self.lines)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command, or give only its line of help while the list is printed.

        Args:
            ctx: context of the group.
            cmd_name: name of the command.

        Returns:
            The command; None where there is none of this name.
        """
        if cmd_name not in self.lines:
            return None
        if ctx.meta.get(_LISTING):
            return TyperCommand(cmd_name, help=self.lines[cmd_name])
        return self._import_command(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help of the group.

        Args:
            ctx: context of the group.
            formatter: as click passes it.
        """
        ctx.meta[_LISTING] = True
        super().format_help(ctx, formatter)

    def _import_command(self, name: str) -> Any:
        alone = typer.Typer(
            add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False
        )
        import_module(f"{self.package}.{self.modules.get(name, name)}").register(alone)
        command = typer.main.get_command(alone)
        return command.commands[name] if isinstance(command, TyperGroup) else command
