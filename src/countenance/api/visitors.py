"""Who asks: what the guard found out, for the routes."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from countenance.access.sign_in import Visitor
from countenance.core.errors import NotPermittedError
from countenance.policy.model import Actor

SESSION_COOKIE = "countenance_session"
DEVICE_COOKIE = "countenance_device"

ACTOR = "actor"
VISITOR = "visitor"
ORIGIN = "origin"
"""Keys of a request's state."""


def _actor(connection: HTTPConnection) -> Actor:
    """Return who asks; the guard lets nobody through to a protected route without one."""
    actor: Actor = connection.scope["state"][ACTOR]
    return actor


def _visitor(connection: HTTPConnection) -> Visitor:
    """Return who is signed in on the page.

    Raises:
        NotPermittedError: code `session-needed`, the request came with an API key.
    """
    visitor: Visitor | None = connection.scope["state"].get(VISITOR)
    if visitor is None:
        raise NotPermittedError(
            "that is done on the page by whoever signed in", code="session-needed", hint="an API key can't do it"
        )
    return visitor


def _origin(connection: HTTPConnection) -> str:
    """Return the origin that the browser sees: the one that was set, where it came through that, or this server's."""
    origin: str = connection.scope["state"][ORIGIN]
    return origin


CurrentActor = Annotated[Actor, Depends(_actor)]
CurrentVisitor = Annotated[Visitor, Depends(_visitor)]
PageOrigin = Annotated[str, Depends(_origin)]
