"""Wiring of retention: the gallery's clocks, and those of what the audit log keeps under keys of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from countenance.bootstrap.parts import Parts
from countenance.bootstrap.settings import Settings
from countenance.core.clock import utc_now
from countenance.gallery.destruction import Destroyer, Destruction
from countenance.gallery.erasure import Eraser
from countenance.gallery.model import Source
from countenance.gallery.retention import Plan, RetentionService
from countenance.gallery.terms import Retention
from countenance.oversight.service import Oversight
from countenance.policy.model import SYSTEM, Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is due.

    Attributes:
        log_keys: Half-years whose sketches in the audit log are due to lose their key.
        requests: Ids of closed requests that are due to be forgotten.
    """

    plan: Plan
    log_keys: tuple[str, ...]
    requests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run destroyed."""

    destroyed: tuple[Destruction, ...]
    log_keys: tuple[str, ...]
    requests: tuple[str, ...]


class Retaining:
    """The clocks of one open gallery. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        *,
        destroyer: Destroyer,
        eraser: Eraser,
        oversight: Callable[[], Oversight],
    ) -> None:
        """Join the parts."""
        self._service = RetentionService(
            records=parts.records,
            register=parts.register,
            destroyer=destroyer,
            eraser=eraser,
            answers=parts.answers,
            signer=parts.signer,
            keep_answers_days=settings.keep_answers_days,
        )
        self._oversight = oversight
        self._requests = parts.requests
        self._keep_requests_days = settings.keep_requests_days

    def heed(self) -> None:
        """Take out what is due today: see `gallery.retention.RetentionService.heed`."""
        self._service.heed()

    def set(self, name: str, retention: Retention, *, actor: Actor = SYSTEM) -> Source:
        """Set a source's clock: see `gallery.retention.RetentionService.set`."""
        return self._service.set(name, retention, actor=actor)

    def plan(self, *, today: date | None = None) -> Planned:
        """Return what is due on a day: see `gallery.retention.RetentionService.plan`."""
        return Planned(
            plan=self._service.plan(today=today),
            log_keys=self._oversight().old_periods(),
            requests=self._closed_requests(today or utc_now().date()),
        )

    def run(self, *, actor: Actor = SYSTEM, on_progress: Callable[[int], None] = lambda _: None) -> Ran:
        """Destroy what is due: see `gallery.retention.RetentionService.run`."""
        destroyed = self._service.run(actor=actor, on_progress=on_progress)
        log_keys = self._oversight().destroy_old_keys(actor=actor)
        requests = self._closed_requests(utc_now().date())
        for request_id in requests:
            self._requests.forget(request_id, actor=actor)
        return Ran(destroyed=destroyed, log_keys=log_keys, requests=requests)

    def _closed_requests(self, today: date) -> tuple[str, ...]:
        """Return the requests whose time is over."""
        if self._keep_requests_days is None:
            return ()
        return self._requests.closed(today - timedelta(days=self._keep_requests_days))
