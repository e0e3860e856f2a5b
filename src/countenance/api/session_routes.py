"""Signing in and out on the web page: a cookie that no script can read."""

from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from countenance.access.credentials import SESSION_LONGEST
from countenance.access.passkeys import Passkeys
from countenance.access.sign_in import DEVICE_LASTS, Begun, SignIn
from countenance.api.visitors import DEVICE_COOKIE, SESSION_COOKIE, PageOrigin
from countenance.policy.model import Role

Word = Annotated[str, Field(max_length=256)]
Secret = Annotated[SecretStr, Field(max_length=1024)]
SessionCookie = Annotated[str | None, Cookie(alias=SESSION_COOKIE)]
DeviceCookie = Annotated[str | None, Cookie(alias=DEVICE_COOKIE)]


class _Body(BaseModel):
    """What the page sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PasswordSignIn(_Body):
    """A login with its password and a code of the authenticator."""

    login: Word
    password: Secret
    code: Secret


class InvitationSignIn(_Body):
    """A login with a one-time code."""

    login: Word
    code: Secret


class PasskeyAnswer(_Body):
    """What the browser's passkey signed, as `PublicKeyCredential.toJSON()` gives it."""

    credential: dict[str, Any]


class SignedIn(_Body):
    """Who is signed in.

    Attributes:
        setting_up: They came with a one-time code and have to set what they sign in with.
    """

    signed_in: bool
    setting_up: bool = False
    user_id: str | None = None
    login: str | None = None
    roles: tuple[Role, ...] = ()


def session_router(sign_in: SignIn, passkeys: Passkeys, *, secure: bool) -> APIRouter:
    """Make the routes of signing in and out. The guard has made sure that they are called by our own page.

    Args:
        sign_in: Lets people in.
        passkeys: Lets people in with theirs.
        secure: Whether browsers come over HTTPS, so that cookies must too.
    """
    router = APIRouter(prefix="/session", include_in_schema=False)

    @router.post("", status_code=204, response_class=Response)
    def by_password(given: PasswordSignIn, request: Request, response: Response, device: DeviceCookie = None) -> None:
        """Sign in with a password and a code."""
        password, code = given.password.get_secret_value(), given.code.get_secret_value()
        begun = sign_in.by_password(given.login, password, code, device=device, browser=browser_of(request))
        set_cookies(response, begun, secure=secure)

    @router.post("/invitation", status_code=204, response_class=Response)
    def by_invitation(given: InvitationSignIn, request: Request, response: Response) -> None:
        """Sign in with a one-time code, to set a password or a passkey."""
        begun = sign_in.by_invitation(given.login, given.code.get_secret_value(), browser=browser_of(request))
        set_cookies(response, begun, secure=secure)

    @router.post("/passkey/options")
    def passkey_options(origin: PageOrigin) -> Any:
        """Return what the browser needs to sign in with a passkey."""
        return passkeys.sign_in_options(origin=origin)

    @router.post("/passkey", status_code=204, response_class=Response)
    def by_passkey(given: PasskeyAnswer, request: Request, response: Response, origin: PageOrigin) -> None:
        """Sign in with a passkey."""
        begun = passkeys.sign_in(given.credential, origin=origin, browser=browser_of(request))
        set_cookies(response, begun, secure=secure)

    @router.get("")
    def show_session(cookie: SessionCookie = None) -> SignedIn:
        """Say who is signed in."""
        visitor = None if cookie is None else sign_in.visitor(cookie)
        if visitor is None:
            return SignedIn(signed_in=False)
        return SignedIn(
            signed_in=True,
            setting_up=visitor.session.setting_up,
            user_id=visitor.user.user_id,
            login=visitor.user.login,
            roles=tuple(sorted(visitor.user.roles)),
        )

    @router.delete("", status_code=204, response_class=Response)
    def sign_out(response: Response, cookie: SessionCookie = None) -> None:
        """End the session."""
        if cookie is not None:
            sign_in.end(cookie)
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict", secure=secure)

    return router


def browser_of(request: Request) -> str:
    """Return what the browser says it is, printable signs only."""
    return "".join(sign for sign in request.headers.get("user-agent", "") if sign.isprintable())


def set_cookies(response: Response, begun: Begun, *, secure: bool) -> None:
    """Give the browser its session, never the one that it brought, and what it is known by from now on."""
    cookies = {SESSION_COOKIE: (begun.cookie, SESSION_LONGEST), DEVICE_COOKIE: (begun.device, DEVICE_LASTS)}
    for name, (value, lasts) in cookies.items():
        if value is not None:
            response.set_cookie(
                name,
                value,
                max_age=int(lasts.total_seconds()),
                path="/",
                httponly=True,
                samesite="strict",
                secure=secure,
            )
