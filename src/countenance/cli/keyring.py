"""`countenance keys`: what there is, a new key-encryption key, backups apart from the data."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.key_care import backup_keys, keys_status, restore_keys, rotate_keys
from countenance.bootstrap.settings import load_settings
from countenance.cli import output
from countenance.cli.options import Home, Json

keys_app = typer.Typer(help="The gallery's keys: everything personal is sealed with them.", no_args_is_help=True)


@keys_app.command("status")
def status(home: Home = None, json: Json = False) -> None:
    """Say where the keys lie, and what has become of each.

    Example: `countenance keys status`
    """
    found = keys_status(load_settings(home))

    def render(console: Console) -> None:
        """Print them as a table."""
        console.print(output.facts({name: value for name, value in found.items() if name != "scopes"}))
        table = output.table("key", "made", "destroyed", "reason")
        for one in found["scopes"]:
            table.add_row(one["scope"], one["made_at"], one["destroyed_at"] or "", one["reason"] or "")
        console.print(table)

    output.emit(found, as_json=json, render=render)


@keys_app.command("rotate")
def rotate(home: Home = None, json: Json = False) -> None:
    """Make a new key file and wrap every key with it. The data stay as they are; servers go on.

    Keep a copy of the new key file; backups of the keyring from before open with the old one only. A key file that
    several galleries share must not be rotated.

    Example: `countenance keys rotate`
    """
    settings = load_settings(home)
    kek_id = rotate_keys(settings)
    output.emit(
        {"kek": kek_id}, as_json=json, render=lambda console: console.print(f"Every key is wrapped by {kek_id} now.")
    )


@keys_app.command("backup", no_args_is_help=True)
def backup(
    file: Annotated[Path, typer.Argument(help="A new file, outside the gallery's folder.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Write the wrapped keys to a file. Keep it apart from backups of the data, and for a shorter time.

    Example: `countenance keys backup /mnt/safe/keyring`
    """
    count = backup_keys(load_settings(home), file)
    output.emit(
        {"file": str(file), "keys": count},
        as_json=json,
        render=lambda console: console.print(f"Wrote {count:,} wrapped keys to {file}", soft_wrap=True),
    )


@keys_app.command("restore", no_args_is_help=True)
def restore(
    file: Annotated[Path, typer.Argument(help="What `countenance keys backup` wrote.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Put a backup of the keyring back. A key that was destroyed since stays destroyed.

    Example: `countenance keys restore /mnt/safe/keyring`
    """
    count, dark = restore_keys(load_settings(home), file)
    output.emit(
        {"keys": count, "destroyed": sorted(dark)},
        as_json=json,
        render=lambda console: console.print(f"{count:,} keys are there; {len(dark):,} stay destroyed."),
    )
