"""`countenance rights`: requests of people who may be enrolled, from their arrival to the letter."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.rights_desk import letter_of
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import require_free, write_file
from countenance.cli.options import As, Force, Home, Json
from countenance.core.clock import utc_now
from countenance.rights.model import RequestKind, RequestState, RightsRequest
from countenance.rights.rendering import request_json, request_line
from countenance.search.model import ProbePhotograph
from countenance.vision.decode import read_image_file

rights_app = typer.Typer(help="Requests of people who may be enrolled.", no_args_is_help=True)

Request = Annotated[str, typer.Argument(help="The request's id, from `rights list`.")]
Why = Annotated[str, typer.Option(help="Why, in a sentence; it is kept, sealed.")]


@rights_app.command("receive", no_args_is_help=True)
def rights_receive(
    kind: Annotated[RequestKind, typer.Option(help="What is asked for.")],
    name: Annotated[str, typer.Option(help="The requester's name, as they gave it.")],
    contact: Annotated[str, typer.Option(help="Where the letter goes.")],
    received: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When it came, YYYY-MM-DD; left out, today.")
    ] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Put a request on record. It is due a month after it was received.

    Example: `countenance rights receive --kind erasure --name "Person A" --contact "a@example.org"`
    """
    with open_acting(home, acting, "rights receive") as (gallery, actor):
        request = gallery.rights.receive(
            kind, name=name, contact=contact, received_on=received and received.date(), actor=actor
        )
    _emit(request, json=json)


