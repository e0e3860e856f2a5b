"""Signing in: two factors, nothing said of who exists, nothing that counts twice, nobody locked out by a stranger."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher

from countenance.access.credentials import (
    INVITATION_LASTS,
    SESSION_IDLE,
    SESSION_LONGEST,
    SETTING_UP,
    Credential,
    CredentialKind,
    lookup_of,
)
from countenance.access.model import User
from countenance.access.organisations import cancel, require_operator, suspend
from countenance.access.own import OwnSecurity
from countenance.access.passwords import Passwords
from countenance.access.people import deactivate
from countenance.access.sign_in import Begun, SignIn, Visitor
from countenance.access.throttle import MOST_FAILURES, WINDOW
from countenance.core.errors import CountenanceError, InvalidInputError, NotPermittedError, UnavailableError
from countenance.core.ids import new_id
from countenance.policy.model import Actor, Channel
from tests.integration.access.conftest import NOW, House

PASSWORD = "four quiet harbour cranes"  # noqa: S105 - of people who exist in tests only
LOGIN = "j.doe"


@dataclass(kw_only=True)
class Desk:
    """A house with an examiner who has a password and an authenticator, and a clock that is set by hand."""

    house: House
    examiner: User
    now: datetime = NOW
    sign_in: SignIn = field(init=False)
    own: OwnSecurity = field(init=False)
    authenticator: pyotp.TOTP = field(init=False)

    def __post_init__(self) -> None:
        """Set up with a one-time code, as everybody does."""
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        self.sign_in = SignIn(self.house.directory, passwords, clock=lambda: self.now)
        self.own = OwnSecurity(self.house.directory, passwords, clock=lambda: self.now)
        code = self.sign_in.invite(LOGIN, actor=self.house.operators[0])
        visitor = self.visitor(self.sign_in.by_invitation(LOGIN, code, browser="b").cookie)
        self.own.set_password(visitor, PASSWORD, current="")
        made = self.own.start_authenticator(visitor)
        self.authenticator = pyotp.TOTP(made.secret)
        self.own.confirm_authenticator(visitor, made.secret, self.code())
        self.own.finish_setting_up(visitor)
        self.now += timedelta(minutes=1)

    def visitor(self, cookie: str) -> Visitor:
        """Return who a cookie stands for."""
        visitor = self.sign_in.visitor(cookie)
        assert visitor is not None
        return visitor

    def code(self) -> str:
        """Return what the authenticator shows now."""
        return self.authenticator.at(int(self.now.timestamp()))

    def enter(self, *, password: str = PASSWORD, code: str | None = None, device: str | None = None) -> Begun:
        """Sign in."""
        return self.sign_in.by_password(LOGIN, password, code or self.code(), device=device, browser="b")

    def enter_later(self) -> str:
        """Let a minute pass, so that the authenticator shows another code, sign in, and return the cookie."""
        self.now += timedelta(minutes=1)
        return self.enter().cookie

    def actor(self) -> Actor:
        """Return the examiner as an actor whom nothing narrows."""
        with self.house.directory.reading() as view:
            return self.examiner.acting(view.organisation(self.examiner.org_id), channel=Channel.PAGE)

    def keep(self, kind: CredentialKind, secret: str, **facts: object) -> None:
        """Keep a credential of the examiner's that is found by a secret."""
        made = Credential(
            credential_id=new_id(), user_id=self.examiner.user_id, kind=kind, made_at=self.now, facts=facts
        )
        with self.house.directory.changing() as change:
            change.credentials.add(made, lookup=lookup_of(secret))

    def fails(self, **given: str | None) -> str:
        """Return the code of a sign-in that must fail."""
        with pytest.raises(NotPermittedError) as raised:
            self.enter(**given)
        return raised.value.code


@pytest.fixture
def desk(house: House) -> Desk:
    active = house.admitted()
    return Desk(house=house, examiner=house.person(active.org_id, LOGIN))


def test_a_password_and_a_code_sign_in(desk: Desk) -> None:
    begun = desk.enter()

    visitor = desk.visitor(begun.cookie)
    assert (visitor.user.login, visitor.session.setting_up) == (LOGIN, False)
    assert visitor.actor().org_id == desk.examiner.org_id


