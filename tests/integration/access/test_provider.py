"""Signing in with an identity provider: a real one on loopback, which may lie, and people on record."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from countenance.access.credentials import Credential, CredentialKind
from countenance.access.founding import FIRST_OPERATORS
from countenance.access.model import User
from countenance.access.organisations import suspend
from countenance.access.people import deactivate
from countenance.access.provider import Identity, ProviderSignIn, Started, identity_key
from countenance.access.sign_in import Begun
from countenance.adapters.oidc import OidcProvider
from countenance.core.errors import ConflictError, InvalidInputError, NotPermittedError, UnavailableError
from countenance.core.ids import new_id
from tests.integration.access.conftest import NOW, House
from tests.oidc_provider import CLIENT, SECRET, Claims, Provider, running

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ORIGIN = "https://faces.example.org"
LOGIN = "j.doe@harbour.example"


@dataclass(kw_only=True)
class Door:
    """A house with an examiner, and a provider that knows them."""

    house: House
    provider: Provider
    examiner: User
    org_id: str
    now: datetime = NOW
    sign_in: ProviderSignIn = field(init=False)

    def __post_init__(self) -> None:
        self.sign_in = self.joined(by_email=False)
        self.sign_in.bind(LOGIN, "00u1", actor=self.house.operators[0])

    def joined(self, *, by_email: bool, secret: str = SECRET) -> ProviderSignIn:
        """Join the house and the provider."""
        provider = OidcProvider(self.provider.issuer, client_id=CLIENT, client_secret=secret)
        return ProviderSignIn(self.house.directory, provider, by_email=by_email, clock=lambda: self.now)

    def answered(self, sign_in: ProviderSignIn | None = None) -> tuple[Started, dict[str, str]]:
        """Begin, and let the provider answer."""
        started = (sign_in or self.sign_in).start(origin=ORIGIN)
        back = httpx.get(started.address, trust_env=False).headers["location"]
        assert back.startswith(f"{ORIGIN}/session/provider/callback?")
        return started, {name: value for name, [value] in parse_qs(urlsplit(back).query).items()}

    def enter(self, sign_in: ProviderSignIn | None = None, **differently: str) -> Begun:
        """Sign in."""
        chosen = sign_in or self.sign_in
        started, answer = self.answered(chosen)
        return chosen.finish({**answer, **differently}, cookie=started.cookie, browser="b")

    def refused(self, sign_in: ProviderSignIn | None = None, **differently: str) -> None:
        """Fail to sign in."""
        with pytest.raises(NotPermittedError) as raised:
            self.enter(sign_in, **differently)
        assert raised.value.code == "sign-in-refused"

    def sessions(self) -> int:
        """Return how many sessions the examiner has."""
        with self.house.directory.reading() as view:
            return len(view.sessions.of(self.examiner.user_id))


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running() as one:
        yield one


@pytest.fixture
def door(house: House, provider: Provider) -> Door:
    provider.claims, provider.change, provider.sign = {"sub": "00u1"}, lambda claims: claims, None
    active = house.admitted()
    return Door(house=house, provider=provider, examiner=house.person(active.org_id, LOGIN), org_id=active.org_id)


def test_whom_the_provider_names_and_an_operator_bound_is_let_in(door: Door) -> None:
    door.enter()

    log = door.house.audit
    [*_, last] = map(json.loads, log.entries(0, log.head().size))
    assert door.sessions() == 1
    assert (last["action"], last["actor"]["user"]) == ("sign-in", door.examiner.user_id)
    assert last["facts"]["with"] == "provider"


def test_the_question_carries_pkce_a_nonce_and_the_exact_address(door: Door) -> None:
    door.answered()
    first = door.provider.asked
    door.answered()

    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == f"{ORIGIN}/session/provider/callback"
    assert all(first[name] != door.provider.asked[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"nonce": "another"}, id="another-nonce"),
        pytest.param({"nonce": None}, id="no-nonce"),
        pytest.param({"iss": "https://other.example"}, id="another-issuer"),
        pytest.param({"aud": "another-client"}, id="another-audience"),
        pytest.param({"aud": [CLIENT, "another-client"]}, id="several-audiences-and-nobody-named"),
        pytest.param({"aud": [CLIENT, "another-client"], "azp": "another-client"}, id="given-out-to-another"),
        pytest.param({"azp": "another-client"}, id="one-audience-given-out-to-another"),
        pytest.param({"exp": int(time.time()) - 3600}, id="expired"),
        pytest.param({"exp": None}, id="never-expires"),
        pytest.param({"iat": int(time.time()) - 7200}, id="old"),
        pytest.param({"iat": int(time.time()) + 7200}, id="of-tomorrow"),
        pytest.param({"nbf": int(time.time()) + 7200}, id="not-yet"),
        pytest.param({"sub": None}, id="about-nobody"),
        pytest.param({"sub": "00u2"}, id="about-somebody-who-is-not-on-record"),
        pytest.param({"sub": 1}, id="about-a-number"),
    ],
)
def test_a_token_that_says_anything_else_lets_nobody_in(door: Door, change: Mapping[str, object]) -> None:
    door.provider.change = lambda claims: {
        name: value for name, value in {**claims, **change}.items() if value is not None
    }

    door.refused()
    assert door.sessions() == 0


def by_hand(claims: Claims, algorithm: str, secret: bytes | None) -> str:
    """Make a token as no honest library would."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = ".".join(part(json.dumps(one).encode()) for one in ({"alg": algorithm, "kid": "now"}, claims))
    signature = b"" if secret is None else hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{part(signature)}"


