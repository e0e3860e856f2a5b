"""`countenance org`: organisations apply, two operators review, and one may be stopped at any time."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.access.eligibility import Barred
from countenance.access.model import Application, Organisation
from countenance.access.rendering import change_json, organisation_json, user_json
from countenance.bootstrap.policy import open_policy
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import read_document, require_free, write_file
from countenance.cli.options import As, Home, Json
from countenance.core.errors import InvalidInputError
from countenance.policy.model import OrganisationState, Sector

org_app = typer.Typer(help="Organisations: vetted before their people may do anything.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The organisation's name or id.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the change.")]


@org_app.command("apply", no_args_is_help=True)
def org_apply(
    name: Annotated[str, typer.Argument(help="What the organisation is called; unique.")],
    sector: Annotated[Sector, typer.Option(help="What kind of organisation it is.")],
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2, e.g. US.")],
    contact: Annotated[str, typer.Option(help="How to reach it.")],
    document: Annotated[list[Path], typer.Option(help="What shows that it is what it says; may be given again.")],
    region: Annotated[str | None, typer.Option(help="ISO 3166-2, e.g. US-IL.")] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Put an organisation's application on record. Two operators have to review it.

    Example: `countenance org apply "Harbour Police" --sector law-enforcement --country NL --contact
    duty@harbour.example --document charter.pdf --as operator-1`
    """
    application = Application(
        name=name,
        sector=sector,
        country=country,
        region=region,
        contact=contact,
        documents=tuple((path.name, read_document(path)) for path in document),
    )
    with open_acting(home, acting, "org apply") as (gallery, actor):
        organisation = gallery.accounts.apply_for(application, actor=actor)
    _emit(organisation, f"{organisation.name} applied. Two operators: countenance org review", as_json=json)


