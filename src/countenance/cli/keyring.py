"""`countenance keys`: what there is, a new key-encryption key, backups apart from the data, escrow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.backups import require_folder
from countenance.bootstrap.escrow import make_escrow, renew_escrow, restore_escrow, save_shares
from countenance.bootstrap.keeping import KeyLog
from countenance.bootstrap.keks import KekKind
from countenance.bootstrap.key_care import backup_keys, counted, keys_status, restore_keys, rotate_keys
from countenance.bootstrap.settings import load_settings
from countenance.cli import output
from countenance.cli.acting import open_keeping
from countenance.cli.options import As, Home, Json
from countenance.core.errors import InvalidInputError

keys_app = typer.Typer(help="The gallery's keys: everything personal is sealed with them.", no_args_is_help=True)


@keys_app.command("status")
def status(home: Home = None, json: Json = False) -> None:
    """Say where the keys lie, and what has become of each.

    Example: `countenance keys status`
    """
    found = keys_status(load_settings(home))

    def render(console: Console) -> None:
        """Print them as a table."""
        lists = ("left_behind", "scopes")
        console.print(output.facts({name: value for name, value in found.items() if name not in lists}))
        for one in found["left_behind"]:
            console.print(f"Left behind by a rotation, and of no use to this gallery: {one}", soft_wrap=True)
        table = output.table("key", "made", "destroyed", "reason")
        for one in found["scopes"]:
            table.add_row(
                one["scope"], output.moment(one["made_at"]), output.moment(one["destroyed_at"]), one["reason"] or ""
            )
        console.print(table)

    output.emit(found, as_json=json, render=render)


@keys_app.command("rotate")
def rotate(
    to: Annotated[
        KekKind | None, typer.Option(help="Where the new key lies; left out, where the old one does.")
    ] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Take a new key-encryption key and wrap every key with it. The data stay as they are; servers go on.

    Keep a copy of a new key file; backups of the keyring from before open with the old key only. A key that several
    galleries share must not be rotated.

    Examples: `countenance keys rotate --as operator-1`, `countenance keys rotate --to kms --as operator-1`
    """
    with (
        open_keeping(home, acting, "keys rotate") as (settings, log),
        output.progress("Wrapping", None, quiet=json) as bar,
    ):
        kek_id = rotate_keys(settings, to, record=log, on_progress=bar.advance)
    _emit({"kek": kek_id}, log, [f"Every key is wrapped by {kek_id} now."], as_json=json)


@keys_app.command("backup", no_args_is_help=True)
def backup(
    file: Annotated[Path, typer.Argument(help="A new file, outside the gallery's folder.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write the wrapped keys to a file. Keep it apart from backups of the data, and for a shorter time.

    Example: `countenance keys backup /mnt/safe/keyring --as operator-1`
    """
    with open_keeping(home, acting, "keys backup") as (settings, log):
        count = backup_keys(settings, file, record=log)
    _emit({"file": str(file), "keys": count}, log, [f"Wrote {count:,} wrapped keys to {file}"], as_json=json)


@keys_app.command("restore", no_args_is_help=True)
def restore(
    file: Annotated[Path, typer.Argument(help="What `countenance keys backup` or `keys escrow` wrote.")],
    share: Annotated[
        list[Path] | None, typer.Option(help="File with a share of the escrow; given as often as shares are needed.")
    ] = None,
    to: Annotated[
        KekKind | None, typer.Option(help="With shares: the key file or token was lost; a new one lies here.")
    ] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Put a backup of the keyring back. A key that was destroyed since stays destroyed.

    Examples: `countenance keys restore /mnt/safe/keyring --as operator-1`, `countenance keys restore escrow --share
    1.txt --share 4.txt --to file --as operator-1`
    """
    if to is not None and not share:
        raise InvalidInputError("--to goes with --share", code="restore-to-unfit", hint="leave it out")
    lost: frozenset[str] = frozenset()
    with open_keeping(home, acting, "keys restore") as (settings, log):
        if share:
            content, lost = restore_escrow(settings, file, share, to=to, record=log)
            count, dark = counted(content)
        else:
            count, dark = restore_keys(settings, file, record=log)
    lines = [f"{count:,} keys are there; {len(dark):,} stay destroyed."]
    lines += [f"Lost, since its key was made after the escrow: {scope}" for scope in sorted(lost)]
    _emit({"keys": count, "destroyed": sorted(dark), "lost": sorted(lost)}, log, lines, as_json=json)


@keys_app.command("escrow", no_args_is_help=True)
def escrow(
    file: Annotated[Path, typer.Argument(help="A new file, outside the gallery's folder.")],
    shares: Annotated[int, typer.Option(min=2, max=16, help="How many shares there are.")] = 5,
    needed: Annotated[int, typer.Option(min=2, max=16, help="How many of them open the file.")] = 3,
    save_to: Annotated[
        Path | None,
        typer.Option(help="Folder that the shares are written to, a file each; left out, they are printed."),
    ] = None,
    like: Annotated[
        Path | None, typer.Option(help="An earlier escrow's file, whose shares shall open this one too.")
    ] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Seal the keyring so that some people together open it, should the key file, token or key service be lost.

    Each share is 33 words, for paper. Make it again, with --like, when sources, organisations or cases were added:
    `keys restore` brings back the keys that were there.

    Examples: `countenance keys escrow first --shares 5 --needed 3 --as operator-1`, `countenance keys escrow second
    --like first --as operator-1`
    """
    printed: list[str] = []
    with open_keeping(home, acting, "keys escrow") as (settings, log):
        if save_to is not None:
            # Shares are kept nowhere else: an escrow that was made already would be of no use without them.
            require_folder(settings, save_to)
        if like is not None:
            escrow_id = renew_escrow(settings, file, like=like, record=log)
        else:
            escrow_id, printed = make_escrow(settings, file, needed=needed, shares=shares, record=log)
        files = save_shares(settings, save_to, escrow_id, printed) if save_to is not None else []
    lines = [] if files else printed
    answer = {"file": str(file), "escrow": escrow_id, "needed": None if like else needed, "shares": lines}
    _emit(
        answer | {"files": [str(path) for path in files]},
        log,
        [
            *lines,
            f"Wrote the escrow {escrow_id} to {file}",
            *(f"Give to one person, then delete it here: {path}" for path in files),
        ],
        as_json=json,
    )


def _emit(answer: Mapping[str, object], log: KeyLog, lines: Sequence[str], *, as_json: bool) -> None:
    """Print what was done, and whether the audit log has it."""

    def render(console: Console) -> None:
        """Print the lines."""
        for line in lines:
            console.print(line, soft_wrap=True, highlight=False)
        if not log.written:
            why = f"The audit log has no entry of this, since the gallery does not open: {log.closed}"
            console.print(why, soft_wrap=True)

    output.emit({**answer, "recorded": log.written}, as_json=as_json, render=render)
