"""`countenance approval`: what supervisors decide on, and the clock of emergencies."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.search.approval import approval_json

approval_app = typer.Typer(help="Searches that a supervisor has to approve.", no_args_is_help=True)

Approval = Annotated[str, typer.Argument(help="The request's id, from `approval list`.")]
Reason = Annotated[str, typer.Option(help="Why, in a sentence; it is kept.")]


@approval_app.command("list")
def approval_list(acting: As = None, home: Home = None, json: Json = False) -> None:
    """List your organisation's requests, newest first.

    Example: `countenance approval list --as s.visor`
    """
    with open_acting(home, acting, "approval list") as (gallery, actor):
        found = [approval_json(one) for one in gallery.approvals.all(actor=actor)]
        logins = gallery.accounts.logins({one["user_id"] for one in found})

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table(
            "request", "state", "who", "case", "purpose", "offence", "kind", "until", numbers={"request", "until"}
        )
        for one in found:
            until = output.moment(one["due_at"] or one["until"])
            state = one["state"] + (" (emergency)" if one["emergency"] else "")
            words = (logins.get(one["user_id"], one["user_id"]), one["case"], one["purpose"], one["offence"])
            table.add_row(one["approval_id"], state, *words, one["kind"], until)
        console.print(table if found else "Nothing was asked for.")

    output.emit({"approvals": found}, as_json=json, render=render)


@approval_app.command("grant", no_args_is_help=True)
def approval_grant(
    approval: Approval, reason: Reason, acting: As = None, home: Home = None, json: Json = False
) -> None:
    """Approve one search: exactly this one, once, within 24 hours; or an emergency that was made.

    Example: `countenance approval grant 5f0c… --reason "the child's parents asked" --as s.visor`
    """
    _decide("approval grant", approval, reason, grant=True, acting=acting, home=home, json=json)


@approval_app.command("refuse", no_args_is_help=True)
def approval_refuse(
    approval: Approval, reason: Reason, acting: As = None, home: Home = None, json: Json = False
) -> None:
    """Refuse one search; the answer of an emergency is deleted at once.

    Example: `countenance approval refuse 5f0c… --reason "no offence is under investigation" --as s.visor`
    """
    _decide("approval refuse", approval, reason, grant=False, acting=acting, home=home, json=json)


@approval_app.command("sweep")
def approval_sweep(home: Home = None, json: Json = False) -> None:
    """Put emergencies that nobody approved in 48 hours out of sight, and delete their answers a week later.

    Done each time that the gallery is opened, too, and each hour while it is served.

    Example: `countenance approval sweep`
    """
    with open_gallery(load_settings(home)) as gallery:
        found = [approval_json(one) for one in gallery.swept]
    deleted = sum(one["deleted_at"] is not None for one in found)
    sentence = f"Out of sight: {len(found) - deleted:,}; deleted: {deleted:,}."
    output.emit({"swept": found}, as_json=json, render=lambda console: console.print(sentence))


def _decide(
    command: str, approval: str, reason: str, *, grant: bool, acting: str | None, home: Path | None, json: bool
) -> None:
    """Decide, and print what became of it."""
    with open_acting(home, acting, command) as (gallery, actor):
        made = approval_json(gallery.approvals.decide(approval, grant=grant, reason=reason, actor=actor))
    said = "Approved" if grant else "Refused"
    output.emit(made, as_json=json, render=lambda console: console.print(f"{said}: {made['approval_id']}"))