@org_app.command("review", no_args_is_help=True)
def org_review(
    name: Name,
    admit: Annotated[bool, typer.Option("--admit/--refuse", help="Whether it may search here.", show_default=False)],
    reason: Reason,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Say whether an organisation that applied or was suspended may be active; it takes two operators to admit.

    Example: `countenance org review "Harbour Police" --admit --reason "charter checked" --as operator-1`
    """
    with open_acting(home, acting, "org review") as (gallery, actor):
        organisation = gallery.accounts.review(name, admit=admit, reason=reason, actor=actor)
    waiting = admit and organisation.state is not OrganisationState.ACTIVE
    became = "waits for another operator's review" if waiting else f"is {organisation.state.value}"
    _emit(organisation, f"{organisation.name} {became}.", as_json=json)


@org_app.command("list")
def org_list(
    state: Annotated[OrganisationState | None, typer.Option(help="Only those in this state.")] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """List the organisations.

    Example: `countenance org list --state applied --as operator-1`
    """
    with open_acting(home, acting, "org list") as (gallery, actor):
        found = [one for one in gallery.accounts.organisations(actor=actor) if state in {None, one.state}]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("organisation", "sector", "place", "state", "applied")
        for one in found:
            place = one.region or one.country
            table.add_row(one.name, one.sector.value, place, one.state.value, f"{one.applied_at:%Y-%m-%d}")
        console.print(table if found else "No organisations.")

    output.emit({"organisations": [organisation_json(one) for one in found]}, as_json=json, render=render)


@org_app.command("show", no_args_is_help=True)
def org_show(name: Name, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Show one organisation with its people and all that was done.

    Example: `countenance org show "Harbour Police" --as operator-1`
    """
    with open_acting(home, acting, "org show") as (gallery, actor):
        record = gallery.accounts.organisation(name, actor=actor)
    organisation = organisation_json(record.organisation)
    changes = [change_json(change, record.names) for change in record.changes]
    people = [user_json(user) for user in record.people]

    def render(console: Console) -> None:
        """Print its facts and its history."""
        console.print(output.facts({**organisation, "documents": _documents(record.organisation)}))
        table = output.table("when", "who", "what", "whom", "why")
        for change in changes:
            words = (str(change[key] or "") for key in ("by", "action", "user", "reason"))
            table.add_row(output.moment(str(change["at"])), *words)
        console.print(table)

    output.emit({**organisation, "people": people, "changes": changes}, as_json=json, render=render)


@org_app.command("suspend", no_args_is_help=True)
def org_suspend(name: Name, reason: Reason, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Stop an organisation at once. Two reviews bring it back.

    Example: `countenance org suspend "Harbour Police" --reason "audit overdue" --as operator-1`
    """
    with open_acting(home, acting, "org suspend") as (gallery, actor):
        organisation = gallery.accounts.suspend(name, reason=reason, actor=actor)
    _emit(organisation, f"{organisation.name} is suspended.", as_json=json)


@org_app.command("cancel", no_args_is_help=True)
def org_cancel(
    name: Annotated[str | None, typer.Argument(help="The organisation's name or id.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for one organisation; kept with the change.")] = None,
    ineligible: Annotated[
        bool, typer.Option("--ineligible", help="All that the policy in force no longer admits, at once.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --ineligible: name them, and change nothing.")
    ] = False,
    report: Annotated[
        Path, typer.Option(help="With --ineligible: where the list with the rules is written, as CSV.")
    ] = Path("cancelled-organisations.csv"),
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """End an organisation for good, or all that are no longer admitted: sessions, keys and passwords end with them.

    Examples: `countenance org cancel "Harbour Police" --reason "dissolved" --as operator-1`,
    `countenance org cancel --ineligible --dry-run --as operator-1`
    """
    if ineligible == (name is not None) or (name is not None and (reason is None or dry_run)):
        raise InvalidInputError(
            "name one organisation with --reason, or give --ineligible", code="cancel-unclear", hint="see --help"
        )
    if not ineligible:
        with open_acting(home, acting, "org cancel") as (gallery, actor):
            organisation = gallery.accounts.cancel(name or "", reason=reason or "", actor=actor)
        _emit(organisation, f"{organisation.name} is cancelled.", as_json=json)
        return
    if not dry_run:
        require_free(report, force=False)
    with open_acting(home, acting, "org cancel") as (gallery, actor):
        policy = open_policy(gallery.settings)
        found = gallery.accounts.cancel_ineligible(policy, actor=actor, dry_run=dry_run)
    if not dry_run:
        write_file(report, _report(found))
    _emit_barred(found, dry_run=dry_run, report=report, as_json=json)


def _report(found: Sequence[Barred]) -> bytes:
    """Return who was cancelled by which rules, as CSV; a cell that a spreadsheet would run is text."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("organisation_id", "name", "sector", "country", "region", "rules", "reasons"))
    for one in found:
        organisation, ids = one.organisation, " ".join(rule.rule_id for rule in one.rules)
        name = f"'{organisation.name}" if organisation.name[:1] in "=+-@" else organisation.name
        place = (organisation.sector.value, organisation.country, organisation.region or "")
        rows.writerow((organisation.org_id, name, *place, ids, one.reason()))
    return text.getvalue().encode()


def _emit_barred(found: Sequence[Barred], *, dry_run: bool, report: Path, as_json: bool) -> None:
    """Print who is barred, and what became of them."""
    result = {
        "dry_run": dry_run,
        "report": None if dry_run else str(report),
        "organisations": [
            {**organisation_json(one.organisation), "rules": [rule.as_json() for rule in one.rules]} for one in found
        ],
    }

    def render(console: Console) -> None:
        """Print a table, and where the report is."""
        table = output.table("organisation", "sector", "place", "rules")
        for one in found:
            organisation = one.organisation
            ids = ", ".join(rule.rule_id for rule in one.rules)
            table.add_row(
                organisation.name, organisation.sector.value, organisation.region or organisation.country, ids
            )
        if found:
            console.print(table)
        single, end = len(found) == 1, "not admitted; nothing was changed" if dry_run else f"cancelled; see {report}"
        became = f"{'is' if single else 'are'} {end}"
        console.print(f"{len(found):,} organisation{'' if single else 's'} {became}.", soft_wrap=True)

    output.emit(result, as_json=as_json, render=render)


def _emit(organisation: Organisation, sentence: str, *, as_json: bool) -> None:
    """Print an organisation, or what became of it."""
    result = organisation_json(organisation)
    output.emit(result, as_json=as_json, render=lambda console: console.print(sentence, soft_wrap=True))


def _documents(organisation: Organisation) -> str:
    return ", ".join(f"{document.name} ({document.sha256[:12]}…)" for document in organisation.documents)
