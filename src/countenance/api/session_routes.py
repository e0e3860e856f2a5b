"""Signing in on the web page: the token for a cookie that no script can read."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Cookie, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from countenance.api.sessions import COOKIE, LONGEST_SECONDS, Sessions
from countenance.core.errors import NotPermittedError


class SignIn(BaseModel):
    """What the page sends to sign in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: Annotated[SecretStr, Field(max_length=1024)]


class SignedIn(BaseModel):
    """Whether whoever asks is signed in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signed_in: bool


SessionCookie = Annotated[str | None, Cookie(alias=COOKIE)]


def session_router(sessions: Sessions, *, token: str) -> APIRouter:
    """Make the routes of signing in and out. The guard has made sure that they are called by our own page.

    Args:
        sessions: Who is signed in.
        token: The API token.
    """
    router = APIRouter(prefix="/session", include_in_schema=False)

    @router.post("", status_code=204, response_class=Response)
    def sign_in(given: SignIn, response: Response) -> None:
        """Begin a session."""
        if not secrets.compare_digest(given.token.get_secret_value().strip().encode(), token.encode()):
            raise NotPermittedError(
                "this is not the token that the server was set up with",
                code="token-wrong",
                hint="Copy it again; the server prints where it stands when it starts.",
            )
        response.set_cookie(
            COOKIE, sessions.begin(), max_age=LONGEST_SECONDS, path="/", httponly=True, samesite="strict"
        )

    @router.get("")
    def show_session(cookie: SessionCookie = None) -> SignedIn:
        """Say whether whoever asks is signed in."""
        return SignedIn(signed_in=cookie is not None and sessions.use(cookie))

    @router.delete("", status_code=204, response_class=Response)
    def sign_out(response: Response, cookie: SessionCookie = None) -> None:
        """End the session."""
        if cookie is not None:
            sessions.end(cookie)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    return router
