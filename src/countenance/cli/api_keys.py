"""`countenance api-key`: API keys, each of one person and narrowed to some actions."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from countenance.access.credentials import CredentialKind
from countenance.access.rendering import credential_json
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.policy.request import Action

api_key_app = typer.Typer(help="API keys: your own, for programs.", no_args_is_help=True)


@api_key_app.command("make", no_args_is_help=True)
def api_key_make(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    action: Annotated[list[Action], typer.Option(help="What may be done with it, e.g. search; may be given again.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it lasts.")] = 90,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Make an API key of your own. It is printed this once; only its hash is kept.

    Example: `countenance api-key make "case system" --action search --days 30 --as examiner-a`
    """
    with open_acting(home, acting, "api-key make") as (gallery, actor):
        made, key = gallery.own.make_key(actor, name=name, actions=action, lasts=timedelta(days=days))
    output.emit(
        {**credential_json(made), "key": key}, as_json=json, render=lambda console: console.print(key, soft_wrap=True)
    )


@api_key_app.command("list")
def api_key_list(acting: As = None, home: Home = None, json: Json = False) -> None:
    """List your API keys.

    Example: `countenance api-key list --as examiner-a`
    """
    with open_acting(home, acting, "api-key list") as (gallery, actor):
        held = gallery.own.credentials(actor.user_id)
    keys = [credential_json(one) for one in held if one.kind is CredentialKind.API_KEY]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("id", "name", "actions", "ends", "last used")
        for key in keys:
            actions = ", ".join(key["actions"]) if isinstance(key["actions"], list) else ""
            table.add_row(
                *(str(key[name]) for name in ("credential_id", "name")),
                actions,
                str(key["expires_at"])[:10],
                str(key["used_at"] or "never")[:16].replace("T", " "),
            )
        console.print(table if keys else "No keys.")

    output.emit({"keys": keys}, as_json=json, render=render)


@api_key_app.command("revoke", no_args_is_help=True)
def api_key_revoke(
    key: Annotated[str, typer.Argument(help="The key's id, from `api-key list`.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """End one of your API keys, at once.

    Example: `countenance api-key revoke 0b6c… --as examiner-a`
    """
    with open_acting(home, acting, "api-key revoke") as (gallery, actor):
        gallery.own.drop(actor, key, kinds=[CredentialKind.API_KEY])
    output.emit({"revoked": key}, as_json=json, render=lambda console: console.print("It is revoked."))
