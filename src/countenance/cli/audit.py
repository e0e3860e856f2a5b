"""`countenance audit`: what was done, and the proof of it."""

import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from countenance.audit.browsing import newest_bodies
from countenance.audit.model import Entry, Outcome, Receipt
from countenance.audit.note import Verifier
from countenance.audit.ports import AuditReader
from countenance.audit.proving import prove_entry, prove_growth
from countenance.audit.rendering import checkpoint_json, entry_json, shown_json
from countenance.audit.verification import Verified, require_receipt, require_signed, verify_log
from countenance.audit.witness import require_cosigned
from countenance.bootstrap.auditing import export_log, known_verifiers, may_read, open_export
from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.audit_files import keys_of, read_receipt, read_text
from countenance.cli.files import make_folder, require_free, write_file
from countenance.cli.options import As, Force, Home, Json
from countenance.core.errors import InvalidInputError

audit_app = typer.Typer(help="The audit log: what was done, and the proof of it.", no_args_is_help=True)

EXPORTED = ("README.md", "vkeys", "checkpoint")
"""What an export has beside its tiles, and what nothing else of a folder may be called that gets one."""

Receipts = Annotated[
    list[Path] | None,
    typer.Option("--receipt", help="A receipt, or an answer that carries one; may be given several times."),
]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--vkey", help="File of the log's public keys, a line each; left out, those of this home."),
]
Kept = Annotated[
    list[Path] | None,
    typer.Option("--checkpoint", help="A signed checkpoint that was kept elsewhere; may be given several times."),
]


@audit_app.command("verify")
def audit_verify(
    receipt: Receipts = None,
    checkpoint: Kept = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Check the receipts by themselves: no gallery is opened; needs --vkey.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Check this exported log instead of the gallery's; needs --vkey.")
    ] = None,
    vkey: Keys = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Check the whole log from its entries' bytes up, and receipts against it. Ends with 7 where anything was changed.

    Example: `countenance audit verify --receipt answer.json`
    """
    receipts = [read_receipt(path) for path in receipt or ()]
    notes = [read_text(path) for path in checkpoint or ()]
    verifiers = keys_of(vkey)
    if alone:
        _verify_alone(receipts, verifiers, as_json=json)
        return
    if export is not None:
        if not verifiers:
            raise _incomplete("--export needs the log's public key, from elsewhere than the export")
        found = _verified(open_export(export), verifiers, receipts, notes, quiet=json)
    else:
        settings = load_settings(home)
        with open_gallery(settings) as gallery:
            found = _verified(gallery.audit, verifiers or known_verifiers(settings), receipts, notes, quiet=json)
    result = {**checkpoint_json(found.checkpoint), "checkpoints": found.checkpoints, "receipts": found.receipts}

    def render(console: Console) -> None:
        """Say what holds."""
        console.print(f"All {found.checkpoint.size:,} entries are what was signed.")
        if receipts:
            console.print(f"{len(receipts):,} receipts stand in it as they were given.")

    output.emit(result, as_json=json, render=render)


@audit_app.command("show")
def audit_show(
    first: Annotated[
        int | None,
        typer.Argument(help="Index of the first entry; below 0, behind `--`, from the end. Left out: the newest."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries to show.")] = 20,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show entries of the log; without an index, the newest ones. Auditors of an organisation see what that one did.

    Example: `countenance audit show 1200 --limit 5 --as auditor-a --json`
    """
    with open_acting(home, acting, "audit show") as (gallery, actor):
        size = gallery.audit.head().size
        if first is None:
            found, _ = newest_bodies(
                gallery.audit, before=size, limit=limit, wanted=lambda entry: may_read(actor, entry)
            )
            entries = [shown_json(at, body) for at, body in reversed(found)]
        else:
            start = min(first if first >= 0 else max(0, size + first), size)
            bodies = gallery.audit.entries(start, min(start + limit, size))
            shown = [shown_json(start + at, body) for at, body in enumerate(bodies)]
            entries = [one for one in shown if may_read(actor, one)]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("entry", "at", "action", "outcome", "who", "facts", numbers={"entry"})
        for one in entries:
            facts = json_module.dumps(one["facts"])
            table.add_row(
                f"{one['index']}", output.moment(one["at"]), one["action"], one["outcome"], one["actor"]["user"], facts
            )
        console.print(table if entries else "The log has no such entry.")

    output.emit({"size": size, "entries": entries}, as_json=json, render=render)


