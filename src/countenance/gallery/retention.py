"""Clocks that end: what the rules say, what is due, and destroying it without anybody asking.

A day is a day of UTC. Something may be kept up to and with its last day, and is due from the next one on. A source that
is due, or somebody whose releases ended, is not searched any more, from the first search of that day on; the rest waits
for `RetentionService.run`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Protocol

from countenance.audit.model import Acting
from countenance.core.clock import days_before, utc_now, years_after
from countenance.core.errors import ConflictError, InvalidInputError
from countenance.gallery.certificates import Signer, make_certificate
from countenance.gallery.destruction import RESTORED_BY, Destroyer, Destruction, certificate_facts
from countenance.gallery.erasure import EndedRelease, Eraser
from countenance.gallery.model import Source, SourceState
from countenance.gallery.ports import Records, SourceRegister
from countenance.gallery.sources import FROM
from countenance.gallery.terms import Retention, RetentionRule, SourceTerms, checked_terms
from countenance.policy.model import SYSTEM

BIPA_YEARS = 3
CUBI_YEARS = 1
ANSWERS_A_TURN = 1_000
"""Kept answers that go in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What a rule of retention says, for people to read.

    Attributes:
        citation: Where it is written; empty where it is no law.
    """

    rule: RetentionRule
    citation: str
    says: str


PRESETS: tuple[Preset, ...] = (
    Preset(
        rule=RetentionRule.NONE,
        citation="",
        says="No day is set. The source is kept until its owner, or the people in it, ask for its end.",
    ),
    Preset(rule=RetentionRule.DATE, citation="", says="Destroyed after the day that was agreed with its owner."),
    Preset(
        rule=RetentionRule.US_IL_BIPA,
        citation="Illinois Biometric Information Privacy Act, 740 ILCS 14/15(a)",
        says="Destroyed when the purpose it was collected for is met, or three years after the last interaction, "
        "whichever comes first.",
    ),
    Preset(
        rule=RetentionRule.US_TX_CUBI,
        citation="Texas Business and Commerce Code, section 503.001(c)(3)",
        says="Destroyed no later than a year after the day on which the purpose it was collected for ended.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceClock:
    """One source's clock.

    Attributes:
        last_day: None while it does not run.
    """

    source: Source
    last_day: date | None
    due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What there is to do.

    Attributes:
        answers: Kept answers that are due.
        answers_before: Since when answers are kept; None where they are kept without end.
        unfinished: Destructions and erasures that were cut short.
    """

    today: date
    sources: tuple[SourceClock, ...]
    releases: tuple[EndedRelease, ...]
    answers: int
    answers_before: datetime | None
    unfinished: int

    @property
    def due(self) -> int:
        """How many things are due."""
        return sum(one.due for one in self.sources) + len(self.releases) + self.unfinished + bool(self.answers)


class KeptAnswers(Protocol):
    """The kept answers, as far as their end goes. Each call is one transaction."""

    def older(self, before: datetime) -> int:
        """Return how many were answered before a time."""

    def begin(self, before: datetime, *, by: str, reason: str, actor: Acting) -> Destruction | None:
        """Write down that those from before a time are destroyed; None where there are none.

        The answers are there until `delete`.
        """

    def unfinished(self) -> tuple[Destruction, ...]:
        """Return those under way, oldest first."""

    def delete(self, expiry_id: str, *, most: int) -> int:
        """Delete up to so many of those that one names; returns how many went."""

    def settle(self) -> None:
        """Bring what was deleted out of the database's own journal, where it has one.

        Raises:
            UnavailableError: code `records-being-read`, it may still be there; run it again.
        """

    def finish(self, expiry_id: str, certificate: bytes, *, actor: Acting) -> Destruction:
        """Keep the certificate; the first one stays."""

    def certificates(self) -> tuple[Destruction, ...]:
        """Return those that ended, newest first."""


def last_day(source: Source) -> date | None:
    """Return the last day that a source may be kept; None while its clock does not run.

    Source:
        740 ILCS 14/15(a): purpose satisfied, or within three years of the last interaction, whichever occurs first.
        Tex. Bus. & Com. Code 503.001(c)(3): not later than the first anniversary of the date the purpose expires.
    """
    retention = source.terms.retention
    if retention.rule is RetentionRule.DATE:
        return retention.ends_on
    if retention.rule is RetentionRule.US_IL_BIPA:
        contact = retention.last_interaction_on or source.registered_at.astimezone(UTC).date()
        years_on = years_after(contact, BIPA_YEARS)
        return years_on if retention.purpose_ended_on is None else min(years_on, retention.purpose_ended_on)
    if retention.rule is RetentionRule.US_TX_CUBI and retention.purpose_ended_on is not None:
        return years_after(retention.purpose_ended_on, CUBI_YEARS)
    return None


def checked_retention(retention: Retention, *, today: date) -> Retention:
    """Return a retention that can be kept.

    Raises:
        InvalidInputError: code `retention-invalid`.
    """
    if retention.last_interaction_on is not None and retention.last_interaction_on > today:
        raise InvalidInputError(
            "the last contact can't lie ahead", code="retention-invalid", hint="name the day on which there was one"
        )
    return checked_terms(SourceTerms(retention=retention)).retention


