"""An OpenID Connect provider, behind the port of signing in. Tokens are checked by joserfc.

Source:
    OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3; OpenID Connect Discovery 1.0, section 4.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from countenance.access.provider import Attempt, Identity
from countenance.adapters.addresses import is_local, is_trusted
from countenance.core.errors import UnavailableError

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Signatures by a key that the provider keeps. Never `none`, and never one by a secret that others know (HS256)."""

TIMEOUT_S: Final = 10.0

LEEWAY_S: Final = 60
"""How far the provider's clock may be off."""

OLDEST_TOKEN_S: Final = 600
"""A token is of now: the code that it was got for lasts minutes."""

MOST_BYTES: Final = 1 << 20
"""Longest answer of a provider."""


class OidcProvider:
    """Implements `IdentityProvider` with discovery, PKCE and a code exchange. Thread-safe.

    What it says of itself and its keys are read anew for each sign-in: keys that it took back count at once no more.
    """

    def __init__(
        self, issuer: str, *, client_id: str, client_secret: str | None, clock: Callable[[], float] = time.time
    ) -> None:
        """Keep what is agreed with the provider.

        Args:
            issuer: An `https` address; `http` on this machine alone.
            client_id: What it knows us by.
            client_secret: Sent as HTTP basic authentication; None for a client without.
            clock: s since 1970.
        """
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock

    def address(self, attempt: Attempt) -> str:
        """See the port."""
        with self._http() as http:
            asked = self._discovered(http)["authorization_endpoint"]
        parameters = {
            "response_type": "code",
            "scope": "openid email",
            "client_id": self._client_id,
            "redirect_uri": attempt.redirect_uri,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return f"{asked}{'&' if urlsplit(asked).query else '?'}{urlencode(parameters)}"

    def identity(self, attempt: Attempt, code: str) -> Identity | None:
        """See the port."""
        with self._http() as http:
            provider = self._discovered(http)
            token = self._exchanged(http, provider["token_endpoint"], attempt, code)
            if token is None:
                return None
            keys = cast("KeySetSerialization", self._read(http, provider["jwks_uri"]))
        claims = self._claims(token, keys, attempt)
        if claims is None:
            return None
        email = claims.get("email") if claims.get("email_verified") is True else None
        return Identity(
            issuer=self.issuer, subject=claims["sub"], email=email if isinstance(email, str) and email else None
        )

    def _claims(self, token: str, keys: KeySetSerialization, attempt: Attempt) -> Mapping[str, Any] | None:
        """Return what a token says, if all of it is right.

        1. It is signed by a key of the provider, by an algorithm of ALGORITHMS.
        2. Issuer, audience and nonce are these, it is of now, and names somebody.
        3. Where it is for others too, it was given out to us.
        """
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self._client_id},
            nonce={"essential": True, "value": attempt.nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims  # 1
            registry.validate(claims)  # 2
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            return None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        given_to = claims.get("azp", None if several else self._client_id)
        fresh = self._clock() - claims["iat"] <= OLDEST_TOKEN_S + LEEWAY_S
        return claims if given_to == self._client_id and fresh else None  # 3

    def _exchanged(self, http: httpx.Client, endpoint: str, attempt: Attempt, code: str) -> str | None:
        """Exchange a code for an ID token; None where the provider refuses it."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
            "client_id": self._client_id,
        }
        auth = httpx.Auth()
        if self._client_secret is not None:
            # Each part encoded: RFC 6749, section 2.3.1.
            auth = httpx.BasicAuth(quote_plus(self._client_id), quote_plus(self._client_secret))
        try:
            answer = http.post(endpoint, data=form, auth=auth)
            if 400 <= answer.status_code < 500:
                return None
            token = answer.raise_for_status().json()["id_token"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise _unavailable(error) from None
        return token if isinstance(token, str) else None

    def _discovered(self, http: httpx.Client) -> dict[str, str]:
        """Return where the provider's endpoints are, by its own word, all on addresses that may be trusted."""
        said = self._read(http, f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != self.issuer:
            raise _unavailable("it calls itself another issuer")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(said.get(name), str) and is_trusted(said[name]) for name in names):
            raise _unavailable("its endpoints are missing, or not on https")
        return {name: said[name] for name in names}

    def _read(self, http: httpx.Client, url: str) -> dict[str, Any]:
        """Read a JSON object."""
        try:
            answer = http.get(url).raise_for_status()
            if len(answer.content) > MOST_BYTES:
                raise _unavailable("it says too much")
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unavailable(error) from None
        if not isinstance(said, dict):
            raise _unavailable("it answers with something else")
        return said

    def _http(self) -> httpx.Client:
        """Open a client that follows no redirect, and no proxy of the environment on its way to this machine."""
        return httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=not is_local(self.issuer))


def _unavailable(why: object) -> UnavailableError:
    return UnavailableError(
        f"the identity provider can't be asked: {type(why).__name__ if isinstance(why, Exception) else why}",
        code="provider-unavailable",
        hint="try again, or sign in with a passkey or a password; operators: check COUNTENANCE_OIDC_ISSUER",
    )
