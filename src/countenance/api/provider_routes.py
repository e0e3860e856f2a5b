"""Signing in with the installation's identity provider: there, and back with its answer."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from countenance.access.credentials import CHALLENGE_LASTS
from countenance.access.provider import CALLBACK, ProviderSignIn
from countenance.api.session_routes import browser_of, set_cookies
from countenance.api.visitors import PageOrigin
from countenance.core.errors import CountenanceError, NotFoundError

PROVIDER_COOKIE = "countenance_provider"
"""Ties an identity provider's answer to the browser that asked."""

GO_ON = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Countenance</title>'
    '<p>{words} <a href="/">Go on</a></p></html>'
)
"""The page between the identity provider and ours. Its words are ours alone."""

ProviderCookie = Annotated[str | None, Cookie(alias=PROVIDER_COOKIE)]


class Offered(BaseModel):
    """What the identity provider is called; null where there is none."""

    name: str | None


class WithProvider(BaseModel):
    """Where the browser goes to sign in with the identity provider."""

    address: str


def provider_router(provider: ProviderSignIn | None, *, name: str, secure: bool) -> APIRouter:
    """Make the routes of signing in with an identity provider.

    Args:
        provider: Lets people in whom it names; None where there is none.
        name: What the page calls it.
        secure: Whether browsers come over HTTPS, so that cookies must too.
    """
    router = APIRouter(prefix="/session/provider", include_in_schema=False)

    @router.get("")
    def offer() -> Offered:
        """Say whether there is an identity provider."""
        return Offered(name=None if provider is None else name)

    @router.post("")
    def start(origin: PageOrigin, response: Response) -> WithProvider:
        """Begin to sign in."""
        started = _required(provider).start(origin=origin)
        # Lax: it has to come along when the provider sends the browser back.
        response.set_cookie(
            PROVIDER_COOKIE,
            started.cookie,
            max_age=int(2 * CHALLENGE_LASTS.total_seconds()),
            path=CALLBACK,
            httponly=True,
            samesite="lax",
            secure=secure,
        )
        return WithProvider(address=started.address)

    @router.get("/callback")
    def finish(request: Request, cookie: ProviderCookie = None) -> HTMLResponse:
        """Sign in with what the provider answers, and go on to the page.

        By a page of its own, since the session's cookie goes along only where our own page sends the browser.
        """
        asked = request.query_params
        answer = {key: asked[key] for key in asked if len(asked.getlist(key)) == 1}
        try:
            begun = _required(provider).finish(answer, cookie=cookie, browser=browser_of(request))
        except CountenanceError as error:
            page = HTMLResponse(GO_ON.format(words=f"{error} ({error.code})."), status_code=error.http_status)
        else:
            page = HTMLResponse(GO_ON.format(words="You are signed in."), headers={"Refresh": "0; url=/"})
            set_cookies(page, begun, secure=secure)
        page.delete_cookie(PROVIDER_COOKIE, path=CALLBACK, httponly=True, samesite="lax", secure=secure)
        return page

    return router


def _required(provider: ProviderSignIn | None) -> ProviderSignIn:
    """Return the identity provider's sign-in.

    Raises:
        NotFoundError: code `provider-missing`.
    """
    if provider is None:
        raise NotFoundError("there is no identity provider here", code="provider-missing")
    return provider
