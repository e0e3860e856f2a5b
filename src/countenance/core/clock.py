"""The clock: one place to ask for the time, always with its zone."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time in UTC, aware, to the microsecond."""
    return datetime.now(UTC)
