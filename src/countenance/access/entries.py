"""What the audit log says of organisations and people: ids and actions; names and reasons are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from countenance.access.model import Change
from countenance.audit.model import Entry, Outcome
from countenance.policy.model import HOUSE


@dataclass(frozen=True, slots=True)
class _Operator:
    """Whoever changed something: operators, all of the house, and the installation itself."""

    user_id: str
    org_id: str = HOUSE


def changes_made(changes: Sequence[Change]) -> list[Entry]:
    """Say what was done to organisations and people, an entry each."""
    return [
        Entry(
            action=f"access-{change.action.value}",
            outcome=Outcome.DONE,
            actor=_Operator(change.by),
            facts={"organisation": change.org_id, "user": change.user_id},
        )
        for change in changes
    ]
