"""`countenance audit`: what was done, and the proof of it."""

import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from countenance.audit.model import Receipt, parse_receipt
from countenance.audit.note import Verifier, parse_vkey
from countenance.audit.rendering import checkpoint_json, entry_json
from countenance.audit.verification import require_receipt, verify_log
from countenance.bootstrap.auditing import known_verifiers
from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.options import Home, Json
from countenance.core.errors import InvalidInputError, NotFoundError

audit_app = typer.Typer(help="The audit log: what was done, and the proof of it.", no_args_is_help=True)

LARGEST_FILE = 64 * 1024 * 1024
"""Most bytes that are read of a receipt, checkpoint or key."""

Receipts = Annotated[
    list[Path] | None,
    typer.Option("--receipt", help="A receipt, or an answer that carries one; may be given several times."),
]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--vkey", help="File of the log's public keys, a line each; left out, those of this home."),
]


@audit_app.command("verify")
def audit_verify(
    receipt: Receipts = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Check the receipts by themselves: no gallery is opened; needs --vkey.")
    ] = False,
    vkey: Keys = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Check the whole log from its entries' bytes up, and receipts against it. Ends with 7 where anything was changed.

    Example: `countenance audit verify --receipt answer.json`
    """
    receipts = [read_receipt(path) for path in receipt or ()]
    if alone:
        _verify_alone(receipts, keys_of(vkey), as_json=json)
        return
    settings = load_settings(home)
    with open_gallery(settings) as gallery:
        verifiers = keys_of(vkey) or known_verifiers(settings)
        with output.progress("Verifying", gallery.audit.head().size, quiet=json) as bar:
            found = verify_log(gallery.audit, verifiers=verifiers, receipts=receipts, on_progress=bar.advance)
    result = {**checkpoint_json(found.checkpoint), "checkpoints": found.checkpoints, "receipts": found.receipts}

    def render(console: Console) -> None:
        """Say what holds."""
        console.print(f"All {found.checkpoint.size:,} entries are what was signed.")
        if receipts:
            console.print(f"{len(receipts):,} receipts stand in it as they were given.")

    output.emit(result, as_json=json, render=render)


@audit_app.command("show")
def audit_show(
    first: Annotated[int, typer.Argument(help="Index of the first entry; below 0 counts from the end.")] = -20,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries to show.")] = 20,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show entries of the log; without an index, the newest ones.

    Example: `countenance audit show 1200 --limit 5 --json`
    """
    with open_gallery(load_settings(home)) as gallery:
        size = gallery.audit.head().size
        start = min(first if first >= 0 else max(0, size + first), size)
        bodies = gallery.audit.entries(start, min(start + limit, size))
        entries = [entry_json(start + at, body) for at, body in enumerate(bodies)]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("entry", "at", "action", "outcome", "who", "facts", numbers={"entry"})
        for one in entries:
            facts = json_module.dumps(one["facts"], ensure_ascii=True)
            table.add_row(f"{one['index']}", one["at"][:19], one["action"], one["outcome"], one["actor"]["user"], facts)
        console.print(table if entries else "The log has no such entry.")

    output.emit({"size": size, "entries": entries}, as_json=json, render=render)


def read_receipt(path: Path) -> Receipt:
    """Read a receipt's file, or the answer of a search that carries one.

    Raises:
        NotFoundError: code `audit-file-unreadable`.
        InvalidInputError: code `receipt-unreadable`.
    """
    try:
        return parse_receipt(json_module.loads(read_text(path)))
    except (ValueError, RecursionError):
        raise InvalidInputError(
            f"{path} is neither a receipt nor an answer with one",
            code="receipt-unreadable",
            hint="save what `countenance search --json` prints, or what stands in a report as its receipt",
        ) from None


def keys_of(files: Sequence[Path] | None) -> tuple[Verifier, ...]:
    """Read public keys from files; none where no file is named.

    Raises:
        NotFoundError: code `audit-file-unreadable`.
        InvalidInputError: code `vkey-invalid`.
    """
    return tuple(parse_vkey(line) for path in files or () for line in read_text(path).splitlines() if line.strip())


def read_text(path: Path) -> str:
    """Read a small text file.

    Raises:
        NotFoundError: code `audit-file-unreadable`.
    """
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE).decode(errors="replace")
    except OSError as error:
        raise NotFoundError(
            f"{path} can't be read: {error.strerror}", code="audit-file-unreadable", hint="name another file"
        ) from None


def _verify_alone(receipts: Sequence[Receipt], verifiers: Sequence[Verifier], *, as_json: bool) -> None:
    """Check receipts without a gallery."""
    if not receipts or not verifiers:
        raise InvalidInputError(
            "--alone needs a receipt, and the log's public key",
            code="audit-alone-incomplete",
            hint="countenance audit verify --alone --receipt answer.json --vkey audit-vkeys",
        )
    for one in receipts:
        require_receipt(one, verifiers)
    shown: list[dict[str, Any]] = [
        {**checkpoint_json(one.checkpoint), "entry": entry_json(one.proof.index, one.entry)} for one in receipts
    ]

    def render(console: Console) -> None:
        """Say what holds."""
        for one in receipts:
            console.print(
                f"Entry {one.proof.index} stands in {one.checkpoint.origin} as of {one.checkpoint.size:,} entries."
            )

    output.emit({"receipts": shown}, as_json=as_json, render=render)
