"""What people sign in with, and what follows from it: credentials, sessions, challenges."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SESSION_IDLE = timedelta(minutes=30)
"""A session that nobody uses for half an hour ends: a desk left alone is not a key left behind."""

SESSION_LONGEST = timedelta(hours=12)
"""No session outlives a long shift."""

SETTING_UP = timedelta(minutes=15)
"""How long a session lasts that began with a one-time code and may only set a password or a passkey."""

INVITATION_LASTS = timedelta(days=3)

CHALLENGE_LASTS = timedelta(minutes=5)


class CredentialKind(StrEnum):
    """What somebody proves with who they are."""

    PASSWORD = "password"  # noqa: S105 - a kind's name
    TOTP = "totp"
    PASSKEY = "passkey"
    IDENTITY = "identity"
    API_KEY = "api-key"
    INVITATION = "invitation"
    DEVICE = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One of somebody's credentials.

    Attributes:
        counter: Only rises: a TOTP code's time step, a passkey's signature counter.
        facts: What its kind needs, JSON types only; sealed where it is kept.
    """

    credential_id: str
    user_id: str
    kind: CredentialKind
    made_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    counter: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def over(self, at: datetime) -> bool:
        """Return whether it counts no more."""
        return self.expires_at is not None and self.expires_at <= at


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSession:
    """Somebody signed in on the web page.

    Attributes:
        setting_up: It began with a one-time code and may only set a password or a passkey.
        browser: What the browser says it is.
    """

    session_id: str
    user_id: str
    began_at: datetime
    used_at: datetime
    setting_up: bool
    browser: str

    def over(self, at: datetime) -> bool:
        """Return whether its time has run out."""
        longest = SETTING_UP if self.setting_up else SESSION_LONGEST
        return at - self.used_at >= SESSION_IDLE or at - self.began_at >= longest


def new_secret() -> str:
    """Return 256 random bits for a cookie or a key."""
    return secrets.token_urlsafe(32)


def lookup_of(secret: str) -> bytes:
    """Return what a random secret is kept and found by. No salt or slow hash: nobody can guess 128 random bits."""
    return hashlib.sha256(secret.encode()).digest()
