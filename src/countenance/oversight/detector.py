"""The misuse detector: five rules over the searches in the log, with limits that were tried on made-up agencies."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scipy.special import bdtrc, pdtrc

from countenance.oversight.model import Alert, Event, Rule
from countenance.oversight.sketch import SAME_FACE, differing

WINDOW = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """How many unrelated faces under one case are several.

    Attributes:
        faces: All of them, the case's own among them.
        late: How many of these must have come late, all searched by one person.
        within: How long from the first to the last of them, at most.
    """

    faces: int
    late: int
    within: timedelta = timedelta.max


QUARTER = timedelta(days=91)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a rule speaks.

    Attributes:
        rules: Which rules are used.
        several: Unrelated faces under one case that are told; one of these is enough.
        late_after: How long after a case's first search a new face is late: investigations meet most faces early.
        same_face: Share of bits in which sketches of one face differ at most.
        alone: Whether a late face that a colleague searched too keeps the rule silent: the case is worked on by others.
        cases: Cases under which one person searched one face that nobody else searched.
        volume_p: Chance below which a person's searches a case in four weeks are too many.
        volume_margin: Times the unit's own rate that is still nothing to tell.
        kinds_p: Chance below which a person's kinds of probes are unlike the unit's.
        kinds_least: Searches that a person must have made for that.
        refusals: Searches within four weeks that a rule about the organisation refused.
        barring: Ids of these rules.
        again_after: How long the same alert stays silent.
    """

    rules: frozenset[Rule] = frozenset(Rule)
    several: tuple[Several, ...] = (Several(faces=4, late=2, within=QUARTER), Several(faces=5, late=3))
    late_after: timedelta = timedelta(days=21)
    same_face: float = SAME_FACE
    alone: bool = True
    cases: int = 4
    volume_p: float = 1e-6
    volume_margin: float = 3.0
    kinds_p: float = 1e-6
    kinds_least: int = 8
    refusals: int = 3
    barring: frozenset[str] = frozenset()
    again_after: timedelta = timedelta(days=90)


@dataclass(slots=True)
class _Face:
    """One face under one case, or of one person's searches: its sketches, and where they come from."""

    period: str
    sketches: list[bytes]
    first_at: datetime
    entries: list[int]
    users: set[str]
    cases: set[str]


@dataclass(slots=True)
class _Unit:
    """What is known of one organisation's searches so far."""

    faces_of_case: dict[str, list[_Face]] = field(default_factory=lambda: defaultdict(list))
    faces_of_user: dict[str, list[_Face]] = field(default_factory=lambda: defaultdict(list))
    case_began: dict[str, datetime] = field(default_factory=dict)
    recent: deque[Event] = field(default_factory=deque)
    recent_of_user: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    recent_of_case: Counter[str] = field(default_factory=Counter)
    refused: dict[str, deque[Event]] = field(default_factory=lambda: defaultdict(deque))
    kinds: Counter[str] = field(default_factory=Counter)
    kinds_of_user: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def detect(events: Iterable[Event], limits: Limits | None = None) -> Iterator[Alert]:
    """Look at searches in their order and tell what stands out, as soon as it does.

    Args:
        events: Rising in time.
    """
    limits = limits or Limits()
    units: dict[str, _Unit] = defaultdict(_Unit)
    told: dict[tuple[str, str, str], datetime] = {}
    for event in events:
        unit = units[event.organisation]
        if event.answered:
            _take(unit, event, limits)
        else:
            _add(unit.refused[event.user], event)
        for rule, look in RULES.items():
            alert = look(unit, event, limits) if rule in limits.rules else None
            if alert is not None and event.at - told.get(alert.key, datetime.min.replace(tzinfo=event.at.tzinfo)) >= (
                limits.again_after
            ):
                told[alert.key] = event.at
                yield alert


def _take(unit: _Unit, event: Event, limits: Limits) -> None:
    """Remember an answered search."""
    unit.recent_of_user[event.user][event.case] += 1
    unit.recent_of_case[event.case] += 1
    for gone in _add(unit.recent, event):
        _drop(unit.recent_of_user[gone.user], gone.case)
        _drop(unit.recent_of_case, gone.case)
    unit.case_began.setdefault(event.case, event.at)
    if event.kind:
        unit.kinds[event.kind] += 1
        unit.kinds_of_user[event.user][event.kind] += 1
    if event.sketch:
        if event.case:
            _join(unit.faces_of_case[event.case], event, limits.same_face)
        _join(unit.faces_of_user[event.user], event, limits.same_face)


def _add(recent: deque[Event], event: Event) -> list[Event]:
    """Add an event to a window of four weeks, and return those that leave it."""
    recent.append(event)
    gone = []
    while recent[0].at < event.at - WINDOW:
        gone.append(recent.popleft())
    return gone


def _drop(counts: Counter[str], name: str) -> None:
    """Count one less, and forget what is counted no more."""
    counts[name] -= 1
    if not counts[name]:
        del counts[name]


