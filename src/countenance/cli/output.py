"""What commands print: a JSON object, or tables and sentences for people."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from countenance.core.errors import CountenanceError


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
def progress(description: str, total: int, *, quiet: bool) -> Iterator[Advancing]:
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


def emit(result: Mapping[str, object], *, as_json: bool, render: Callable[[Console], None]) -> None:
    """Print a result: as one JSON object on standard output, or for people."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, allow_nan=False) + "\n")
        sys.stdout.flush()
    else:
        render(Console(highlight=False))


def emit_error(error: CountenanceError, *, as_json: bool) -> None:
    """Print an error: one line with its code, and what to do."""
    if as_json:
        body = {"error": {"code": error.code, "message": str(error), "hint": error.hint}}
        sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
    else:
        hint = f"\n  {error.hint}" if error.hint else ""
        sys.stderr.write(f"countenance: {error} [{error.code}]{hint}\n")
