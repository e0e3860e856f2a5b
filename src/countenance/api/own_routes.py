"""What people keep of their own, on the page: password, authenticator, API keys, sessions."""

import io
from datetime import timedelta
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from countenance.access.own import OwnSecurity
from countenance.access.passkeys import Passkeys
from countenance.access.rendering import credential_json, session_json
from countenance.api.visitors import CurrentVisitor, PageOrigin

Secret = Annotated[SecretStr, Field(max_length=1024)]
Word = Annotated[str, Field(max_length=256)]


class _Body(BaseModel):
    """What the page sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewPassword(_Body):
    """A new password, with the one that it replaces."""

    password: Secret
    current: Secret = SecretStr("")


class AuthenticatorCode(_Body):
    """A code of an authenticator that was set up just now."""

    secret: Secret
    code: Secret


class NewKey(_Body):
    """A key to be made."""

    name: Word
    actions: Annotated[list[Word], Field(max_length=100)]
    days: Annotated[int, Field(ge=0, le=36_525)]


class NewPasskey(_Body):
    """A passkey that the browser made, as `PublicKeyCredential.toJSON()` gives it."""

    name: Word
    credential: dict[str, Any]


def own_router(own: OwnSecurity, passkeys: Passkeys) -> APIRouter:
    """Make the routes; each is about whoever is signed in, and nobody else."""
    router = APIRouter(prefix="/own", include_in_schema=False)
    _add_sign_in(router, own)
    _add_passkeys(router, passkeys)
    _add_keys(router, own)
    return router


def _add_sign_in(router: APIRouter, own: OwnSecurity) -> None:
    """Add the routes of password, authenticator and what is listed."""

    @router.get("/security")
    def show(visitor: CurrentVisitor) -> Any:
        """List what they sign in with, and where they are signed in."""
        user_id = visitor.user.user_id
        return {
            "login": visitor.user.login,
            "credentials": [credential_json(one) for one in own.credentials(user_id)],
            "sessions": [session_json(one, visitor.session) for one in own.sessions(user_id)],
        }

    @router.put("/password", status_code=204, response_class=Response)
    def set_password(given: NewPassword, visitor: CurrentVisitor) -> None:
        """Set a password."""
        own.set_password(visitor, given.password.get_secret_value(), current=given.current.get_secret_value())

    @router.post("/authenticator")
    def start_authenticator(visitor: CurrentVisitor) -> Any:
        """Make a secret for an authenticator, and the picture that its program reads."""
        made = own.start_authenticator(visitor)
        picture = io.BytesIO()
        segno.make(made.uri, error="m").save(picture, kind="svg", xmldecl=False, scale=5, border=4, light="white")
        return {"secret": made.secret, "uri": made.uri, "picture": picture.getvalue().decode()}

    @router.put("/authenticator", status_code=204, response_class=Response)
    def confirm_authenticator(given: AuthenticatorCode, visitor: CurrentVisitor) -> None:
        """Let the authenticator count."""
        own.confirm_authenticator(visitor, given.secret.get_secret_value(), given.code.get_secret_value())

    @router.post("/ready", status_code=204, response_class=Response)
    def finish(visitor: CurrentVisitor) -> None:
        """End the session that a one-time code began."""
        own.finish_setting_up(visitor)


def _add_passkeys(router: APIRouter, passkeys: Passkeys) -> None:
    """Add the routes of registering a passkey."""

    @router.post("/passkeys/options")
    def passkey_options(visitor: CurrentVisitor, origin: PageOrigin) -> Any:
        """Return what the browser needs to make one."""
        return passkeys.registration(visitor, origin=origin)

    @router.post("/passkeys", status_code=201)
    def register_passkey(given: NewPasskey, visitor: CurrentVisitor, origin: PageOrigin) -> Any:
        """Keep one that the browser made."""
        return credential_json(passkeys.register(visitor, given.credential, name=given.name, origin=origin))


def _add_keys(router: APIRouter, own: OwnSecurity) -> None:
    """Add the routes of API keys, and of ending what there is."""

    @router.post("/keys", status_code=201)
    def make_key(given: NewKey, visitor: CurrentVisitor) -> Any:
        """Make an API key; it is shown this once."""
        made, key = own.make_key(
            visitor.actor(), name=given.name, actions=given.actions, lasts=timedelta(days=given.days)
        )
        return {**credential_json(made), "key": key}

    @router.delete("/credentials/{credential_id}", status_code=204, response_class=Response)
    def drop(credential_id: str, visitor: CurrentVisitor) -> None:
        """Forget a credential, at once."""
        own.drop(visitor.actor(), credential_id)

    @router.delete("/sessions/{session_id}", status_code=204, response_class=Response)
    def end_session(session_id: str, visitor: CurrentVisitor) -> None:
        """End a session, at once."""
        own.end_session(visitor.actor(), session_id)
