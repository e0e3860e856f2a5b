"""`countenance user`: people are added by an operator; nobody signs themselves up."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from countenance.access.model import User
from countenance.access.rendering import change_json, user_json
from countenance.bootstrap.providing import require_provider
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.policy.model import Qualification, QualificationKind, Role

user_app = typer.Typer(help="People, each of one organisation.", no_args_is_help=True)

Login = Annotated[str, typer.Argument(help="What they sign in with.")]
Roles = Annotated[list[Role], typer.Option("--role", help="What they are there for; may be given again.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the change.")]


@user_app.command("add", no_args_is_help=True)
def user_add(
    login: Login,
    name: Annotated[str, typer.Option(help="What people call them.")],
    organisation: Annotated[str, typer.Option("--org", help="Name or id of their organisation; `house` is your own.")],
    role: Roles,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Add a person to an active organisation. One of the house waits until another operator confirms them.

    Example: `countenance user add examiner-a --name "Examiner A" --org "Harbour CID" --role examiner --as operator-1`
    """
    with open_acting(home, acting, "user add") as (gallery, actor):
        user = gallery.accounts.add_user(login, organisation=organisation, name=name, roles=role, actor=actor)
    _emit(user, f"{user.login} is added, {user.state.value}.", as_json=json)


@user_app.command("confirm", no_args_is_help=True)
def user_confirm(login: Login, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Let a person of the house in: another operator than the one who added them.

    Example: `countenance user confirm c.operator --as operator-2`
    """
    with open_acting(home, acting, "user confirm") as (gallery, actor):
        user = gallery.accounts.confirm_user(login, actor=actor)
    _emit(user, f"{user.login} is {user.state.value}.", as_json=json)


@user_app.command("invite", no_args_is_help=True)
def user_invite(login: Login, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Make a one-time code with which somebody signs in first, to set a passkey or a password. It lasts three days.

    Example: `countenance user invite examiner-a --as operator-1`
    """
    with open_acting(home, acting, "user invite") as (gallery, actor):
        code = gallery.sign_in.invite(login, actor=actor)
    sentence = f"{login} signs in once with the code {code}"
    output.emit(
        {"login": login, "code": code},
        as_json=json,
        render=lambda console: console.print(sentence, soft_wrap=True),
    )


@user_app.command("bind", no_args_is_help=True)
def user_bind(
    login: Login,
    subject: Annotated[str, typer.Argument(help="The identity provider's lasting name for them: a token's `sub`.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Let somebody sign in with the identity provider, as who they are there. An earlier binding of theirs ends.

    Example: `countenance user bind examiner-a 00u1a2b3c4 --as operator-1`
    """
    with open_acting(home, acting, "user bind") as (gallery, actor):
        user = require_provider(gallery.provider).bind(login, subject, actor=actor)
    _emit(user, f"{user.login} may sign in with the identity provider.", as_json=json)


@user_app.command("list")
def user_list(
    organisation: Annotated[str | None, typer.Option("--org", help="Only those of this organisation.")] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """List people.

    Example: `countenance user list --org "Harbour Police" --as operator-1`
    """
    with open_acting(home, acting, "user list") as (gallery, actor):
        found = gallery.accounts.users(organisation, actor=actor)

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("login", "name", "organisation", "roles", "state")
        for user, owner in found:
            table.add_row(user.login, user.name, owner.name, _named(user), user.state.value)
        console.print(table if found else "Nobody.")

    people = [{**user_json(user), "organisation": owner.name} for user, owner in found]
    output.emit({"users": people}, as_json=json, render=render)


@user_app.command("show", no_args_is_help=True)
def user_show(login: Login, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Show one person with all that was done.

    Example: `countenance user show examiner-a --as operator-1`
    """
    with open_acting(home, acting, "user show") as (gallery, actor):
        user, owner, changes = gallery.accounts.user(login, actor=actor)
        logins = {one.user_id: one.login for one, _ in gallery.accounts.users(actor=actor)}
    facts = {**user_json(user), "organisation": owner.name}
    done = [change_json(change, logins) for change in changes]

    def render(console: Console) -> None:
        """Print facts and history."""
        held = "; ".join(
            f"{one.kind.value} {one.name}, until {one.valid_until:%Y-%m-%d}" for one in user.qualifications
        )
        console.print(output.facts({**facts, "roles": _named(user), "qualifications": held or "none"}))
        table = output.table("when", "who", "what", "why")
        for change in done:
            table.add_row(output.moment(str(change["at"])), *(str(change[key]) for key in ("by", "action", "reason")))
        console.print(table)

    output.emit({**facts, "changes": done}, as_json=json, render=render)


@user_app.command("roles", no_args_is_help=True)
def user_roles(
    login: Login, role: Roles, reason: Reason, acting: As = None, home: Home = None, json: Json = False
) -> None:
    """Set what somebody is there for. Nobody is made an operator this way: add an account for it.

    Example: `countenance user roles examiner-a --role examiner --role supervisor --reason promoted --as operator-1`
    """
    with open_acting(home, acting, "user roles") as (gallery, actor):
        user = gallery.accounts.set_roles(login, role, reason=reason, actor=actor)
    _emit(user, f"{user.login} is {_named(user)}.", as_json=json)


@user_app.command("train", no_args_is_help=True)
def user_train(
    login: Login,
    name: Annotated[str, typer.Option(help="What the training or the accreditation is called.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day on which it ends, in UTC.")],
    kind: Annotated[QualificationKind, typer.Option(help="Which of the two it is.")] = QualificationKind.TRAINING,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Record a training or an accreditation; one of the same name is replaced.

    Example: `countenance user train examiner-a --name "facial comparison" --until 2027-06-30 --as operator-1`
    """
    held = Qualification(kind=kind, name=name, valid_until=until.replace(tzinfo=UTC))
    with open_acting(home, acting, "user train") as (gallery, actor):
        user = gallery.accounts.qualify(login, held, actor=actor)
    _emit(user, f"{user.login} holds {name} until {until:%Y-%m-%d}.", as_json=json)


@user_app.command("deactivate", no_args_is_help=True)
def user_deactivate(login: Login, reason: Reason, acting: As = None, home: Home = None, json: Json = False) -> None:
    """End somebody's access for good: sessions, keys, password, second factors.

    Example: `countenance user deactivate examiner-a --reason "left the force" --as operator-1`
    """
    with open_acting(home, acting, "user deactivate") as (gallery, actor):
        user = gallery.accounts.deactivate(login, reason=reason, actor=actor)
    _emit(user, f"{user.login} is {user.state.value}.", as_json=json)


def _emit(user: User, sentence: str, *, as_json: bool) -> None:
    """Print a person, or what became of them."""
    output.emit(user_json(user), as_json=as_json, render=lambda console: console.print(sentence, soft_wrap=True))


def _named(user: User) -> str:
    return ", ".join(sorted(role.value for role in user.roles))
