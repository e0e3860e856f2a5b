"""Sessions of the web page: random, kept in memory as hashes only, ended by time or by hand."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "countenance_session"

IDLE_SECONDS = 30 * 60
"""A session that nobody uses for half an hour ends: a desk left alone is not a key left behind."""

LONGEST_SECONDS = 12 * 60 * 60
"""No session outlives a long shift."""

MOST_SESSIONS = 100
"""Sessions at a time; one more ends the one that was idle longest."""


@dataclass(slots=True)
class _Times:
    """When a session began and was last used, s of the clock."""

    began: float
    used: float


class Sessions:
    """Who is signed in. Thread-safe; a restart of the server ends them all."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nobody signed in.

        Args:
            clock: Seconds from any fixed moment, never going back.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._times: dict[bytes, _Times] = {}

    def begin(self) -> str:
        """Begin a session and return its name, for the cookie: 256 random bits."""
        name = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._forget_ended(now)
            if len(self._times) >= MOST_SESSIONS:
                del self._times[min(self._times, key=lambda key: self._times[key].used)]
            self._times[_key(name)] = _Times(began=now, used=now)
        return name

    def use(self, name: str) -> bool:
        """Return whether the session goes on, and count this as use."""
        now = self._clock()
        with self._lock:
            self._forget_ended(now)
            times = self._times.get(_key(name))
            if times is None:
                return False
            times.used = now
            return True

    def end(self, name: str) -> None:
        """End a session; one that is not there is passed over."""
        with self._lock:
            self._times.pop(_key(name), None)

    def _forget_ended(self, now: float) -> None:
        """Drop sessions whose time is over. The lock is held."""
        self._times = {
            key: times
            for key, times in self._times.items()
            if now - times.used < IDLE_SECONDS and now - times.began < LONGEST_SECONDS
        }


def _key(name: str) -> bytes:
    """Hash a session's name, so that memory holds nothing that could be sent back as a cookie."""
    return hashlib.sha256(name.encode()).digest()
