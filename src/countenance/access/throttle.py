"""How often a sign-in may fail. A stranger who guesses locks out strangers, never a browser that signed in before."""

import hashlib
from datetime import datetime, timedelta

from countenance.access.ports import Failures
from countenance.core.errors import NotPermittedError

WINDOW = timedelta(minutes=15)

MOST_FAILURES = 10
"""For one login from strangers, or from one known browser, in the window."""

MOST_FAILURES_OF_ALL = 300
"""For all logins together from strangers: who tries one password on everybody is slowed down too."""

EVERYBODY = hashlib.sha256(b"everybody").digest()
ENTRIES_OF_ALL = hashlib.sha256(b"entries of all").digest()


def bucket_of(login_key: bytes, device: bytes | None) -> bytes:
    """Return where failures are counted: of a login by strangers, or of a known browser by itself.

    Args:
        login_key: The login's fingerprint.
        device: What the browser's device cookie is found by, where it is known for this login; None is a stranger.

    Source:
        OWASP, "Slow down online guessing attacks with device cookies".
    """
    return hashlib.sha256(login_key + (device or b"")).digest()


def check_rate(failures: Failures, bucket: bytes, *, known: bool, at: datetime) -> None:
    """Refuse to look at a password where too many failed lately.

    Raises:
        NotPermittedError: code `sign-in-slow-down`, the same for logins that are nobody's.
    """
    since = at - WINDOW
    too_many = failures.count(bucket, since=since) >= MOST_FAILURES
    if not known:
        too_many = too_many or failures.count(EVERYBODY, since=since) >= MOST_FAILURES_OF_ALL
    if too_many:
        raise NotPermittedError(
            "too many sign-ins failed lately",
            code="sign-in-slow-down",
            hint=f"wait {WINDOW.seconds // 60} minutes, or use a passkey or a browser that signed in before",
        )


def note_failure(failures: Failures, bucket: bytes, *, known: bool, at: datetime) -> bool:
    """Count a sign-in that failed, and return whether it was the last one before passwords are not looked at."""
    for one in (bucket,) if known else (bucket, EVERYBODY):
        failures.add(one, at=at, keep_since=at - WINDOW)
    return failures.count(bucket, since=at - WINDOW) == MOST_FAILURES


def worth_an_entry(failures: Failures, tried: bytes, *, at: datetime) -> bool:
    """Count a failure that nobody is locked out for, and return whether the audit log should say so.

    Codes and passkeys can't be guessed, so that no limit is put on trying. The log of what strangers try is limited.

    Args:
        failures: Those of one transaction.
        tried: Stands for what was tried.
        at: When.
    """
    since = at - WINDOW
    bucket = hashlib.sha256(b"entry" + tried).digest()
    limits = {bucket: MOST_FAILURES, ENTRIES_OF_ALL: MOST_FAILURES_OF_ALL}
    if any(failures.count(one, since=since) >= most for one, most in limits.items()):
        return False
    for one in limits:
        failures.add(one, at=at, keep_since=since)
    return True