def test_each_sign_in_has_a_session_of_its_own(desk: Desk) -> None:
    first = desk.enter()
    desk.now += timedelta(minutes=1)

    assert desk.enter().cookie != first.cookie


def test_a_code_counts_once(desk: Desk) -> None:
    code = desk.code()
    desk.enter(code=code)

    assert desk.fails(code=code) == "sign-in-refused"
    desk.now += timedelta(seconds=30)
    assert desk.fails(code=code) == "sign-in-refused"
    assert desk.enter().cookie


@pytest.mark.parametrize(
    ("given", "later"),
    [
        pytest.param({"password": "four quiet harbour crane"}, 0, id="wrong-password"),
        pytest.param({"password": ""}, 0, id="no-password"),
        pytest.param({"code": "000000"}, 0, id="wrong-code"),
        pytest.param({"code": "\u0661\u0662\u0663\u0664\u0665\u0666"}, 0, id="digits-of-another-script"),
        pytest.param({}, 90, id="stale-code"),
    ],
)
def test_what_does_not_fit_signs_nobody_in(desk: Desk, given: dict[str, str], later: int) -> None:
    entered = {"code": desk.code(), **given}
    desk.now += timedelta(seconds=later)

    assert desk.fails(**entered) == "sign-in-refused"


def test_nobody_is_told_who_exists(desk: Desk) -> None:
    messages = set()

    for login, password in ((LOGIN, "wrong"), ("nobody", PASSWORD), (desk.examiner.user_id, PASSWORD), ("", "")):
        with pytest.raises(NotPermittedError) as raised:
            desk.sign_in.by_password(login, password, desk.code(), device=None, browser="b")
        messages.add((raised.value.code, str(raised.value), raised.value.hint))

    assert len(messages) == 1


def test_a_stranger_who_guesses_locks_out_strangers_only(desk: Desk) -> None:
    device = desk.enter().device
    desk.now += timedelta(minutes=1)

    outcomes = [desk.fails(password="guess", device=None) for _ in range(MOST_FAILURES + 1)]

    assert outcomes == ["sign-in-refused"] * MOST_FAILURES + ["sign-in-slow-down"]
    assert desk.fails(device=None) == "sign-in-slow-down"
    assert desk.fails(device="made-up") == "sign-in-slow-down"
    assert desk.enter(device=device).device is None
    desk.now += WINDOW
    assert desk.enter(device=None).cookie


def test_a_known_browser_guesses_no_more_than_a_stranger(desk: Desk) -> None:
    device = desk.enter().device

    outcomes = [desk.fails(password="guess", device=device) for _ in range(MOST_FAILURES + 1)]

    assert outcomes[-1] == "sign-in-slow-down"


def test_nobodys_login_is_slowed_down_like_somebodys(desk: Desk) -> None:
    codes = []
    for _ in range(MOST_FAILURES + 1):
        with pytest.raises(NotPermittedError) as raised:
            desk.sign_in.by_password("nobody", "guess", "000000", device=None, browser="b")
        codes.append(raised.value.code)

    assert codes == ["sign-in-refused"] * MOST_FAILURES + ["sign-in-slow-down"]


def test_sessions_end_when_idle_and_in_any_case_after_a_shift(desk: Desk) -> None:
    idle = desk.enter().cookie
    desk.now += timedelta(minutes=1)
    busy = desk.enter().cookie
    began = desk.now

    while desk.now - began < SESSION_LONGEST - SESSION_IDLE:
        desk.now += SESSION_IDLE - timedelta(minutes=1)
        assert desk.sign_in.visitor(busy) is not None
    desk.now = began + SESSION_LONGEST

    assert desk.sign_in.visitor(idle) is None
    assert desk.sign_in.visitor(busy) is None


def test_a_session_that_was_ended_is_over_at_once(desk: Desk) -> None:
    cookie = desk.enter().cookie

    desk.sign_in.end(cookie)

    assert desk.sign_in.visitor(cookie) is None