@rights_app.command("identify", no_args_is_help=True)
def rights_identify(
    request: Request,
    how: Annotated[str, typer.Option(help="How they showed who they are; keep no copy of what they showed.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Keep that the requester showed who they are.

    Example: `countenance rights identify 5f0c… --how "Passport seen at the desk"`
    """
    with open_acting(home, acting, "rights identify") as (gallery, actor):
        changed = gallery.rights.identify(request, how=how, actor=actor)
    _emit(changed, json=json)


@rights_app.command("find", no_args_is_help=True)
def rights_find(
    request: Request,
    photograph: Annotated[Path, typer.Argument(help="The requester's photograph; looked at once, not kept.")],
    face: Annotated[int | None, typer.Option(min=1, help="Which face, by its number in `faces`.")] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Look for the requester in everything that is held. Candidates: which of them they are, a person decides.

    Example: `countenance rights find 5f0c… portrait.jpg`
    """
    with open_acting(home, acting, "rights find") as (gallery, actor):
        data = read_image_file(photograph, limits=gallery.limits)
        probe = ProbePhotograph(image=data, filename=photograph.name, face=face)
        changed = gallery.rights.find(request, probe, actor=actor)

    emit_found(changed, json=json)


@rights_app.command("decide", no_args_is_help=True)
def rights_decide(
    request: Request,
    grant: Annotated[bool, typer.Option("--grant/--refuse", help="Whether they get what they asked for.")],
    reason: Why,
    subject: Annotated[
        list[str] | None, typer.Option(help="Id of a subject who is the requester; again for more.")
    ] = None,
    withhold_searches: Annotated[
        bool, typer.Option("--withhold-searches", help="The letter does not name searches: a law forbids it.")
    ] = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Decide. Nothing is done before another person releases it.

    Example: `countenance rights decide 5f0c… --grant --reason "Consent was taken back" --subject 7d21…`
    """
    with open_acting(home, acting, "rights decide") as (gallery, actor):
        changed = gallery.rights.decide(
            request,
            granted=grant,
            reason=reason,
            subjects=subject or (),
            tells_searches=not withhold_searches,
            actor=actor,
        )
    _emit(changed, json=json)


@rights_app.command("return", no_args_is_help=True)
def rights_return(request: Request, reason: Why, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Send a decision back: it has to be taken again.

    Example: `countenance rights return 5f0c… --reason "The second subject is somebody else"`
    """
    with open_acting(home, acting, "rights return") as (gallery, actor):
        changed = gallery.rights.send_back(request, reason=reason, actor=actor)
    _emit(changed, json=json)


@rights_app.command("release", no_args_is_help=True)
def rights_release(request: Request, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Do what another person decided. May be stopped at any time; the same command goes on from there.

    Example: `countenance rights release 5f0c… --as another-person`
    """
    with open_acting(home, acting, "rights release") as (gallery, actor):
        changed = gallery.rights.release(request, actor=actor)
    _emit(changed, json=json)


@rights_app.command("letter", no_args_is_help=True)
def rights_letter(
    request: Request,
    to: Annotated[Path, typer.Option(help="Write the letter here, as PDF.")],
    force: Force = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write the letter that answers a released request.

    Example: `countenance rights letter 5f0c… --to letter.pdf`
    """
    require_free(to, force=force)
    with open_acting(home, acting, "rights letter") as (gallery, _):
        paragraphs, pdf = letter_of(gallery.rights.register.request(request), contact=gallery.settings.rights_contact)
    write_file(to, pdf)
    result = {"file": str(to), "paragraphs": [one.text for one in paragraphs]}
    output.emit(result, as_json=json, render=lambda console: console.print(f"Wrote {to}.", soft_wrap=True))


@rights_app.command("close", no_args_is_help=True)
def rights_close(request: Request, reason: Why, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Close a request whose letter was sent, or which ends without a decision.

    Example: `countenance rights close 5f0c… --reason "Letter sent"`
    """
    with open_acting(home, acting, "rights close") as (gallery, actor):
        changed = gallery.rights.close(request, reason=reason, actor=actor)
    _emit(changed, json=json)


@rights_app.command("list")
def rights_list(
    closed: Annotated[bool, typer.Option("--closed/--open", help="Closed ones, or those that are not.")] = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """List requests, the one that is due first before the others. Nobody is named.

    Example: `countenance rights list`
    """
    today = utc_now().date()
    with open_acting(home, acting, "rights list") as (gallery, _):
        found = [
            request_line(one, today=today)
            for one in gallery.rights.register.requests()
            if (one.state is RequestState.CLOSED) == closed
        ]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("request", "kind", "state", "due", "", numbers={"request", "due"})
        for one in found:
            table.add_row(one["request_id"], one["kind"], one["state"], one["due_on"], "late" if one["overdue"] else "")
        console.print(table if found else "No requests.")

    output.emit({"requests": found}, as_json=json, render=render)


@rights_app.command("show", no_args_is_help=True)
def rights_show(request: Request, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Show one request with every step.

    Example: `countenance rights show 5f0c…`
    """
    with open_acting(home, acting, "rights show") as (gallery, _):
        found = gallery.rights.register.request(request)
    _emit(found, json=json)


def emit_found(request: RightsRequest, *, json: bool) -> None:
    """Print whom photographs look like."""

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("subject", "source", "score", numbers={"subject", "score"})
        for one in request.found:
            table.add_row(one.subject_id, one.source, f"{one.score:.3f}")
        console.print(table if request.found else "Nobody looks like this person.")
        if request.left_out:
            console.print("Left out: what other organisations keep. A custodian of the house looks through everything.")
        look = "Look at their faces before you decide. " if request.found else ""
        console.print(f"{look}The photograph was not kept.")

    output.emit(request_json(request, today=utc_now().date()), as_json=json, render=render)


def _emit(request: RightsRequest, *, json: bool) -> None:
    """Print a request."""
    result = request_json(request, today=utc_now().date())

    def render(console: Console) -> None:
        """Print the facts and the steps."""
        shown = ("request_id", "kind", "state", "received_on", "due_on", "overdue", "name", "contact")
        console.print(output.facts({name: result[name] for name in shown}))
        table = output.table("when", "state", "by", "words")
        for step in result["steps"]:
            table.add_row(output.moment(step["at"]), step["state"], step["by"], step["words"])
        console.print(table)
        for one in result["found"]:
            console.print(f"looks like {one['subject_id']} ({one['source']}, {one['score']:.3f})", soft_wrap=True)

    output.emit(result, as_json=json, render=render)
