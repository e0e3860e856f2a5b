"""`countenance source`: the register of sources, from registering to withdrawing."""

import json as json_module
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import read_document, require_free, write_file
from countenance.cli.options import As, Force, Home, Json
from countenance.core.clock import utc_now
from countenance.gallery.certificates import certificate_text
from countenance.gallery.model import LegalBasis, SourceState, SourceSummary
from countenance.gallery.rendering import change_json, release_json, source_json
from countenance.gallery.terms import ANY, Release, Retention, RetentionRule, SourceTerms
from countenance.policy.model import HOUSE, Actor

source_app = typer.Typer(help="Collections that somebody had the right to hand over.", no_args_is_help=True)
releases_app = typer.Typer(help="Single people's own consent to be in a source.", no_args_is_help=True)
source_app.add_typer(releases_app, name="releases")

Name = Annotated[str, typer.Argument(help="The source's name.")]
Reason = Annotated[str, typer.Option(help="Why, in a sentence; it is kept.")]
Document = Annotated[Path, typer.Option(help="The document that this rests on; kept with its hash.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, YYYY-MM-DD.")]


@source_app.command("register", no_args_is_help=True)
def source_register(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, '.', '_', '-', e.g. city-archive.")],
    owner: Annotated[str, typer.Option(help="Who gave the photographs.")],
    legal_basis: Annotated[LegalBasis, typer.Option(help="Why the owner may hand them over.")],
    document: Document,
    contact: Annotated[str, typer.Option(help="Whom to ask about it, e.g. an e-mail address.")] = "",
    sector: Annotated[list[str], typer.Option(help="A sector that may search it; again for more.")] = [ANY],  # noqa: B006 - Typer reads it
    purpose: Annotated[list[str], typer.Option(help="A purpose it may be searched for; again for more.")] = [ANY],  # noqa: B006
    exclude: Annotated[
        list[str] | None, typer.Option(help="A country or region (ISO 3166) that may not search it, e.g. US-IL.")
    ] = None,
    retention: Annotated[RetentionRule, typer.Option(help="By which rule it is destroyed.")] = RetentionRule.NONE,
    until: Day = None,
    releases: Annotated[
        bool | None,
        typer.Option(
            "--releases/--no-releases",
            help="Whether each subject needs a release. Left out: where the basis is consent.",
            show_default=False,
        ),
    ] = None,
    activate: Annotated[bool, typer.Option(help="Whether it may be enrolled into at once.")] = True,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Put a source on record; nothing can be enrolled without one.

    Example: `countenance source register city-archive --owner "City Archive" --legal-basis contract --document d.pdf`
    """
    terms = SourceTerms(
        contact=contact,
        sectors=tuple(sector),
        purposes=tuple(purpose),
        excluded=tuple(exclude or ()),
        releases_required=legal_basis is LegalBasis.CONSENT if releases is None else releases,
        retention=Retention(rule=retention, ends_on=until and until.date()),
    )
    data = read_document(document)
    with open_acting(home, acting, "source register") as (gallery, actor):
        source = gallery.sources.register(
            name=name,
            owner=owner,
            legal_basis=legal_basis,
            document=data,
            terms=terms,
            active=activate,
            by=actor.user_id,
            actor=actor,
        )
    following = f"countenance enrol {name} FOLDER" if activate else f"countenance source activate {name}"
    output.emit(
        source_json(SourceSummary(source=source, images=0, subjects=0, templates=0)),
        as_json=json,
        render=lambda console: console.print(f"Registered {name}. Next: {following}", soft_wrap=True),
    )


@source_app.command("activate", no_args_is_help=True)
def source_activate(name: Name, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Let a registered source be enrolled into and searched.

    Example: `countenance source activate city-archive`
    """
    _change("source activate", name, SourceState.ACTIVE, reason="", acting=acting, home=home, json=json)


@source_app.command("suspend", no_args_is_help=True)
def source_suspend(name: Name, reason: Reason, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Take a source out of the very next search and enrolment; `resume` puts it back.

    Example: `countenance source suspend city-archive --reason "The owner asks for a pause"`
    """
    _change("source suspend", name, SourceState.SUSPENDED, reason=reason, acting=acting, home=home, json=json)


@source_app.command("resume", no_args_is_help=True)
def source_resume(name: Name, reason: Reason = "", acting: As = None, home: Home = None, json: Json = False) -> None:
    """Put a suspended source back.

    Example: `countenance source resume city-archive`
    """
    _change("source resume", name, SourceState.ACTIVE, reason=reason, acting=acting, home=home, json=json)


@source_app.command("withdraw", no_args_is_help=True)
def source_withdraw(
    name: Name,
    reason: Reason,
    certificate: Annotated[Path | None, typer.Option(help="Write the signed certificate here.")] = None,
    force: Force = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Destroy a source for good: gone for the very next search, its key destroyed, with a signed certificate.

    May be stopped at any time; the same command goes on from there, and shows the certificate when all is done.

    Example: `countenance source withdraw city-archive --reason "The owner says stop" --certificate certificate.json`
    """
    if certificate is not None:
        require_free(certificate, force=force)
    with open_acting(home, acting, "source withdraw", about=name) as (gallery, actor):
        signed = gallery.sources.withdraw(name, by=actor.user_id, actor=actor, reason=reason).certificate or b""
    if certificate is not None:
        write_file(certificate, signed)
    output.emit(json_module.loads(signed), as_json=json, render=lambda console: console.print(certificate_text(signed)))


@source_app.command("keeper", no_args_is_help=True)
def source_keeper(
    name: Name,
    org: Annotated[str, typer.Option(help="The organisation that is to keep it; `house` for the installation's own.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Set whose custodians look after a source, beside the house's; for custodians of the house.

    Example: `countenance source keeper city-archive --org "Harbour Police" --as house-custodian`
    """
    with open_acting(home, acting, "source keeper") as (gallery, actor):
        summary = gallery.sources.set_keeper(name, gallery.accounts.keeper(org), actor=actor)
    output.emit(source_json(summary), as_json=json, render=lambda console: console.print(f"{name} is kept by {org}."))


@source_app.command("list")
def source_list(acting: As = None, home: Home = None, json: Json = False) -> None:
    """List the sources.

    Example: `countenance source list --json`
    """
    with open_acting(home, acting, "source list") as (gallery, actor):
        summaries = gallery.records.sources()

    def render(console: Console) -> None:
        """Print a table."""
        numbers = ("photographs", "subjects")
        table = output.table("source", "owner", "basis", "state", "keeper", *numbers, numbers=numbers)
        for one in summaries:
            source = one.source
            counts = (f"{count:,}" for count in (one.images, one.subjects))
            told = (source.owner, source.legal_basis.value, source.state.value, _kept_by(source.keeper, actor))
            table.add_row(source.name, *told, *counts)
        console.print(table if summaries else "No source is registered yet: countenance source register --help")

    output.emit({"sources": [source_json(one) for one in summaries]}, as_json=json, render=render)


@source_app.command("show", no_args_is_help=True)
def source_show(name: Name, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Show one source, with every change of its state.

    Example: `countenance source show city-archive`
    """
    with open_acting(home, acting, "source show") as (gallery, actor):
        shown = source_json(gallery.sources.summary(name))
        history = [change_json(change) for change in gallery.sources.history(name)]

    def render(console: Console) -> None:
        """Print the facts and the history."""
        keeper = shown["keeper"]
        kept_by = _kept_by(keeper, actor)
        console.print(output.facts(shown | {"keeper": f"{kept_by} ({keeper})" if keeper else kept_by}))
        table = output.table("when", "state", "by", "why")
        for change in history:
            table.add_row(output.moment(change["at"]), change["after"], change["by"], change["reason"])
        console.print(table)

    output.emit({**shown, "history": history}, as_json=json, render=render)


@releases_app.command("add", no_args_is_help=True)
def releases_add(
    name: Name,
    subject: Annotated[str, typer.Argument(help="The subject's name as the source gives it.")],
    document: Document,
    until: Day = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Keep one person's own consent, with its document and its end.

    Example: `countenance source releases add family-album "Person A" --document a.pdf --until 2031-12-31`
    """
    data = read_document(document)
    with open_acting(home, acting, "source releases add", about=name) as (gallery, actor):
        release = gallery.sources.add_release(
            name, label=subject, document=data, ends_on=until and until.date(), by=actor.user_id, actor=actor
        )
    output.emit(
        release_json(release), as_json=json, render=lambda console: console.print(f"Kept: {release.release_id}")
    )


@releases_app.command("list", no_args_is_help=True)
def releases_list(name: Name, acting: As = None, home: Home = None, json: Json = False) -> None:
    """List a source's releases.

    Example: `countenance source releases list family-album`
    """
    with open_acting(home, acting, "source releases list", about=name) as (gallery, _):
        found = gallery.sources.releases(name)

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("subject", "release", "until", "state", numbers={"release", "until"})
        for one in found:
            table.add_row(one.label, one.release_id, str(one.ends_on or "no end"), _release_state(one))
        console.print(table if found else "No releases.")

    output.emit({"releases": [release_json(one) for one in found]}, as_json=json, render=render)


@releases_app.command("revoke", no_args_is_help=True)
def releases_revoke(
    name: Name,
    release: Annotated[str, typer.Argument(help="The release's id, from `source releases list`.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Take a release back: whoever has none left is out of the next search; `retention run` destroys the rest.

    Example: `countenance source releases revoke family-album 5f0c…`
    """
    with open_acting(home, acting, "source releases revoke", about=name) as (gallery, actor):
        revoked = gallery.sources.revoke_release(name, release, actor=actor)
    output.emit(
        release_json(revoked), as_json=json, render=lambda console: console.print(f"Revoked: {revoked.release_id}")
    )


def _kept_by(keeper: str | None, actor: Actor) -> str:
    """Say in a word whose custodians look after a source; other organisations are not named."""
    if keeper is None:
        return "all"
    if keeper == actor.org_id:
        return "us"
    return "house" if keeper == HOUSE else "others"


def _release_state(release: Release) -> str:
    """Say in a word whether a release holds."""
    if release.revoked_at is not None:
        return "revoked"
    return "in force" if release.in_force(utc_now().date()) else "ended"


def _change(
    command: str, name: str, after: SourceState, *, reason: str, acting: str | None, home: Path | None, json: bool
) -> None:
    """Change a source's state and print it."""
    with open_acting(home, acting, command, about=name) as (gallery, actor):
        summary = gallery.sources.change(name, after, by=actor.user_id, actor=actor, reason=reason)
    output.emit(source_json(summary), as_json=json, render=lambda console: console.print(f"{name} is {after.value}."))
