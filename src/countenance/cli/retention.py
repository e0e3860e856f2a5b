"""`countenance retention`: which clocks run, and destroying what is due."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.retaining import Planned
from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.cli.source import Name
from countenance.gallery.rendering import source_json
from countenance.gallery.retention import PRESETS
from countenance.gallery.terms import Retention, RetentionRule

retention_app = typer.Typer(help="Clocks that end: what is destroyed when.", no_args_is_help=True)


@retention_app.command("rules")
def retention_rules(home: Home = None, json: Json = False) -> None:
    """List the rules of retention with their citations. Not legal advice.

    Example: `countenance retention rules`
    """
    load_settings(home)
    rules = [{"rule": one.rule.value, "citation": one.citation, "says": one.says} for one in PRESETS]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("rule", "says", "where")
        for one in rules:
            table.add_row(one["rule"], one["says"], one["citation"] or "-")
        console.print(table)

    output.emit({"rules": rules}, as_json=json, render=render)


@retention_app.command("set", no_args_is_help=True)
def retention_set(
    name: Name,
    rule: Annotated[RetentionRule | None, typer.Option(help="By which rule; left out, it stays.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, with the rule `date`.")
    ] = None,
    purpose_ended: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When the purpose that it was given for was met.")
    ] = None,
    last_contact: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When there was contact last; the longest ago counts.")
    ] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Set a source's clock; what is left out stays. A source that is due by it is out of the next search.

    Example: `countenance retention set city-archive --rule us-tx-cubi --purpose-ended 2026-11-01`
    """
    with open_acting(home, acting, "retention set", about=name) as (gallery, actor):
        before = gallery.records.source(name).terms.retention
        after = rule or before.rule
        retention = Retention(
            rule=after,
            ends_on=(until.date() if until else before.ends_on) if after is RetentionRule.DATE else None,
            purpose_ended_on=purpose_ended.date() if purpose_ended else before.purpose_ended_on,
            last_interaction_on=last_contact.date() if last_contact else before.last_interaction_on,
        )
        gallery.retention.set(name, retention, actor=actor)
        summary = gallery.sources.summary(name)
    output.emit(
        source_json(summary),
        as_json=json,
        render=lambda console: console.print(f"{name}: {after.value}, {summary.source.state.value}."),
    )


@retention_app.command("plan")
def retention_plan(
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As of this day, YYYY-MM-DD; left out, today.")
    ] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Say what is due, and when each source's clock ends. Changes nothing.

    Example: `countenance retention plan --on 2027-01-01`
    """
    with open_acting(home, acting, "retention plan") as (gallery, _):
        planned = gallery.retention.plan(today=on and on.date())
    output.emit(planned.as_json(), as_json=json, render=lambda console: _print_plan(console, planned))


@retention_app.command("run")
def retention_run(home: Home = None, json: Json = False) -> None:
    """Destroy what is due, each with a signed certificate. Run it daily; it may be stopped, and goes on when run again.

    Example: `countenance retention run`
    """
    with open_gallery(load_settings(home)) as gallery:
        due = gallery.retention.plan().plan.due
        with output.progress("Destroying", due, quiet=json) as bar:
            ran = gallery.retention.run(on_progress=bar.advance)
    result = ran.as_json()
    destroyed = result["destroyed"]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("certificate", "what", "source", numbers={"certificate"})
        for one in destroyed:
            table.add_row(one["certificate"], one["kind"], one["source"] or "-")
        console.print(table if destroyed else "Nothing was due.")
        if ran.log_keys:
            console.print(f"Keys of marks in the audit log, destroyed: {', '.join(ran.log_keys)}")
        if ran.requests:
            console.print(f"Closed requests, forgotten: {len(ran.requests):,}")
        if ran.cases:
            console.print(f"Closed cases, forgotten: {len(ran.cases):,}")
        if ran.stay_out:
            console.print(f"Entries of people who stayed out, destroyed: {len(ran.stay_out):,}")

    output.emit(result, as_json=json, render=render)


def _print_plan(console: Console, planned: Planned) -> None:
    """Print a plan."""
    plan = planned.plan
    table = output.table("source", "rule", "last day", "due", numbers={"last day", "due"})
    for clock in plan.sources:
        last = str(clock.last_day or "no end yet")
        table.add_row(clock.source.name, clock.source.terms.retention.rule.value, last, "due" if clock.due else "")
    console.print(table if plan.sources else "No source has a clock.")
    console.print(f"Subjects whose releases have ended: {len(plan.releases):,}")
    kept = (
        "kept without end"
        if plan.answers_before is None
        else f"{plan.answers:,} older than {plan.answers_before.date()}"
    )
    console.print(f"Answers to searches: {kept}")
    console.print(f"Keys of marks in the audit log that are due: {len(planned.log_keys):,}")
    console.print(f"Closed requests that are due: {len(planned.requests):,}")
    console.print(f"Closed cases that are due: {len(planned.cases):,}")
    console.print(f"Entries of people who stay out that are due: {len(planned.stay_out):,}")
    console.print(f"Destructions that were cut short: {plan.unfinished:,}")
