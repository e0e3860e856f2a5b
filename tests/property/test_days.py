"""Days: every one of the calendar can be given, its first and its last ones too."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from countenance.core.clock import days_before, years_after
from countenance.gallery.model import LegalBasis, Source, SourceState
from countenance.gallery.retention import last_day
from countenance.gallery.terms import Retention, RetentionRule, SourceTerms

days = st.dates()
"""0001-01-01 to 9999-12-31."""


@given(day=days, years=st.integers(0, 100))
@example(day=date.max, years=1)
@example(day=date(9996, 2, 29), years=3)
@example(day=date(9996, 2, 29), years=4)
def test_years_later_is_the_same_day_or_the_last_there_is(day: date, years: int) -> None:
    later = years_after(day, years)

    assert day <= later
    if day.year + years > 9999:
        assert later == date.max
    else:
        assert (later.year, later.month) == (day.year + years, day.month)
        assert later.day == day.day or (day.month, day.day, later.day) == (2, 29, 28)


@given(day=days, count=st.integers(0, 36_525))
@example(day=date.min, count=1)
def test_days_before_is_that_day_or_the_first_there_is(day: date, count: int) -> None:
    earlier = days_before(day, count)

    assert earlier == (day - timedelta(days=count) if (day - date.min).days >= count else date.min)


@given(rule=st.sampled_from(RetentionRule), ended=st.none() | days, contact=st.none() | days)
@example(rule=RetentionRule.US_TX_CUBI, ended=date.max, contact=None)
@example(rule=RetentionRule.US_IL_BIPA, ended=date.max, contact=date.max)
def test_every_clock_has_a_last_day_or_none(rule: RetentionRule, ended: date | None, contact: date | None) -> None:
    retention = Retention(rule=rule, ends_on=None, purpose_ended_on=ended, last_interaction_on=contact)
    source = Source(
        source_id="5f0c",
        name="archive",
        owner="Archive",
        legal_basis=LegalBasis.CONTRACT,
        document_sha256="0" * 64,
        state=SourceState.ACTIVE,
        registered_at=datetime(2024, 2, 29, tzinfo=UTC),
        terms=SourceTerms(retention=retention),
    )

    last = last_day(source)

    runs = rule is RetentionRule.US_IL_BIPA or (rule is RetentionRule.US_TX_CUBI and ended is not None)
    assert (last is not None) == runs
