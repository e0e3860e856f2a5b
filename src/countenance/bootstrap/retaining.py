"""Wiring of retention: the gallery's clocks, those of cases, requests and entries, and of keys in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from countenance.bootstrap.parts import Parts
from countenance.bootstrap.settings import Settings
from countenance.core.clock import days_before, utc_now
from countenance.gallery.destruction import Destroyer, Destruction
from countenance.gallery.erasure import Eraser
from countenance.gallery.model import Source
from countenance.gallery.rendering import destruction_json, plan_json
from countenance.gallery.retention import Plan, RetentionService
from countenance.gallery.terms import Retention
from countenance.oversight.service import Oversight
from countenance.policy.model import SYSTEM, Actor
from countenance.rights.stay_out import StayingOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is due.

    Attributes:
        log_keys: Half-years whose sketches in the audit log are due to lose their key.
        requests: Ids of closed requests that are due to be forgotten.
        cases: Ids of closed cases that are due to be forgotten.
        stay_out: Ids of entries of people who are refused at enrolment whose last day is over.
    """

    plan: Plan
    log_keys: tuple[str, ...]
    requests: tuple[str, ...]
    cases: tuple[str, ...]
    stay_out: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return plan_json(self.plan) | {
            "log_keys": list(self.log_keys),
            "requests": list(self.requests),
            "cases": list(self.cases),
            "stay_out": list(self.stay_out),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run destroyed."""

    destroyed: tuple[Destruction, ...]
    log_keys: tuple[str, ...]
    requests: tuple[str, ...]
    cases: tuple[str, ...]
    stay_out: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "destroyed": [destruction_json(one) for one in self.destroyed],
            "log_keys": list(self.log_keys),
            "requests": list(self.requests),
            "cases": list(self.cases),
            "stay_out": list(self.stay_out),
        }


class Retaining:
    """The clocks of one open gallery. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        *,
        destroyer: Destroyer,
        eraser: Eraser,
        stay_out: StayingOut,
        oversight: Callable[[], Oversight],
    ) -> None:
        """Join the parts."""
        self.service = RetentionService(
            records=parts.records,
            register=parts.register,
            destroyer=destroyer,
            eraser=eraser,
            answers=parts.answers,
            signer=parts.signer,
            keep_answers_days=settings.keep_answers_days,
        )
        self._parts = parts
        self._stay_out = stay_out
        self._oversight = oversight
        self._keep_requests_days = settings.keep_requests_days
        self._keep_cases_days = settings.keep_cases_days

    def heed(self) -> None:
        """Take out what is due today: see `gallery.retention.RetentionService.heed`."""
        self.service.heed()

    def set(self, name: str, retention: Retention, *, actor: Actor = SYSTEM) -> Source:
        """Set a source's clock: see `gallery.retention.RetentionService.set`."""
        return self.service.set(name, retention, actor=actor)

    def plan(self, *, today: date | None = None) -> Planned:
        """Return what is due on a day: see `gallery.retention.RetentionService.plan`."""
        now = today or utc_now().date()
        return Planned(
            plan=self.service.plan(today=today),
            log_keys=self._oversight().old_periods(),
            requests=self._closed_requests(now),
            cases=self._closed_cases(now),
            stay_out=self._stay_out.over(now),
        )

    def run(self, *, actor: Actor = SYSTEM, on_progress: Callable[[int], None] = lambda _: None) -> Ran:
        """Destroy what is due: see `gallery.retention.RetentionService.run`."""
        destroyed = self.service.run(actor=actor, on_progress=on_progress)
        log_keys = self._oversight().destroy_old_keys(actor=actor)
        today = utc_now().date()
        requests, cases = self._closed_requests(today), self._closed_cases(today)
        for request_id in requests:
            self._parts.requests.forget(request_id, actor=actor)
        for case_id in cases:
            # Documents first: a case that was forgotten is not looked at again.
            self._parts.objects.delete_all(f"cases/{case_id}/")
            self._parts.cases.forget(case_id, actor=actor)
        ended = self._stay_out.over(today)
        for entry_id in ended:
            self._stay_out.end(entry_id, actor=actor)
        return Ran(destroyed=destroyed, log_keys=log_keys, requests=requests, cases=cases, stay_out=ended)

    def _closed_requests(self, today: date) -> tuple[str, ...]:
        """Return the requests whose time is over."""
        days = self._keep_requests_days
        return () if days is None else self._parts.requests.closed(days_before(today, days))

    def _closed_cases(self, today: date) -> tuple[str, ...]:
        """Return the cases whose time is over."""
        days = self._keep_cases_days
        return () if days is None else self._parts.cases.closed(days_before(today, days))