@pytest.mark.parametrize("act", [suspend, cancel], ids=["suspended", "cancelled"])
def test_a_stopped_organisation_is_out_at_once(desk: Desk, act: object) -> None:
    cookie, (_, key) = (
        desk.enter().cookie,
        desk.own.make_key(
            desk.visitor(desk.enter_later()).actor(), name="k", actions=["search"], lasts=timedelta(days=1)
        ),
    )
    assert desk.sign_in.key_holder(key) is not None

    with desk.house.directory.changing() as change:
        act(change, desk.examiner.org_id, reason="r", actor=desk.house.operators[0], at=desk.now)

    desk.now += timedelta(minutes=1)
    assert (desk.sign_in.visitor(cookie), desk.sign_in.key_holder(key)) == (None, None)
    assert desk.fails() == "sign-in-refused"


def test_somebody_who_is_deactivated_is_out_at_once(desk: Desk) -> None:
    cookie = desk.enter().cookie

    with desk.house.directory.changing() as change:
        deactivate(change, desk.examiner.user_id, reason="left", actor=desk.house.operators[0], at=desk.now)

    desk.now += timedelta(minutes=1)
    assert desk.sign_in.visitor(cookie) is None
    assert desk.fails() == "sign-in-refused"
    assert desk.own.credentials(desk.examiner.user_id) == ()


