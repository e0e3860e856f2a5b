"""`countenance audit rotate-key`, `witness`, `witness-key`: who signs the log."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.audit.model import parse_checkpoint
from countenance.audit.note import Algorithm, new_signer, parse_skey
from countenance.audit.rendering import checkpoint_json
from countenance.audit.witness import cosign
from countenance.bootstrap.auditing import rotate_key
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.audit_files import keys_of, read_consistency, read_text
from countenance.cli.files import require_free, write_file, write_private
from countenance.cli.options import As, Force, Home, Json
from countenance.core.errors import InvalidInputError


def audit_rotate_key(acting: As = None, home: Home = None, json: Json = False) -> None:
    """Let a new key sign the log from now on; the old one signs for it once. Servers have to be started again.

    Example: `countenance audit rotate-key --as operator-1`
    """
    with open_acting(home, acting, "audit rotate-key") as (gallery, actor):
        rotate_key(gallery.settings, gallery.audit, actor=actor)
        vkey = gallery.settings.audit_vkeys.read_text("utf-8").splitlines()[-1]

    def render(console: Console) -> None:
        """Print the new public key."""
        console.print("The new public key; publish it beside the old ones:")
        console.print(vkey, soft_wrap=True)

    output.emit({"vkey": vkey}, as_json=json, render=render)


def audit_witness_key(
    name: Annotated[str, typer.Argument(help="What the witness is called, e.g. witness.example.org.")],
    out: Annotated[Path, typer.Option(help="File for the private key; must not exist.")],
    home: Home = None,  # noqa: ARG001 - every command has it; a witness has no gallery
    json: Json = False,
) -> None:
    """Make a witness's key pair, on the witness's own machine; prints the public key, for the operator and auditors.

    Example: `countenance audit witness-key witness.example.org --out witness.key`
    """
    if not name or "+" in name or any(sign.isspace() or not sign.isprintable() for sign in name):
        raise InvalidInputError(
            f"{name!a} can't be a key's name",
            code="witness-name-invalid",
            hint="no blanks and no +, e.g. a host's name",
        )
    require_free(out, force=False)
    signer = new_signer(name, Algorithm.COSIGNATURE)
    write_private(out, f"{signer.skey()}\n".encode())
    vkey = signer.verifier.vkey
    output.emit({"vkey": vkey}, as_json=json, render=lambda console: console.print(vkey, soft_wrap=True))


def audit_witness(
    checkpoint: Annotated[Path, typer.Argument(help="The checkpoint to sign, from `countenance audit checkpoint`.")],
    key: Annotated[Path, typer.Option(help="The witness's private key.")],
    vkey: Annotated[list[Path], typer.Option("--vkey", help="File of the log's public keys.")],
    seen: Annotated[Path, typer.Option(help="File in which the witness remembers what it signed last.")],
    out: Annotated[Path, typer.Option(help="Where to write the checkpoint with the signature added.")],
    proof: Annotated[
        Path | None, typer.Option(help="From `countenance audit prove --since FILE --json`; not needed the first time.")
    ] = None,
    force: Force = False,
    home: Home = None,  # noqa: ARG001 - every command has it; a witness has no gallery
    json: Json = False,
) -> None:
    """Sign a checkpoint as a witness, if it continues what was signed last. Needs no gallery.

    Example: `countenance audit witness checkpoint.txt --key witness.key --vkey vkeys --seen seen --out cosigned`
    """
    read = [checkpoint, key, *vkey, proof]
    require_free(out, never=[*read, seen], force=force)
    require_free(seen, never=read, force=True)
    try:
        last = parse_checkpoint(read_text(seen)) if seen.exists() else None
    except ValueError:
        raise InvalidInputError(
            f"{seen} is not what a witness remembers", code="witness-state-unreadable", hint="restore it from a backup"
        ) from None
    note = cosign(
        read_text(checkpoint),
        witness=parse_skey(read_text(key)),
        verifiers=keys_of(vkey),
        seen=last,
        proof=None if proof is None else read_consistency(proof),
        at=int(time.time()),
    )
    found = parse_checkpoint(note.text)
    # What was seen comes first: a witness that forgets could sign for two histories.
    write_file(seen, note.text.encode())
    write_file(out, note.render().encode())

    def render(console: Console) -> None:
        """Say what was signed."""
        console.print(f"Signed {found.size:,} entries of {found.origin}: {out}")

    output.emit({**checkpoint_json(found), "checkpoint": note.render()}, as_json=json, render=render)
