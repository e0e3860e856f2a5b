"""`countenance certificate`: what was destroyed, and whether a certificate of it is true."""

import json as json_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.core.errors import NotFoundError
from countenance.gallery.certificates import certificate_text

certificate_app = typer.Typer(help="Signed certificates of what was destroyed.", no_args_is_help=True)


@certificate_app.command("list")
def certificate_list(acting: As = None, home: Home = None, json: Json = False) -> None:
    """List what was destroyed, newest first.

    Example: `countenance certificate list`
    """
    with open_acting(home, acting, "certificate list") as (gallery, _):
        found = gallery.sources.certificates()

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("certificate", "what", "source", "since", numbers={"certificate"})
        for one in found:
            source = one.source.name if one.source else "-"
            table.add_row(one.destruction_id, one.kind.value, source, output.moment(one.started_at))
        console.print(table if found else "Nothing was destroyed.")

    entries = [
        {
            "id": one.destruction_id,
            "kind": one.kind.value,
            "source": one.source and one.source.name,
            "target": one.target,
            "not_eligible_since": one.started_at.isoformat(),
            "signed": json_module.loads(one.certificate or b"null"),
        }
        for one in found
    ]
    output.emit({"certificates": entries}, as_json=json, render=render)


@certificate_app.command("verify", no_args_is_help=True)
def certificate_verify(
    file: Annotated[Path, typer.Argument(help="The certificate's file.")], home: Home = None, json: Json = False
) -> None:
    """Check that a certificate is this installation's and was not changed.

    Example: `countenance certificate verify certificate.json`
    """
    try:
        certificate = file.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{file} can't be read: {error.strerror}", code="certificate-unreadable", hint="name the certificate's file"
        ) from None
    with open_gallery(load_settings(home)) as gallery:
        facts = gallery.sources.read_certificate(certificate)
    output.emit(
        {"valid": True, "statement": facts},
        as_json=json,
        render=lambda console: console.print(f"The signature holds.\n\n{certificate_text(certificate)}"),
    )
