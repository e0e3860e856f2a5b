"""Deadlines, and which state follows which."""

from datetime import date

import pytest

from countenance.rights.model import WAYS, RequestKind, RequestState, RightsRequest, month_after


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(date(2026, 3, 14), date(2026, 4, 14), id="plain"),
        pytest.param(date(2026, 12, 31), date(2027, 1, 31), id="over the year"),
        pytest.param(date(2026, 1, 31), date(2026, 2, 28), id="a shorter month"),
        pytest.param(date(2028, 1, 30), date(2028, 2, 29), id="a leap year"),
        pytest.param(date(2026, 8, 31), date(2026, 9, 30), id="thirty days"),
    ],
)
def test_a_month_later(day: date, expected: date) -> None:
    assert month_after(day) == expected


def request(state: RequestState) -> RightsRequest:
    return RightsRequest(
        request_id="5f0c",
        kind=RequestKind.ACCESS,
        state=state,
        received_on=date(2026, 1, 31),
        due_on=date(2026, 2, 28),
        name="Person A",
        contact="a@example.org",
        steps=(),
    )


def test_it_is_late_from_the_day_after_until_it_is_released() -> None:
    late = {state: request(state).overdue(date(2026, 3, 1)) for state in RequestState}

    assert not request(RequestState.RECEIVED).overdue(date(2026, 2, 28))
    assert {state for state, is_late in late.items() if is_late} == {
        RequestState.RECEIVED,
        RequestState.IDENTIFIED,
        RequestState.DECIDED,
    }


def test_nothing_is_released_without_a_decision_nor_decided_without_identity() -> None:
    before = {after: {one for one, ways in WAYS.items() if after in ways} for after in RequestState}

    assert before[RequestState.RELEASED] == {RequestState.DECIDED}
    assert before[RequestState.DECIDED] == {RequestState.IDENTIFIED}
    assert before[RequestState.RECEIVED] == set()
    assert WAYS[RequestState.CLOSED] == frozenset()