def unsigned(_: Provider) -> Callable[[Claims], str]:
    """Sign with nothing."""
    return lambda claims: by_hand(claims, "none", None)


def by_public_key(provider: Provider) -> Callable[[Claims], str]:
    """Sign with the provider's public key as if it were a shared secret."""
    return lambda claims: by_hand(claims, "HS256", provider.key.as_pem(private=False))


def by_client_secret(_: Provider) -> Callable[[Claims], str]:
    """Sign with the client's secret, which the provider's tokens are not signed with."""
    return lambda claims: by_hand(claims, "HS256", SECRET.encode())


def by_another_key(_: Provider) -> Callable[[Claims], str]:
    """Sign with a key of one's own under the provider's key's name."""
    key = RSAKey.generate_key(2048, {"kid": "now"})
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "now"}, claims, key)


def with_own_key_inside(_: Provider) -> Callable[[Claims], str]:
    """Sign with a key of one's own that the token brings along."""
    key = ECKey.generate_key("P-256")
    return lambda claims: jwt.encode({"alg": "ES256", "jwk": key.as_dict(private=False)}, claims, key)


@pytest.mark.parametrize(
    "attack",
    [unsigned, by_public_key, by_client_secret, by_another_key, with_own_key_inside, lambda _: lambda _: "a.b"],
)
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    door: Door, attack: Callable[[Provider], Callable[[Claims], str]]
) -> None:
    door.provider.sign = attack(door.provider)

    door.refused()


def test_an_answer_counts_once(door: Door) -> None:
    started, answer = door.answered()
    door.sign_in.finish(answer, cookie=started.cookie, browser="b")

    with pytest.raises(NotPermittedError):
        door.sign_in.finish(answer, cookie=started.cookie, browser="b")
    assert door.sessions() == 1


def test_a_code_of_another_sign_in_lets_nobody_in(door: Door) -> None:
    _, stolen = door.answered()

    door.refused(code=stolen["code"])


def test_an_answer_of_another_provider_lets_nobody_in(door: Door) -> None:
    door.refused(iss="https://other.example")


@pytest.mark.parametrize("answer", [{"state": "never asked"}, {"state": ""}, {"error": "access_denied"}])
def test_an_answer_to_no_question_or_a_refusal_lets_nobody_in(door: Door, answer: dict[str, str]) -> None:
    door.refused(**answer)


@pytest.mark.parametrize("cookie", [None, "another browser's"])
def test_an_answer_that_another_browser_brings_lets_nobody_in(door: Door, cookie: str | None) -> None:
    _, answer = door.answered()

    with pytest.raises(NotPermittedError):
        door.sign_in.finish(answer, cookie=cookie, browser="b")


def test_a_late_answer_lets_nobody_in(door: Door) -> None:
    started, answer = door.answered()
    door.now += timedelta(minutes=11)

    with pytest.raises(NotPermittedError):
        door.sign_in.finish(answer, cookie=started.cookie, browser="b")


