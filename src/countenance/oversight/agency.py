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
        photo_noise: How much two photographs of one face differ; 0.9 gives a cosine of about 0.6.
        alike: How much all faces look alike; 0.42 gives those of two people a mean cosine of 0.09, as measured.
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
    alike: float = 0.42


@dataclass(frozen=True, slots=True, kw_only=True)
class Misuse:
    """How one person misuses a real case's number.

    Attributes:
        faces: How many unrelated faces are searched under it.
        months: Over how many months.
        even: Whether they come about as far from each other, or at any time.
        again: Whether each is searched again as often as an honest one.
        colleague: Whether a colleague searched for the face that the case is about.
    """

    faces: int = 9
    months: int = 8
    even: bool = True
    again: bool = False
    colleague: bool = False


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


def simulate(seed: int, habits: Habits | None = None, misuse: Misuse | None = None) -> Year:
    """Make up one agency's searches, with one person who searches unrelated faces under one real case."""
    habits, misuse = habits or Habits(), misuse or Misuse()
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
    start, moments = _moments(rng, misuse, days)
    for at, first in enumerate([start, *moments]):
        again = int(rng.poisson(habits.repeats)) if misuse.again else 0
        days_of_face = [first, *(first + float(delay) for delay in rng.exponential(2, again))]
        searches += [_Search(day, misuser, misused, face + at, KINDS[0]) for day in days_of_face]
    if misuse.colleague:
        searches.append(_Search(start + 1, (misuser + 1) % habits.people, misused, face, KINDS[0]))
    searches = sorted((one for one in searches if one.day < days), key=lambda one: one.day)
    return Year(
        events=tuple(_events(rng, habits, searches)),
        misused=f"case-{misused}",
        faces_at=tuple(BEGIN + timedelta(days=day) for day in (start, *moments)),
    )


def _moments(rng: np.random.Generator, misuse: Misuse, days: float) -> tuple[float, list[float]]:
    """Return when a case that is misused begins, and when each unrelated face is first searched under it, in days."""
    lasts = misuse.months * 365 / 12
    start, drawn = float(rng.uniform(0, max(days - lasts, 0))), rng.uniform(0.2, 0.8, misuse.faces)
    within = (np.arange(misuse.faces) + drawn) / misuse.faces if misuse.even else (np.sort(drawn) - 0.2) / 0.6
    return start, [start + float(share) * lasts for share in within]


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
    faces += habits.alike * rng.standard_normal(DIM)
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