def _join(faces: list[_Face], event: Event, same_face: float) -> None:
    """Add a search to the face that it is of, or to a new one. Sketches of two periods can't be compared."""
    for face in faces:
        if face.period == event.period and differing(event.sketch, face.sketches) <= same_face:
            face.sketches.append(event.sketch)
            face.entries.append(event.index)
            face.users.add(event.user)
            face.cases.add(event.case)
            return
    faces.append(_Face(event.period, [event.sketch], event.at, [event.index], {event.user}, {event.case}))


def _faces_under_case(unit: _Unit, event: Event, limits: Limits) -> Alert | None:
    """Several unrelated faces under one case, new ones long after it began, by one person."""
    faces = unit.faces_of_case.get(event.case, [])
    if len(faces) < min(several.faces for several in limits.several):
        return None
    began = unit.case_began[event.case]
    late = [face for face in faces if face.first_at - began > limits.late_after]
    own = [face for face in late if face.users == {event.user}]
    if not any(_are_several(faces, len(own), several) for several in limits.several) or (limits.alone and own != late):
        return None
    entries = [index for face in faces for index in face.entries]
    says = f"{len(faces)} unrelated faces under one case, {len(own)} of them new more than "
    says += f"{limits.late_after.days} days after its first search and searched by one person alone"
    return _alert(Rule.FACES_UNDER_CASE, event, event.case, entries, says)


def _are_several(faces: Sequence[_Face], late: int, several: Several) -> bool:
    """Say whether a case's faces, in the order of their first searches, are several."""
    ends = zip(faces, faces[several.faces - 1 :], strict=False)
    return late >= several.late and any(last.first_at - first.first_at <= several.within for first, last in ends)


def _face_under_cases(unit: _Unit, event: Event, limits: Limits) -> Alert | None:
    """One face under unrelated cases, which only one person searches."""
    for face in unit.faces_of_user.get(event.user, ()):
        if face.entries[-1] != event.index or len(face.cases) < limits.cases:
            continue
        others = (face for user, known in unit.faces_of_user.items() if user != event.user for face in known)
        if not any(
            other.period == face.period and differing(face.sketches[-1], other.sketches) <= limits.same_face
            for other in others
        ):
            says = f"one face under {len(face.cases)} cases, searched by one person alone"
            return _alert(Rule.FACE_UNDER_CASES, event, event.user, face.entries, says)
    return None


def _volume(unit: _Unit, event: Event, limits: Limits) -> Alert | None:
    """Far more searches for the cases that somebody works on than others of the unit make for theirs."""
    own = unit.recent_of_user.get(event.user, Counter())
    others = len(unit.recent) - own.total()
    if own.total() < limits.kinds_least or not others:
        return None
    cases = len(unit.recent_of_case) - sum(unit.recent_of_case[case] == count for case, count in own.items())
    rate = others / max(cases, 1)
    if pdtrc(own.total() - 1, limits.volume_margin * rate * len(own)) >= limits.volume_p:
        return None
    says = f"{own.total()} searches in four weeks under {len(own)} cases; others of the unit make {rate:.1f} a case"
    return _alert(Rule.VOLUME, event, event.user, _recent_entries(unit, event), says)


def _probe_kinds(unit: _Unit, event: Event, limits: Limits) -> Alert | None:
    """Probes of other kinds than those of the rest of the unit."""
    own = unit.kinds_of_user.get(event.user, Counter())
    others = unit.kinds - own
    if own.total() < limits.kinds_least or others.total() < limits.kinds_least:
        return None
    smallest = 1.0
    for kind, count in own.items():
        share = (others[kind] + 1) / (others.total() + 2)
        smallest = min(smallest, float(bdtrc(count - 1, own.total(), share)))
    if smallest >= limits.kinds_p:
        return None
    says = "probes of a kind that others of the unit seldom search with"
    return _alert(Rule.PROBE_KINDS, event, event.user, _recent_entries(unit, event), says)


def _recent_entries(unit: _Unit, event: Event) -> list[int]:
    """Return a person's searches of the last four weeks."""
    return [one.index for one in unit.recent if one.user == event.user]


def _barred(unit: _Unit, event: Event, limits: Limits) -> Alert | None:
    """Searches that were tried for an organisation that may not search."""
    tried = [one for one in unit.refused.get(event.user, ()) if limits.barring.intersection(one.rules)]
    if event.answered or len(tried) < limits.refusals:
        return None
    says = f"{len(tried)} searches in four weeks were refused because of the organisation"
    return _alert(Rule.BARRED, event, event.user, [one.index for one in tried], says)


def _alert(rule: Rule, event: Event, subject: str, entries: Iterable[int], says: str) -> Alert:
    return Alert(
        rule=rule,
        organisation=event.organisation,
        user=event.user,
        subject=subject,
        at=event.at,
        entries=tuple(sorted(entries)),
        says=says,
    )


RULES: Mapping[Rule, Callable[[_Unit, Event, Limits], Alert | None]] = {
    Rule.FACES_UNDER_CASE: _faces_under_case,
    Rule.FACE_UNDER_CASES: _face_under_cases,
    Rule.VOLUME: _volume,
    Rule.PROBE_KINDS: _probe_kinds,
    Rule.BARRED: _barred,
}