@audit_app.command("prove")
def audit_prove(
    entry: Annotated[int | None, typer.Argument(help="Index of the entry to prove, from 0.")] = None,
    since: Annotated[
        Path | None, typer.Option(help="Prove that the log continues this checkpoint, which was kept elsewhere.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="With --since: the checkpoint that the proof leads to; left out, the newest.")
    ] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Make a proof: that an entry stands in the log, or that the log only grew since an older checkpoint.

    Example: `countenance audit prove 1200 --as auditor-a --json > receipt.json`
    """
    if (entry is None) == (since is None) or (to is not None and since is None):
        raise _incomplete("a proof is of an entry, or of growth --since a checkpoint, --to another one")
    with open_acting(home, acting, "audit prove") as (gallery, _):
        verifiers = known_verifiers(gallery.settings)
        if entry is not None:
            receipt = prove_entry(gallery.audit, entry, verifiers=verifiers)
            result, text = receipt.to_json(), receipt.proof.render()
        else:
            _, old = require_signed(read_text(since) if since else "", verifiers)
            growth = prove_growth(gallery.audit, old, verifiers=verifiers, to=None if to is None else read_text(to))
            result, text = growth.to_json(), f"{old.size:,} entries grew to {growth.new.size:,}, none of them changed."
    output.emit(result, as_json=json, render=lambda console: console.print(text, soft_wrap=True))


@audit_app.command("checkpoint")
def audit_checkpoint(
    out: Annotated[Path | None, typer.Option(help="Write the checkpoint to this file.")] = None,
    cosigned: Annotated[
        Path | None, typer.Option(help="Put this checkpoint on record, which a witness signed; needs --witness.")
    ] = None,
    witness: Annotated[Path | None, typer.Option(help="File of the witness's public key.")] = None,
    force: Force = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show the newest signed checkpoint and put it on record; send it to whoever should be able to check the log later.

    Example: `countenance audit checkpoint --out checkpoint.txt --as operator-1`
    """
    if (cosigned is None) != (witness is None):
        raise _incomplete("--cosigned and --witness belong together")
    if out is not None:
        require_free(out, never=[cosigned, witness], force=force)
    with open_acting(home, acting, "audit checkpoint") as (gallery, _):
        note = gallery.audit.head().note if cosigned is None else read_text(cosigned)
        _, found = require_signed(note, known_verifiers(gallery.settings))
        for verifier in keys_of([witness] if witness else None):
            require_cosigned(note, verifier)
        if note not in gallery.audit.checkpoints():
            gallery.audit.add_checkpoint(note)
    if out is not None:
        write_file(out, note.encode())
    result = {**checkpoint_json(found), "checkpoint": note}
    output.emit(result, as_json=json, render=lambda console: console.print(note, soft_wrap=True, end=""))


@audit_app.command("export")
def audit_export(
    folder: Annotated[Path, typer.Argument(help="Where to write; a folder with an older export gets what is new.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write the log as static files, which are verified without Countenance; what is personal in it stays sealed.

    Example: `countenance audit export log-2026-11 --as auditor-a`
    """
    make_folder(folder)
    if not (folder / "tile").is_dir():
        for name in EXPORTED:
            require_free(folder / name, force=False)
    with open_acting(home, acting, "audit export") as (gallery, actor):
        # First, so that the export holds the entry of itself.
        gallery.audit.record(Entry(action="audit-export", outcome=Outcome.DONE, actor=actor))
        size = gallery.audit.head().size
        with output.progress("Writing", -(-size // 256), quiet=json) as bar:
            written = export_log(gallery.settings, gallery.audit, folder, on_progress=bar.advance)
    result = {"folder": str(folder), "entries": size, "files": written}

    def render(console: Console) -> None:
        """Say what was written."""
        console.print(f"{size:,} entries in {folder}; {written:,} files are new. Its README.md says how to check them.")

    output.emit(result, as_json=json, render=render)


def _verified(
    log: AuditReader,
    verifiers: Sequence[Verifier],
    receipts: Sequence[Receipt],
    notes: Sequence[str],
    *,
    quiet: bool,
) -> Verified:
    """Check a log, with a bar."""
    with output.progress("Verifying", log.head().size, quiet=quiet) as bar:
        return verify_log(log, verifiers=verifiers, receipts=receipts, notes=notes, on_progress=bar.advance)


def _verify_alone(receipts: Sequence[Receipt], verifiers: Sequence[Verifier], *, as_json: bool) -> None:
    """Check receipts without a gallery."""
    if not receipts or not verifiers:
        raise _incomplete("--alone needs a receipt, and the log's public key")
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


def _incomplete(what: str) -> InvalidInputError:
    return InvalidInputError(what, code="audit-options-incomplete", hint="see the command's --help")