@dataclass(slots=True, kw_only=True)
class RetentionService:
    """Looks at the clocks, and destroys what is due. Thread-safe.

    Attributes:
        keep_answers_days: How long answers are kept; None keeps them.
    """

    records: Records
    register: SourceRegister
    destroyer: Destroyer
    eraser: Eraser
    answers: KeptAnswers
    signer: Signer
    keep_answers_days: int | None
    _heeded_on: date | None = field(default=None, init=False)

    def heed(self, *, today: date | None = None) -> None:
        """Take sources that are due, and people whose releases ended, out of everything.

        It looks once a day, so that each search may ask.

        Raises:
            UnavailableError: codes `audit-unwritable`, `records-unavailable`; what is due may still be eligible, so
                nothing may be searched. Try again.
        """
        now = today or utc_now().date()
        if now != self._heeded_on:
            self._take_out_due(now)
            self._heeded_on = now

    def set(self, name: str, retention: Retention, *, actor: Acting, today: date | None = None) -> Source:
        """Set a source's clock; one that is due by it goes at once.

        Raises:
            NotFoundError: code `source-unknown`.
            InvalidInputError: code `retention-invalid`.
            ConflictError: code `source-state-forbidden`. Nothing was written in any of these cases.
        """
        now = today or utc_now().date()
        self.register.set_retention(name, checked_retention(retention, today=now), actor=actor)
        self._take_out_due(now)
        return self.records.source(name)

    def plan(self, *, today: date | None = None) -> Plan:
        """Return what is due, and when the other clocks end; nothing is changed."""
        now = today or utc_now().date()
        before = self._answers_before(now)
        return Plan(
            today=now,
            sources=tuple(self._clocks(now)),
            releases=self.eraser.records.ended_releases(now),
            answers=0 if before is None else self.answers.older(before),
            answers_before=before,
            unfinished=sum(
                len(part.unfinished()) for part in (self.destroyer.destructions, self.eraser.records, self.answers)
            ),
        )

    def run(
        self, *, actor: Acting, today: date | None = None, on_progress: Callable[[int], None] = lambda _: None
    ) -> tuple[Destruction, ...]:
        """Destroy what is due, and finish what was cut short. May be stopped at any point and run again.

        1. Sources that are due, and people whose releases have all ended, are taken out of everything.
        2. Sources that were taken out are destroyed, each with its key.
        3. People who were taken out, and whoever else's erasure was cut short, are erased.
        4. Kept answers that are too old are destroyed.

        Args:
            on_progress: Called with how many destructions were finished since the last call.

        Returns:
            What was destroyed, with certificates.
        """
        now = today or utc_now().date()
        ended: list[Destruction] = []

        def note(*destructions: Destruction) -> None:
            """Count what is finished."""
            ended.extend(destructions)
            on_progress(len(destructions))

        self._take_out_due(now)  # 1
        note(*self.destroyer.finish_all())  # 2
        note(*self.eraser.finish_all(actor=actor))  # 3
        for expiry in self.answers.unfinished():  # 4
            note(self._destroy_answers(expiry, actor=actor))
        before = self._answers_before(now)
        if before is not None:
            reason = f"answers are kept for {self.keep_answers_days} days"
            begun = self.answers.begin(before, by=RESTORED_BY, reason=reason, actor=actor)
            note(*([] if begun is None else [self._destroy_answers(begun, actor=actor)]))
        return tuple(ended)

    def _destroy_answers(self, expiry: Destruction, *, actor: Acting) -> Destruction:
        """Delete the answers, overwrite what the journal keeps of them, sign the certificate."""
        while self.answers.delete(expiry.destruction_id, most=ANSWERS_A_TURN):
            pass
        self.answers.settle()
        facts = {
            **certificate_facts(expiry, ()),
            "kept": "the searches' entries in the audit log: who, when, a hash of the answer; nobody's name or face",
            "not_reached": "backups made before, until they are deleted",
        }
        return self.answers.finish(expiry.destruction_id, make_certificate(facts, self.signer), actor=actor)

    def _take_out_due(self, today: date) -> None:
        """Make ineligible what is due, and write its destruction down."""
        for clock in self._clocks(today):
            if clock.due:
                citation = CITATIONS[clock.source.terms.retention.rule]
                reason = f"its last day was {clock.last_day}" + (f" ({citation})" if citation else "")
                with suppress(ConflictError):  # another process was quicker
                    self.destroyer.take_out(
                        clock.source, SourceState.EXPIRED, by=RESTORED_BY, reason=reason, actor=SYSTEM
                    )
        self.eraser.take_out_ended(today)

    def _clocks(self, today: date) -> Iterator[SourceClock]:
        """Return the clocks of the sources that can expire."""
        for summary in self.records.sources():
            source = summary.source
            if source.state in FROM[SourceState.EXPIRED]:
                last = last_day(source)
                yield SourceClock(source=source, last_day=last, due=last is not None and today > last)

    def _answers_before(self, today: date) -> datetime | None:
        """Return the time before which kept answers are due: midnight, so that whole days are kept."""
        if self.keep_answers_days is None:
            return None
        return datetime.combine(days_before(today, self.keep_answers_days), time.min, tzinfo=UTC)


CITATIONS: Mapping[RetentionRule, str] = {preset.rule: preset.citation for preset in PRESETS}
"""Where each rule is written."""
