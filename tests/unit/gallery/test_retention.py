"""When clocks end: what the rules say, day by day."""

from datetime import UTC, date, datetime

import pytest

from countenance.core.errors import InvalidInputError
from countenance.gallery.model import LegalBasis, Source, SourceState
from countenance.gallery.retention import CITATIONS, PRESETS, checked_retention, last_day
from countenance.gallery.terms import Retention, RetentionRule, SourceTerms

TODAY = date(2026, 11, 28)


def source(retention: Retention, *, registered_at: datetime = datetime(2024, 2, 29, 23, tzinfo=UTC)) -> Source:
    return Source(
        source_id="5f0c",
        name="archive",
        owner="Archive",
        legal_basis=LegalBasis.CONTRACT,
        document_sha256="0" * 64,
        state=SourceState.ACTIVE,
        registered_at=registered_at,
        terms=SourceTerms(retention=retention),
    )


BIPA, CUBI = RetentionRule.US_IL_BIPA, RetentionRule.US_TX_CUBI


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        pytest.param(Retention(), None, id="no rule"),
        pytest.param(Retention(purpose_ended_on=TODAY), None, id="no rule, whatever ended"),
        pytest.param(Retention(rule=RetentionRule.DATE, ends_on=TODAY), TODAY, id="a date"),
        pytest.param(Retention(rule=BIPA), date(2027, 2, 28), id="Illinois: three years after it was registered"),
        pytest.param(
            Retention(rule=BIPA, last_interaction_on=date(2025, 6, 1)), date(2028, 6, 1), id="Illinois: last contact"
        ),
        pytest.param(
            Retention(rule=BIPA, purpose_ended_on=date(2026, 1, 2)), date(2026, 1, 2), id="Illinois: purpose first"
        ),
        pytest.param(
            Retention(rule=BIPA, purpose_ended_on=date(2029, 1, 2)), date(2027, 2, 28), id="Illinois: contact first"
        ),
        pytest.param(Retention(rule=CUBI), None, id="Texas: the purpose goes on"),
        pytest.param(
            Retention(rule=CUBI, last_interaction_on=date(2020, 1, 1)), None, id="Texas: contact does not matter"
        ),
        pytest.param(
            Retention(rule=CUBI, purpose_ended_on=date(2025, 11, 28)), date(2026, 11, 28), id="Texas: a year later"
        ),
    ],
)
def test_the_last_day(retention: Retention, expected: date | None) -> None:
    assert last_day(source(retention)) == expected


def test_a_day_begins_in_utc() -> None:
    just_before_midnight = datetime.fromisoformat("2024-01-01T23:30:00-02:00")

    assert last_day(source(Retention(rule=BIPA), registered_at=just_before_midnight)) == date(2027, 1, 2)


def test_every_rule_is_told_to_the_public() -> None:
    assert [one.rule for one in PRESETS] == list(RetentionRule)
    assert all(one.says for one in PRESETS)
    assert {rule for rule, citation in CITATIONS.items() if citation} == {BIPA, CUBI}


@pytest.mark.parametrize(
    "retention",
    [
        pytest.param(Retention(rule=BIPA, last_interaction_on=date(2026, 11, 29)), id="contact ahead"),
        pytest.param(Retention(rule=RetentionRule.DATE), id="no date"),
        pytest.param(Retention(rule=CUBI, ends_on=TODAY), id="a date too many"),
    ],
)
def test_what_can_not_be_is_refused(retention: Retention) -> None:
    with pytest.raises(InvalidInputError) as caught:
        checked_retention(retention, today=TODAY)

    assert caught.value.code == "retention-invalid"
