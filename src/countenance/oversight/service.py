"""Oversight at work: sketches for new entries, and runs over the log whose alerts are put on record in it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from countenance.audit.model import Acting, Entry, Outcome, Receipt
from countenance.audit.ports import AuditLog
from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.keys.model import KeyState, case_scope
from countenance.keys.ports import Keyring
from countenance.oversight.detector import Limits, detect
from countenance.oversight.model import Alert, alert_of, events_in
from countenance.oversight.sketch import Sketcher, period_before, period_of

ALERT = "oversight-alert"
"""Action of the entry that puts an alert on record."""

OLD_PERIODS = 4
"""Half-years that are looked back at for keys to destroy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An alert on record, with the index of its entry."""

    entry: int
    alert: Alert

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {"entry": self.entry, **self.alert.to_json()}


class Oversight:
    """Watches one log. Thread-safe."""

    def __init__(self, log: AuditLog, keyring: Keyring, limits: Callable[[], Limits]) -> None:
        """Keep the parts.

        Args:
            log: Which is watched.
            keyring: Holds the keys of sketches.
            limits: Returns when rules speak; asked by `run` alone.
        """
        self._log = log
        self._keyring = keyring
        self._limits = limits
        self._sketcher = lru_cache(maxsize=4)(self._new_sketcher)

    def marks(self, template: Templates) -> Mapping[str, Any]:
        """Return what the entry of a search says of its probe.

        Args:
            template: float32, shape (1, dim); not modified, and not kept.
        """
        period = period_of(utc_now())
        [sketch] = self._sketcher(period, template.shape[1]).sketch(template)
        return {"period": period, "sketch": sketch.hex()}

    def run(self, *, actor: Acting, on_progress: Callable[[int], None] = lambda _: None) -> tuple[Recorded, ...]:
        """Look at the whole log, put each new alert on record, and destroy the keys of sketches that are too old.

        Returns:
            The new alerts.

        Raises:
            UnavailableError: code `audit-unwritable`; alerts before that are on record, run it again.
        """
        known = {(one.alert.key, one.alert.at) for one in self.alerts()}
        found = []
        for alert in detect(events_in(self._entries(on_progress)), self._limits()):
            if (alert.key, alert.at) not in known:
                receipt = self._record(ALERT, alert.to_json(), actor)
                found.append(Recorded(entry=receipt.proof.index, alert=alert))
        self.destroy_old_keys(actor=actor)
        return tuple(found)

    def alerts(self) -> tuple[Recorded, ...]:
        """Return the alerts on record, oldest first."""
        return tuple(
            Recorded(entry=index, alert=alert_of(document["facts"]))
            for index, document in enumerate(map(json.loads, self._entries(lambda _: None)))
            if document["action"] == ALERT
        )

    def _entries(self, on_progress: Callable[[int], None]) -> Iterator[bytes]:
        """Stream the log."""
        for body in self._log.entries(0, self._log.head().size):
            yield body
            on_progress(1)

    def _record(self, action: str, facts: Mapping[str, Any], actor: Acting) -> Receipt:
        return self._log.record(Entry(action=action, outcome=Outcome.DONE, actor=actor, facts=facts))

    def old_periods(self, *, at: datetime | None = None) -> tuple[str, ...]:
        """Return the periods whose keys are due to be destroyed: all but this one and the one before."""
        period, found = period_before(period_of(at or utc_now())), []
        for _ in range(OLD_PERIODS):
            period = period_before(period)
            if self._keyring.state(_scope(period)) is KeyState.ACTIVE:
                found.append(period)
        return tuple(found)

    def destroy_old_keys(self, *, actor: Acting, at: datetime | None = None) -> tuple[str, ...]:
        """Destroy the keys of the periods that are over; their sketches say nothing from then on."""
        periods = self.old_periods(at=at)
        for period in periods:
            self._record("oversight-key-destroy", {"period": period}, actor)
            self._keyring.destroy(_scope(period), reason="oversight period over")
        return periods

    def _new_sketcher(self, period: str, dim: int) -> Sketcher:
        """Make the sketcher of a period."""
        return Sketcher(self._keyring.fingerprint(_scope(period), b"directions", column="oversight.sketch"), dim)


def _scope(period: str) -> str:
    """Return the scope of a period's key: a case of its own."""
    return case_scope(f"oversight-{period}")