def test_who_was_stopped_is_not_let_in(door: Door) -> None:
    with door.house.directory.changing() as change:
        suspend(change, door.org_id, reason="r", actor=door.house.operators[0], at=NOW)

    door.refused()


def test_who_was_deactivated_is_not_let_in(door: Door) -> None:
    with door.house.directory.changing() as change:
        deactivate(change, door.examiner.user_id, reason="r", actor=door.house.operators[0], at=NOW)

    door.refused()


@pytest.mark.parametrize("kind", [one for one in CredentialKind if one is not CredentialKind.IDENTITY])
@pytest.mark.parametrize("by_email", [False, True])
def test_no_other_credential_counts_as_an_identity(door: Door, kind: CredentialKind, by_email: bool) -> None:
    somebody = door.house.person(door.org_id, "m.roe@harbour.example")
    door.provider.claims = {"sub": "00u9", "email": "m.roe@harbour.example", "email_verified": True}
    key = identity_key(Identity(issuer=door.provider.issuer, subject="00u9", email=None))
    held = Credential(credential_id=new_id(), user_id=somebody.user_id, kind=kind, made_at=NOW)
    with door.house.directory.changing() as change:
        change.credentials.add(held, lookup=key)

    door.refused(door.joined(by_email=by_email))


class TestVerifiedAddresses:
    def test_one_that_is_a_login_binds_once(self, door: Door, house: House) -> None:
        other = house.person(door.org_id, "m.roe@harbour.example")
        by_email = door.joined(by_email=True)
        door.provider.claims = {"sub": "00u9", "email": "M.Roe@harbour.example", "email_verified": True}

        door.enter(by_email)
        door.provider.claims["email"] = "changed@harbour.example"
        door.enter(by_email)
        door.provider.claims = {"sub": "00u10", "email": "m.roe@harbour.example", "email_verified": True}
        door.refused(by_email)

        with house.directory.reading() as view:
            [bound] = view.credentials.of(other.user_id, CredentialKind.IDENTITY)
        assert bound.facts["subject"] == "00u9"

    @pytest.mark.parametrize("verified", [False, None, "true", 1])
    def test_one_that_is_not_verified_binds_nobody(self, door: Door, house: House, verified: object) -> None:
        house.person(door.org_id, "m.roe@harbour.example")
        door.provider.claims = {"sub": "00u9", "email": "m.roe@harbour.example", "email_verified": verified}

        door.refused(door.joined(by_email=True))

    def test_none_binds_where_that_is_not_set(self, door: Door, house: House) -> None:
        house.person(door.org_id, "m.roe@harbour.example")
        door.provider.claims = {"sub": "00u9", "email": "m.roe@harbour.example", "email_verified": True}

        door.refused()

    def test_none_makes_an_operator(self, door: Door) -> None:
        door.provider.claims = {"sub": "00u9", "email": FIRST_OPERATORS[0], "email_verified": True}

        door.refused(door.joined(by_email=True))


class TestBinding:
    def test_an_earlier_one_ends(self, door: Door) -> None:
        door.sign_in.bind(LOGIN, "00u7", actor=door.house.operators[0])

        door.refused()
        door.provider.claims = {"sub": "00u7"}
        door.enter()

    def test_one_identity_is_one_person_s(self, door: Door) -> None:
        door.house.person(door.org_id, "m.roe")

        with pytest.raises(ConflictError) as raised:
            door.sign_in.bind("m.roe", "00u1", actor=door.house.operators[0])
        assert raised.value.code == "credential-exists"

    @pytest.mark.parametrize("subject", ["", "a\0b", "\u0430", "x" * 256])
    def test_what_is_no_subject_is_refused(self, door: Door, subject: str) -> None:
        with pytest.raises(InvalidInputError) as raised:
            door.sign_in.bind(LOGIN, subject, actor=door.house.operators[0])
        assert raised.value.code == "subject-invalid"


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "http://198.51.100.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_says_strange_things_of_itself_is_not_asked(
    door: Door, said: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = door.provider.discovery()
    monkeypatch.setattr(door.provider, "discovery", lambda: {**usual, **said})

    with pytest.raises(UnavailableError) as raised:
        door.sign_in.start(origin=ORIGIN)
    assert raised.value.code == "provider-unavailable"


def test_a_wrong_client_secret_lets_nobody_in(door: Door) -> None:
    door.refused(door.joined(by_email=False, secret="wrong"))
