"""A made-up agency, to try the detector on: what its people search in a year, and one who misuses a real case number.

Nothing here was measured on a real agency: nobody publishes that. The numbers are guesses, on the generous side of what
honest work may look like: bursts of faces, long cases, colleagues who share them, people who search far more than most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from countenance.oversight.model import Event
from countenance.oversight.sketch import Sketcher, period_of

DIM = 128
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("photograph", "video-frame", "altered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How an agency works.

    Attributes:
        people: Who search.
        months: How long it is watched.
        cases_a_month: Mean of new cases a person and month; people differ around it by a factor.
        more_faces: Mean number of further faces in an ordinary case.
        repeats: Mean number of further searches for the same face.
        bursts: Share of cases with many faces within days: a riot, a ring.
        long_cases: Share of cases that go on for months and meet new faces now and then.
        shared: Share of a case's searches that a colleague makes.
        photo_noise: How much two photographs of one face differ; 0.9 gives a cosine of about 0.55.
    """

    people: int = 100
    months: int = 12
    cases_a_month: float = 3.0
    more_faces: float = 0.5
    repeats: float = 0.4
    bursts: float = 0.02
    long_cases: float = 0.01
    shared: float = 0.15
    photo_noise: float = 0.9


@dataclass(frozen=True, slots=True)
class _Search:
    """One search to be: s since the beginning."""

    day: float
    user: int
    case: int
    face: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """What an agency searched.

    Attributes:
        events: Rising in time.
        misused: The case that was misused.
        faces_at: When each unrelated face was first searched under it: the one that the case is about, then the others.
    """

    events: tuple[Event, ...]
    misused: str
    faces_at: tuple[datetime, ...]


def simulate(seed: int, habits: Habits | None = None, *, faces: int = 9, months: int = 8) -> Year:
    """Make up one agency's searches, with one person who searches unrelated faces under one real case.

    Args:
        faces: How many unrelated faces are searched under the misused case.
        months: Over how many months.
    """
    habits = habits or Habits()
    rng = np.random.default_rng(seed)
    days = habits.months * 365 / 12
    searches: list[_Search] = []
    rates = habits.cases_a_month * habits.months * rng.gamma(4, 1 / 4, habits.people)
    case = face = 0
    for user, rate in enumerate(rates):
        for began in rng.uniform(0, days, rng.poisson(rate)):
            made = list(_case(rng, habits, float(began), user=user, case=case, face=face))
            searches += made
            case, face = case + 1, max((one.face for one in made), default=face) + 1
    misuser, misused = int(rng.integers(habits.people)), case
    start = float(rng.uniform(0, days - months * 365 / 12))
    moments = np.sort(start + (np.arange(faces) + rng.uniform(0.2, 0.8, faces)) * months * 365 / 12 / faces)
    wrong = [_Search(float(day), misuser, misused, face + at, KINDS[0]) for at, day in enumerate(moments)]
    searches += [*wrong, _Search(start, misuser, misused, face + faces, KINDS[0])]
    searches = sorted((one for one in searches if one.day < days), key=lambda one: one.day)
    return Year(
        events=tuple(_events(rng, habits, searches)),
        misused=f"case-{misused}",
        faces_at=tuple(BEGIN + timedelta(days=float(day)) for day in (start, *moments)),
    )


def _case(
    rng: np.random.Generator, habits: Habits, began: float, *, user: int, case: int, face: int
) -> Iterable[_Search]:
    """Make up one honest case's searches."""
    kind_of_case = rng.random()
    if kind_of_case < habits.bursts:
        starts = rng.exponential(4, rng.integers(4, 20))
    elif kind_of_case < habits.bursts + habits.long_cases:
        starts = rng.uniform(0, 180, rng.integers(2, 6))
    else:
        starts = rng.exponential(8, rng.poisson(habits.more_faces))
    for at, start in enumerate([0.0, *sorted(float(start) for start in starts)]):
        for _ in range(1 + rng.poisson(habits.repeats)):
            colleague = rng.random() < habits.shared
            who = int(rng.integers(habits.people)) if colleague else user
            kind = KINDS[int(rng.choice(3, p=(0.5, 0.45, 0.05)))]
            yield _Search(began + start + float(rng.exponential(2)), who, case, face + at, kind)


def _events(rng: np.random.Generator, habits: Habits, searches: list[_Search]) -> Iterable[Event]:
    """Turn searches into entries' facts: photographs of made-up faces, sketched with the key of their half-year."""
    faces = rng.standard_normal((max(one.face for one in searches) + 1, DIM))
    photographs = faces[[one.face for one in searches]]
    photographs = photographs + habits.photo_noise * rng.standard_normal(photographs.shape)
    templates = (photographs / np.linalg.norm(photographs, axis=1, keepdims=True)).astype(np.float32)
    sketchers: dict[str, Sketcher] = {}
    for index, (one, template) in enumerate(zip(searches, templates, strict=True)):
        at = BEGIN + timedelta(days=one.day)
        period = period_of(at)
        sketcher = sketchers.get(period) or sketchers.setdefault(period, Sketcher(period.encode(), DIM))
        yield Event(
            index=index,
            at=at,
            user=f"user-{one.user}",
            organisation="agency",
            answered=True,
            case=f"case-{one.case}",
            kind=one.kind,
            period=period,
            sketch=sketcher.sketch(template[None])[0],
        )