def test_a_new_password_ends_every_other_session(desk: Desk) -> None:
    other = desk.enter().cookie
    mine = desk.visitor(desk.enter_later())

    with pytest.raises(NotPermittedError):
        desk.own.set_password(mine, "a wholly new password", current="wrong")
    desk.own.set_password(mine, "a wholly new password", current=PASSWORD)

    assert desk.sign_in.visitor(other) is None
    desk.now += timedelta(minutes=1)
    assert desk.fails() == "sign-in-refused"
    assert desk.enter(password="a wholly new password").cookie


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "my name is J.Doe!", "x" * 257])
def test_a_weak_password_is_refused(desk: Desk, password: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        desk.own.set_password(desk.visitor(desk.enter().cookie), password, current=PASSWORD)

    assert raised.value.code == "password-weak"


SECRET, OTHER_SECRET = "0f" * 16, "A" * 43


def but(kind: CredentialKind) -> list[CredentialKind]:
    """Return every other kind."""
    return [one for one in CredentialKind if one is not kind]


class TestNoKindCountsAsAnother:
    @pytest.mark.parametrize("kind", CredentialKind)
    def test_each_is_found_as_what_it_is(self, desk: Desk, kind: CredentialKind) -> None:
        desk.keep(kind, SECRET)

        with desk.house.directory.reading() as view:
            found = [one for one in CredentialKind if view.credentials.found(one, lookup_of(SECRET)) is not None]

        assert found == [kind]

    @pytest.mark.parametrize("kind", but(CredentialKind.INVITATION))
    def test_nothing_else_is_a_one_time_code(self, desk: Desk, kind: CredentialKind) -> None:
        desk.keep(kind, SECRET)

        with pytest.raises(NotPermittedError) as raised:
            desk.sign_in.by_invitation(LOGIN, SECRET, browser="b")

        assert raised.value.code == "sign-in-refused"
        assert desk.own.sessions(desk.examiner.user_id) == ()
        with desk.house.directory.reading() as view:
            assert view.credentials.found(kind, lookup_of(SECRET)) is not None

    @pytest.mark.parametrize("kind", but(CredentialKind.DEVICE))
    def test_nothing_else_is_a_browser_that_is_known(self, desk: Desk, kind: CredentialKind) -> None:
        desk.keep(kind, SECRET, hash="of no password")

        outcomes = [desk.fails(password="guess") for _ in range(MOST_FAILURES)]

        assert {*outcomes} == {"sign-in-refused"}
        assert desk.fails(device=SECRET) == "sign-in-slow-down"

    @pytest.mark.parametrize("kind", but(CredentialKind.API_KEY))
    def test_nothing_else_is_an_api_key(self, desk: Desk, kind: CredentialKind) -> None:
        desk.keep(kind, SECRET, sha256=sha256(OTHER_SECRET.encode()).hexdigest(), actions=["search"])

        assert desk.sign_in.key_holder(f"cnt_{SECRET}_{OTHER_SECRET}") is None

    def test_a_look_up_that_is_taken_is_taken_for_every_kind(self, desk: Desk) -> None:
        desk.keep(CredentialKind.PASSKEY, SECRET)

        with pytest.raises(CountenanceError) as raised:
            desk.keep(CredentialKind.IDENTITY, SECRET)

        assert raised.value.code == "credential-exists"

    def test_the_spoken_part_of_an_api_key_signs_nobody_in(self, desk: Desk) -> None:
        _, key = desk.own.make_key(desk.actor(), name="k", actions=["read-policy"], lasts=timedelta(days=1))

        with pytest.raises(NotPermittedError):
            desk.sign_in.by_invitation(LOGIN, key.split("_")[1], browser="b")

        assert desk.sign_in.key_holder(key) is not None


def make_a_key(own: OwnSecurity, actor: Actor) -> object:
    return own.make_key(actor, name="k", actions=["search"], lasts=timedelta(days=1))


def drop_a_credential(own: OwnSecurity, actor: Actor) -> object:
    return own.drop(actor, own.credentials(actor.user_id)[0].credential_id)


def end_a_session(own: OwnSecurity, actor: Actor) -> object:
    return own.end_session(actor, own.sessions(actor.user_id)[0].session_id)


class TestOneTimeCodes:
    @pytest.mark.parametrize("act", [make_a_key, drop_a_credential, end_a_session])
    def test_who_came_with_one_makes_and_ends_nothing_else(
        self, desk: Desk, act: Callable[[OwnSecurity, Actor], object]
    ) -> None:
        code = desk.sign_in.invite(LOGIN, actor=desk.house.operators[0])
        visitor = desk.visitor(desk.sign_in.by_invitation(LOGIN, code, browser="b").cookie)
        before = desk.own.credentials(desk.examiner.user_id), desk.own.sessions(desk.examiner.user_id)

        with pytest.raises(NotPermittedError) as raised:
            act(desk.own, visitor.actor())

        assert raised.value.code == "setting-up"
        assert (desk.own.credentials(desk.examiner.user_id), desk.own.sessions(desk.examiner.user_id)) == before

    def test_an_operator_who_came_with_one_is_none_yet(self, desk: Desk) -> None:
        code = desk.sign_in.invite("operator-1", actor=desk.house.operators[0])
        visitor = desk.visitor(desk.sign_in.by_invitation("operator-1", code, browser="b").cookie)

        with pytest.raises(NotPermittedError) as raised:
            require_operator(visitor.actor())

        assert raised.value.code == "operator-needed"

    def test_it_counts_once_and_only_to_set_up(self, desk: Desk) -> None:
        code = desk.sign_in.invite(LOGIN, actor=desk.house.operators[0])

        begun = desk.sign_in.by_invitation(LOGIN, code, browser="b")

        assert desk.visitor(begun.cookie).session.setting_up
        with pytest.raises(NotPermittedError):
            desk.sign_in.by_invitation(LOGIN, code, browser="b")

    def test_a_new_one_ends_the_one_before(self, desk: Desk) -> None:
        old = desk.sign_in.invite(LOGIN, actor=desk.house.operators[0])
        desk.sign_in.invite(LOGIN, actor=desk.house.operators[0])

        with pytest.raises(NotPermittedError):
            desk.sign_in.by_invitation(LOGIN, old, browser="b")

    def test_it_is_for_one_person_and_for_three_days(self, desk: Desk) -> None:
        code = desk.sign_in.invite(LOGIN, actor=desk.house.operators[0])

        with pytest.raises(NotPermittedError):
            desk.sign_in.by_invitation("operator-1", code, browser="b")
        desk.now += INVITATION_LASTS
        with pytest.raises(NotPermittedError):
            desk.sign_in.by_invitation(LOGIN, code, browser="b")

    def test_setting_up_is_short_and_ends_with_something_to_sign_in_with(self, desk: Desk) -> None:
        desk.house.person(desk.examiner.org_id, "new")
        code = desk.sign_in.invite("new", actor=desk.house.operators[0])
        cookie = desk.sign_in.by_invitation("new", code, browser="b").cookie

        with pytest.raises(NotPermittedError) as raised:
            desk.own.finish_setting_up(desk.visitor(cookie))

        assert raised.value.code == "setting-up-unfinished"
        desk.now += SETTING_UP
        assert desk.sign_in.visitor(cookie) is None


class TestApiKeys:
    def make(self, desk: Desk, **differently: object) -> str:
        facts: dict[str, object] = {"name": "k", "actions": ["search"], "lasts": timedelta(days=1), **differently}
        actor = desk.visitor(desk.enter().cookie).actor()
        return desk.own.make_key(actor, **facts)[1]  # type: ignore[arg-type]

    def test_it_stands_for_its_owner_narrowed(self, desk: Desk) -> None:
        actor = desk.sign_in.key_holder(self.make(desk, actions=["search", "enrol"]))

        assert actor is not None
        assert (actor.user_id, actor.actions) == (desk.examiner.user_id, frozenset({"search", "enrol"}))

    def test_it_ends(self, desk: Desk) -> None:
        key = self.make(desk)
        desk.now += timedelta(days=1)

        assert desk.sign_in.key_holder(key) is None

    def test_another_secret_opens_nothing(self, desk: Desk) -> None:
        key = self.make(desk)
        forged = key[:-1] + ("A" if key[-1] != "A" else "B")

        for wrong in (forged, key[:-1], "", "cnt_" + "0" * 32 + "_" + "A" * 43, key + "\n", "Bearer " + key):
            assert desk.sign_in.key_holder(wrong) is None

    def test_a_key_makes_no_key(self, desk: Desk) -> None:
        actor = desk.sign_in.key_holder(self.make(desk))
        assert actor is not None

        with pytest.raises(NotPermittedError) as raised:
            desk.own.make_key(actor, name="k", actions=["search"], lasts=timedelta(days=1))

        assert raised.value.code == "key-makes-key"

    @pytest.mark.parametrize(
        ("differently", "code"),
        [
            pytest.param({"lasts": timedelta()}, "key-too-long", id="no-time"),
            pytest.param({"lasts": timedelta(days=367)}, "key-too-long", id="for-ever"),
            pytest.param({"actions": []}, "actions-invalid", id="for-nothing"),
            pytest.param({"actions": ["*"]}, "actions-invalid", id="for-everything"),
            pytest.param({"name": ""}, "words-invalid", id="nameless"),
        ],
    )
    def test_a_key_is_bounded(self, desk: Desk, differently: dict[str, object], code: str) -> None:
        with pytest.raises(CountenanceError) as raised:
            self.make(desk, **differently)

        assert raised.value.code == code

    def test_a_revoked_key_is_over_at_once_and_nobody_elses_is_touched(self, desk: Desk) -> None:
        key = self.make(desk)
        [held] = [one for one in desk.own.credentials(desk.examiner.user_id) if one.kind is CredentialKind.API_KEY]

        with pytest.raises(CountenanceError) as raised:
            desk.own.drop(desk.house.operators[0], held.credential_id)
        desk.own.drop(desk.actor(), held.credential_id)

        assert raised.value.code == "credential-unknown"
        assert desk.sign_in.key_holder(key) is None

    def test_what_is_revoked_as_a_key_has_to_be_one(self, desk: Desk) -> None:
        self.make(desk)
        held = {one.kind: one.credential_id for one in desk.own.credentials(desk.examiner.user_id)}

        for kind in held.keys() - {CredentialKind.API_KEY}:
            with pytest.raises(CountenanceError) as raised:
                desk.own.drop(desk.actor(), held[kind], kinds=[CredentialKind.API_KEY])
            assert raised.value.code == "credential-unknown"

        desk.own.drop(desk.actor(), held[CredentialKind.API_KEY], kinds=[CredentialKind.API_KEY])
        assert {one.kind for one in desk.own.credentials(desk.examiner.user_id)} == {
            CredentialKind.PASSWORD,
            CredentialKind.TOTP,
        }


def test_the_last_way_in_is_kept(desk: Desk) -> None:
    [password] = [one for one in desk.own.credentials(desk.examiner.user_id) if one.kind is CredentialKind.PASSWORD]

    with pytest.raises(NotPermittedError) as raised:
        desk.own.drop(desk.actor(), password.credential_id)

    assert raised.value.code == "credential-last"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_secret_is_in_the_file(desk: Desk, tmp_path: Path) -> None:
    begun = desk.enter()
    actor = desk.visitor(desk.enter_later()).actor()
    _, key = desk.own.make_key(actor, name="k", actions=["search"], lasts=timedelta(days=1))
    code = desk.sign_in.invite(LOGIN, actor=desk.house.operators[0])
    desk.house.engine.dispose()

    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    for secret in (begun.cookie, begun.device, key, key[37:], code, desk.authenticator.secret, "argon2id", PASSWORD):
        assert secret is not None
        assert secret.encode() not in held


def noted(desk: Desk, since: int) -> list[tuple[str, str, str, dict[str, object]]]:
    """Return what stands in the audit log from an entry on: action, outcome, who, facts."""
    log = desk.house.audit
    documents = map(json.loads, log.entries(since, log.head().size))
    return [(one["action"], one["outcome"], one["actor"]["user"], one["facts"]) for one in documents]


def size(desk: Desk) -> int:
    """Return how many entries the audit log has."""
    return desk.house.audit.head().size


class TestEntries:
    def test_signing_in_and_out_stands_in_the_audit_log(self, desk: Desk) -> None:
        before = size(desk)
        cookie = desk.enter().cookie
        session = desk.visitor(cookie).session.session_id

        desk.sign_in.end(cookie)

        user = desk.examiner.user_id
        assert noted(desk, before) == [
            ("sign-in", "done", user, {"session": session, "with": "password"}),
            ("session-ended", "done", user, {"session": session, "why": "signed-out"}),
        ]

    def test_what_fails_stands_there_with_a_fingerprint_of_the_login(self, desk: Desk) -> None:
        before = size(desk)
        desk.fails(password="wrong")
        for login in ("nobody.here", "nobody.here", "nobody.else"):
            with pytest.raises(NotPermittedError):
                desk.sign_in.by_password(login, PASSWORD, "000000", device=None, browser="b")

        own, first, second, other = noted(desk, before)
        assert own[:3] == ("sign-in", "refused", "nobody")
        assert own[3]["user"] == desk.examiner.user_id
        assert first == second != other
        assert first[3]["user"] is None
        assert "nobody.here" not in str(first)

    def test_a_lock_out_stands_there_once(self, desk: Desk) -> None:
        before = size(desk)
        for _ in range(MOST_FAILURES + 3):
            desk.fails(password="wrong")

        actions = [action for action, *_ in noted(desk, before)]
        assert actions == [*["sign-in"] * MOST_FAILURES, "sign-in-lock-out"]

    def test_strangers_who_try_codes_don_t_fill_the_log(self, desk: Desk) -> None:
        before = size(desk)
        for _ in range(MOST_FAILURES + 5):
            with pytest.raises(NotPermittedError):
                desk.sign_in.by_invitation(LOGIN, "0" * 32, browser="b")

        assert [entry[3]["with"] for entry in noted(desk, before)] == ["one-time-code"] * MOST_FAILURES

    def test_what_one_signs_in_with_stands_there_when_it_changes(self, desk: Desk) -> None:
        first, actor = desk.visitor(desk.enter().cookie), desk.visitor(desk.enter_later()).actor()
        second = next(one for one in desk.own.sessions(actor.user_id) if one != first.session)
        before = size(desk)

        desk.own.set_password(first, "five quiet harbour cranes", current=PASSWORD)
        key, secret = desk.own.make_key(actor, name="nightly", actions={"search"}, lasts=timedelta(days=1))
        desk.own.drop(actor, key.credential_id)

        assert [(action, facts.get("kind", facts.get("why"))) for action, _, _, facts in noted(desk, before)] == [
            ("credential-removed", "password"),
            ("credential-added", "password"),
            ("session-ended", "password-set"),
            ("credential-added", "api-key"),
            ("credential-removed", "api-key"),
        ]
        made = noted(desk, before)[3][3]
        assert (made["credential"], made["actions"]) == (key.credential_id, ["search"])
        assert noted(desk, before)[2][3]["session"] == second.session_id
        assert not {"nightly", secret} & set(str(made).split("'"))

    @pytest.mark.parametrize("database", ["sqlite"], indirect=True)
    def test_where_the_log_takes_no_entry_nobody_gets_in(self, desk: Desk, tmp_path: Path) -> None:
        held = sqlite3.connect(tmp_path / "records.sqlite3")
        held.execute("CREATE TRIGGER full BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'full'); END")
        held.commit()

        with pytest.raises(UnavailableError) as raised:
            desk.enter()

        held.close()
        assert raised.value.code == "audit-unwritable"
        assert desk.own.sessions(desk.examiner.user_id) == ()
