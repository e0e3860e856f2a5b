"""What commands print: a JSON object, or tables and sentences for people."""

import json
import sys
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from countenance.core.errors import CountenanceError, NotPermittedError


class Advancing(Protocol):
    """Something that can be told how far work has got."""

    def advance(self, n: int = 1) -> None:
        """Count n more as done."""


class _Bar:
    """A progress bar's one task."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress = progress
        self._task = task

    def advance(self, n: int = 1) -> None:
        """See the protocol."""
        self._progress.advance(self._task, n)


class _Silence:
    """No progress bar."""

    def advance(self, n: int = 1) -> None:
        """See the protocol."""


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, or a dash before there is one."""
        return Text(f"{task.speed:.0f}/s" if task.speed else "-/s")


@contextmanager
def progress(description: str, total: int | None, *, quiet: bool) -> Iterator[Advancing]:
    """Show a bar with rate and time left on standard error, where that is a terminal and nobody asked for quiet."""
    if quiet or not sys.stderr.isatty():
        yield _Silence()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield _Bar(bar, bar.add_task(description, total=total))


def console() -> Console:
    """Return where people read; what sources and files are called is text there, never markup."""
    return Console(highlight=False, markup=False, emoji=False)


def emit(result: Mapping[str, object], *, as_json: bool, render: Callable[[Console], None]) -> None:
    """Print a result: as one JSON object on standard output, or for people."""
    if as_json:
        _write_json(result)
    else:
        render(console())


def table(*headings: str, numbers: Container[str] = ()) -> Table:
    """Return an empty table that loses nothing on a narrow terminal: text is folded, numbers keep their width.

    Args:
        numbers: The headings of columns that hold numbers, or something else as short.
    """
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        is_number = heading in numbers
        made.add_column(heading, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    return made


def facts(named: Mapping[str, Any]) -> Table:
    """Lay facts out as two columns, nested ones behind a dot."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in named.items():
        inner = value.items() if isinstance(value, dict) else None
        for key, fact in inner or [(None, value)]:
            label = name if key is None else f"{name}.{key}"
            grid.add_row(label.replace("_", " "), f"{fact:,}" if type(fact) is int else str(fact))
    return grid


def moment(at: str | datetime | None) -> str:
    """Write a moment for people, in UTC to the minute; nothing where there is none."""
    if at is None:
        return ""
    one = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{one.astimezone(UTC):%Y-%m-%d %H:%M}"


def emit_error(error: CountenanceError, *, as_json: bool) -> None:
    """Print an error: one line with its code, and what to do; several reasons against it are a list."""
    if as_json:
        _write_json({"error": error_json(error)})
    else:
        sys.stderr.write(f"countenance: {error_text(error)}\n")


def error_json(error: CountenanceError) -> dict[str, object]:
    """Return an error as plain JSON types."""
    reasons = error.reasons if isinstance(error, NotPermittedError) else ()
    return {"code": error.code, "message": str(error), "hint": error.hint, **({"reasons": reasons} if reasons else {})}


def error_text(error: CountenanceError) -> str:
    """Return an error for people, in one line and what to do below."""
    reasons = error.reasons if isinstance(error, NotPermittedError) else ()
    if len(reasons) > 1:
        listed = (f"  {one['says']} ({one['rule']}: {one['cites']})\n    needed: {one['needs']}" for one in reasons)
        return "\n".join((f"not permitted, for {len(reasons)} reasons [{error.code}]", *listed))
    hint = f"\n  {error.hint}" if error.hint else ""
    return f"{_one_line(str(error))} [{error.code}]{hint}"


def _write_json(result: Mapping[str, object]) -> None:
    """Write one line of ASCII: file names may hold what no encoding has."""
    sys.stdout.write(json.dumps(result, allow_nan=False) + "\n")
    sys.stdout.flush()


def _one_line(message: str) -> str:
    """Escape what would break the line or drive the terminal: a message may quote a file's name."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in message)
