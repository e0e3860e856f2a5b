"""What a change of packs would change: rules that come and go, and requests that are decided otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from countenance.policy.decision import Decision
from countenance.policy.pack import LawPack
from countenance.policy.service import Policy
from countenance.policy.vectors import request_of, vectors_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """One vector that two policies decide differently."""

    pack: str
    says: str
    before: Decision
    after: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two policies side by side. Rules by their ids.

    Attributes:
        changed: Of the same id, with other words; what a rule does is seen in what is decided otherwise.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    otherwise: tuple[Otherwise, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "changed": list(self.changed),
            "decided_otherwise": [
                {"pack": one.pack, "says": one.says, "before": _in_short(one.before), "after": _in_short(one.after)}
                for one in self.otherwise
            ],
        }


def compare(before: Policy, after: Policy, packs: Sequence[LawPack], *, at: datetime) -> Comparison:
    """Compare two policies on the vectors of packs, as of a moment."""
    old, new = ({rule.rule_id: rule for rule in policy.rules()} for policy in (before, after))
    otherwise = []
    for pack in packs:
        for vector in vectors_of(pack):
            request = request_of(vector.facts, at=at)
            was, now = before.decide(request), after.decide(request)
            if (was.allowed, was.reasons) != (now.allowed, now.reasons):
                otherwise.append(Otherwise(pack=pack.name, says=vector.says, before=was, after=now))
    return Comparison(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(rule_id for rule_id in old.keys() & new.keys() if old[rule_id] != new[rule_id])),
        otherwise=tuple(otherwise),
    )


def _in_short(decision: Decision) -> str:
    """Return a decision in a few words."""
    return "allowed" if decision.allowed else f"forbidden by {', '.join(one.rule_id for one in decision.reasons)}"
