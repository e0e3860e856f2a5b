"""`countenance erase`: one subject, photograph or face, gone for good."""

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import require_free, write_file
from countenance.cli.options import As, Force, Home, Json
from countenance.cli.source import Reason
from countenance.gallery.certificates import certificate_text
from countenance.gallery.destruction import Destruction, DestructionKind
from countenance.gallery.erasure import Erased, Extent
from countenance.gallery.rendering import extent_json

erase_app = typer.Typer(help="Erase one subject, photograph or face for good.", no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")]
Certificate = Annotated[Path | None, typer.Option(help="Write the signed certificate here.")]


COMMANDS: Mapping[DestructionKind, tuple[str, str]] = {
    DestructionKind.SUBJECT_ERASED: (
        "The subject's id, from `subjects list` or a search.",
        """Erase a person: all their faces, and the photographs that nobody else is enrolled from.

Gone for the very next search. May be stopped at any time; the same command goes on from there, and shows the
certificate when all is done.

Example: `countenance erase subject 5f0c… --reason "The person asked" --certificate certificate.json`""",
    ),
    DestructionKind.IMAGE_ERASED: (
        "The photograph's id, from `subjects show --json` or a search.",
        """Erase a photograph with all its faces, and the subjects that have no other.

Example: `countenance erase image 5f0c… --reason "It shows somebody else" --dry-run`""",
    ),
    DestructionKind.FACE_ERASED: (
        "The face's id, from `subjects show --json` or a search.",
        """Erase one face; its photograph goes too, unless somebody else is enrolled from it.

Example: `countenance erase face 5f0c… --reason "It is somebody else"`""",
    ),
}
"""What each command says of its target and of itself; they take the same options."""


def _add_command(kind: DestructionKind, target_help: str, help_text: str) -> None:
    """Add the command that erases one kind of target."""
    what = kind.value.removesuffix("-erased")

    @erase_app.command(what, no_args_is_help=True, help=help_text)
    def erase(
        target: Annotated[str, typer.Argument(help=target_help, metavar=what.upper())],
        reason: Reason,
        dry_run: DryRun = False,
        certificate: Certificate = None,
        force: Force = False,
        acting: As = None,
        home: Home = None,
        json: Json = False,
    ) -> None:
        if certificate is not None and not dry_run:
            require_free(certificate, force=force)
        erased = Erased(kind, target)
        with open_acting(home, acting, f"erase {what}", about=erased) as (gallery, actor):
            if dry_run:
                extent = gallery.sources.extent(erased)
            else:
                ended = gallery.sources.erase(erased, by=actor.user_id, reason=reason, actor=actor)
        if dry_run:
            _emit_extent(extent, json=json)
        else:
            _emit_certificate(ended, certificate, json=json)


for _kind, _texts in COMMANDS.items():
    _add_command(_kind, *_texts)


@erase_app.command("finish")
def erase_finish(home: Home = None, json: Json = False) -> None:
    """Finish erasures that were cut short, and those that an old backup made necessary again.

    Example: `countenance erase finish`
    """
    with open_gallery(load_settings(home)) as gallery:
        finished = gallery.sources.finish_erasures()
    result = {
        "finished": [{"id": one.destruction_id, "kind": one.kind.value, "target": one.target} for one in finished]
    }
    output.emit(result, as_json=json, render=lambda console: console.print(f"Finished: {len(finished):,}."))


def _emit_extent(extent: Extent, *, json: bool) -> None:
    """Say what would go."""
    planned = extent_json(extent)

    def render(console: Console) -> None:
        """Say what would go."""
        console.print(output.facts(planned))
        console.print("Nothing was changed.")

    output.emit({"dry_run": True, **planned}, as_json=json, render=render)


def _emit_certificate(ended: Destruction, file: Path | None, *, json: bool) -> None:
    """Print a certificate, and write it where that is wanted."""
    signed = ended.certificate or b""
    if file is not None:
        write_file(file, signed)
    output.emit(json_module.loads(signed), as_json=json, render=lambda console: console.print(certificate_text(signed)))
