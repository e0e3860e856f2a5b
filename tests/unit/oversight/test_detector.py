"""The misuse detector's rules, each on its own, and all of them on a made-up agency."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from countenance.oversight.agency import DIM, Habits, simulate
from countenance.oversight.detector import Limits, detect
from countenance.oversight.model import Alert, Event, Rule
from countenance.oversight.sketch import SAME_FACE, Sketcher, differing, period_before, period_of

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
SKETCHER = Sketcher(b"a key", DIM)
FOURTH = 3
"""The unrelated face under a case, from 0, with which misuse shows."""


def face(number: int, *, photograph: int = 0, noise: float = 0.9) -> bytes:
    """Return the sketch of a photograph of one made-up face."""
    person = np.random.default_rng(number).standard_normal(DIM)
    shown = person + noise * np.random.default_rng((number, photograph)).standard_normal(DIM)
    return SKETCHER.sketch((shown / np.linalg.norm(shown)).astype(np.float32)[None])[0]


def search(
    day: float, *, user: str = "u", case: str = "c", of: int = 0, photograph: int = 0, kind: str = "photograph"
) -> Event:
    """Return a search."""
    return Event(
        index=int(day * 100),
        at=BEGIN + timedelta(days=day),
        user=user,
        organisation="o",
        answered=True,
        case=case,
        kind=kind,
        period="2026-h1",
        sketch=face(of, photograph=photograph),
    )


def refused(day: float, *rules: str) -> Event:
    """Return a search that rules refused."""
    return Event(
        index=int(day), at=BEGIN + timedelta(days=day), user="u", organisation="o", answered=False, rules=rules
    )


def told(events: Iterable[Event], rule: Rule, limits: Limits | None = None) -> list[Alert]:
    """Return one rule's alerts."""
    return [alert for alert in detect(events, limits) if alert.rule is rule]


class TestSketches:
    def test_one_face_is_near_itself_and_far_from_others(self) -> None:
        same = [differing(face(n), [face(n, photograph=1)]) for n in range(200)]
        other = [differing(face(n), [face(n + 1000)]) for n in range(200)]

        assert np.mean([share <= SAME_FACE for share in same]) > 0.9
        assert np.mean([share <= SAME_FACE for share in other]) < 0.05

    def test_two_keys_can_t_be_compared(self) -> None:
        template = np.eye(DIM, dtype=np.float32)[:1]
        shares = [
            differing(Sketcher(bytes([n]), DIM).sketch(template)[0], Sketcher(bytes([n + 100]), DIM).sketch(template))
            for n in range(50)
        ]

        assert 0.45 < np.mean(shares) < 0.55

    def test_periods_are_half_years(self) -> None:
        assert [period_of(datetime(2026, month, 1, tzinfo=UTC)) for month in (1, 6, 7, 12)] == [
            "2026-h1",
            "2026-h1",
            "2026-h2",
            "2026-h2",
        ]
        assert (period_before("2026-h2"), period_before("2026-h1")) == ("2026-h1", "2025-h2")


class TestFacesUnderCase:
    def test_unrelated_faces_that_come_late_are_told_at_the_fourth(self) -> None:
        events = [search(20 * n, of=n) for n in range(8)]

        [alert] = told(events, Rule.FACES_UNDER_CASE)

        assert (alert.subject, alert.user, alert.at) == ("c", "u", events[3].at)
        assert alert.entries == tuple(event.index for event in events[:4])

    def test_those_that_come_slowly_are_told_at_the_fifth(self) -> None:
        events = [search(40 * n, of=n) for n in range(8)]

        assert told(events, Rule.FACES_UNDER_CASE)[0].at == events[4].at

    def test_a_colleague_who_searched_for_the_case_s_own_face_hides_nothing(self) -> None:
        events = [search(0), search(1, user="colleague", photograph=1), *(search(20 * n, of=n) for n in range(1, 5))]

        assert told(events, Rule.FACES_UNDER_CASE)[0].at == events[4].at

    @pytest.mark.parametrize(
        "events",
        [
            pytest.param([search(n, of=n) for n in range(10)], id="many at once: a riot, a ring"),
            pytest.param([search(20 * n, photograph=n) for n in range(8)], id="one face again and again"),
            pytest.param([search(20 * n, of=n, case=f"c{n}") for n in range(8)], id="a case each"),
            pytest.param([search(20 * n, of=n, user=f"u{n % 3}") for n in range(8)], id="colleagues by turns"),
            pytest.param(
                [search(20 * n, of=n, user="colleague" if n == 2 else "u") for n in range(8)],
                id="a colleague who works on the case",
            ),
        ],
    )
    def test_honest_work_is_not(self, events: Sequence[Event]) -> None:
        assert told(events, Rule.FACES_UNDER_CASE) == []


def test_one_face_under_many_cases_of_one_person_is_told() -> None:
    events = [search(n, photograph=n, case=f"c{n}") for n in range(5)]

    [alert] = told(events, Rule.FACE_UNDER_CASES)

    assert alert.at == events[3].at
    assert told([search(0, user="colleague", photograph=9), *events[1:]], Rule.FACE_UNDER_CASES) == []


def test_far_more_searches_than_the_cases_explain_are_told() -> None:
    unit = [search(n / 4, user=f"u{n % 20}", case=f"c{n}", of=n) for n in range(80)]
    many = [search(20 + n / 100, user="many", case="m", of=500 + n) for n in range(30)]

    assert [alert.subject for alert in told([*unit, *many], Rule.VOLUME)] == ["many"]
    assert told(unit, Rule.VOLUME) == []


def test_probes_unlike_the_unit_s_are_told() -> None:
    unit = [search(n / 4, user=f"u{n % 20}", case=f"c{n}", of=n, kind="video-frame") for n in range(80)]
    other = [search(20 + n, user="other", case=f"o{n}", of=500 + n, kind="altered") for n in range(8)]

    assert [alert.subject for alert in told([*unit, *other], Rule.PROBE_KINDS)] == ["other"]
    assert told(unit, Rule.PROBE_KINDS) == []


def test_searches_for_a_barred_organisation_are_told() -> None:
    limits = Limits(barring=frozenset({"core-organisation"}))

    assert len(told([refused(n, "core-organisation") for n in range(3)], Rule.BARRED, limits)) == 1
    assert told([refused(n, "core-case") for n in range(9)], Rule.BARRED, limits) == []
    assert told([refused(n * 30, "core-organisation") for n in range(9)], Rule.BARRED, limits) == []


def test_an_alert_is_told_again_after_three_months_only() -> None:
    events = [search(20 * n, of=n) for n in range(5)] + [search(85 + n, of=50 + n) for n in range(60)]

    assert [alert.at for alert in told(events, Rule.FACES_UNDER_CASE)] == [events[3].at]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_misused_case_is_found_within_two_weeks_among_thirty_people(seed: int) -> None:
    year = simulate(seed, Habits(people=30))

    alerts = list(detect(year.events))

    first = min(alert.at for alert in alerts if alert.subject == year.misused)
    assert first - year.faces_at[FOURTH] <= timedelta(days=14)
