"""`countenance oversight`: whether searches look like misuse."""

from collections.abc import Sequence

import typer
from rich.console import Console

from countenance.bootstrap.overseeing import deliver
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.oversight.service import Recorded

oversight_app = typer.Typer(
    help="Whether searches look like misuse: for an officer outside the chain of command.", no_args_is_help=True
)


@oversight_app.command("run")
def oversight_run(acting: As = None, home: Home = None, json: Json = False) -> None:
    """Look at all searches in the audit log and put new alerts on record. Run it daily; nothing is ever blocked by it.

    Example: `countenance oversight run --as auditor-a`
    """
    with open_acting(home, acting, "oversight run") as (gallery, actor):
        with output.progress("Looking", gallery.audit.head().size, quiet=json) as bar:
            found = gallery.oversight.run(actor=actor, on_progress=bar.advance)
        delivered = deliver(gallery.settings, gallery.audit, gallery.oversight.alerts())
    result = {"alerts": [one.to_json() for one in found], "delivered": delivered}
    output.emit(result, as_json=json, render=lambda console: _print(console, found, none="Nothing new stands out."))


@oversight_app.command("alerts")
def oversight_alerts(acting: As = None, home: Home = None, json: Json = False) -> None:
    """List the alerts on record, oldest first, by ids: whose these are, the accounts say.

    Example: `countenance oversight alerts --as auditor-a --json`
    """
    with open_acting(home, acting, "oversight alerts") as (gallery, _):
        found = gallery.oversight.alerts()
    result = {"alerts": [one.to_json() for one in found]}
    output.emit(result, as_json=json, render=lambda console: _print(console, found, none="There are no alerts."))


def _print(console: Console, alerts: Sequence[Recorded], *, none: str) -> None:
    """Print alerts for people."""
    table = output.table("entry", "at", "rule", "who", "subject", "what was seen", numbers={"entry"})
    for one in alerts:
        alert = one.alert
        table.add_row(str(one.entry), f"{alert.at:%Y-%m-%d}", alert.rule, alert.user, alert.subject, alert.says)
    console.print(table if alerts else none)
    if alerts:
        console.print("An alert accuses nobody: a person looks into it.")
