"""Options that all commands have that search with a photograph."""

from pathlib import Path
from typing import Annotated

import typer

from countenance.policy.request import ProbeKind
from countenance.search.model import MAX_LIMIT

Case = Annotated[str, typer.Option(help="An open case of your organisation, kept with the answer.")]
Purpose = Annotated[str, typer.Option(help="What it is for, from `policy list`; kept with the answer.")]
Offence = Annotated[
    str, typer.Option(help="The offence that is investigated, from `policy list`, where the purpose needs one.")
]
Kind = Annotated[ProbeKind, typer.Option(help="What the photograph is.")]
Limit = Annotated[int, typer.Option(help=f"Longest candidate list, 1 to {MAX_LIMIT}.")]
Threshold = Annotated[float | None, typer.Option(help="Least score, -1 to 1; left out, the model pack's own.")]
Fpir = Annotated[
    float | None,
    typer.Option(help="Set the threshold so that at most this share of searches returns a stranger, e.g. 0.01."),
]
Report = Annotated[Path | None, typer.Option(help="Write an HTML file with the faces side by side.")]
Thorough = Annotated[bool, typer.Option("--thorough", help="Look for small faces too.")]
