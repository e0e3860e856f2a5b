"""Options that many commands have."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="The gallery's folder. Wins over COUNTENANCE_HOME.",
        show_default=False,
        file_okay=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

Force = Annotated[bool, typer.Option("--force", help="Replace the file that would be written.")]

As = Annotated[
    str | None,
    typer.Option("--as", help="Who acts, by login. Wins over COUNTENANCE_USER.", show_default=False),
]
