"""The clock: one place to ask for the time, always with its zone; and days that the calendar's ends can't break."""

from datetime import MAXYEAR, UTC, date, datetime


def utc_now() -> datetime:
    """Return the current time in UTC, aware, to the microsecond."""
    return datetime.now(UTC)


def days_before(day: date, days: int) -> date:
    """Return the day so many days before another; the calendar's first one where that would be before it."""
    return date.fromordinal(max(day.toordinal() - days, date.min.toordinal()))


def years_after(day: date, years: int) -> date:
    """Return the same day so many years later: of 29 February the 28th where there is none; at most the last there is.

    The calendar ends with the year 9999, which is what people write for "never".
    """
    year = day.year + years
    if year > MAXYEAR:
        return date.max
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
