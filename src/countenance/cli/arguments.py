"""What holds of every command's arguments: whatever is no path is text."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand

from countenance.core.errors import InvalidInputError
from countenance.core.text import is_text


class TextCommand(TyperCommand):
    """A command that is not run with what no encoding has: a name of no file is kept, sealed and compared as UTF-8."""

    def invoke(self, ctx: Any) -> Any:  # the type is private to Typer
        """Run it.

        Raises:
            InvalidInputError: code `argument-not-text`; nothing was done.
        """
        for parameter in self.params:
            value = ctx.params.get(parameter.name or "")
            for one in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(one, str) and not is_text(one):
                    raise InvalidInputError(
                        f"{parameter.opts[0]} is no text: {one!a}",
                        code="argument-not-text",
                        hint="write it in UTF-8; only the names of files may be other bytes",
                    )
        return super().invoke(ctx)


def require_text(app: typer.Typer) -> None:
    """Let every command of an application be a `TextCommand`."""
    for info in _commands(app):
        info.cls = TextCommand


def _commands(app: typer.Typer) -> Iterator[typer.models.CommandInfo]:
    """Return an application's commands, those of its groups too."""
    yield from app.registered_commands
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from _commands(group.typer_instance)
