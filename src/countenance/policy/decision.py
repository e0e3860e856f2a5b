"""The answer to a request: allowed or not, with every reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countenance.core.errors import NotPermittedError
from countenance.policy.request import Action

NOT_LEGAL_ADVICE = "Rules as data, written to be read and tested. Not legal advice."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a pack, in words.

    Attributes:
        rule_id: Unique over all packs, e.g. `default-sector`.
        pack: Name of the pack that it stands in.
        says: Why it forbids, a sentence without its full stop.
        cites: Where it comes from.
        needs: What would have to be so for it not to forbid.
        bars: Whether it refuses an organisation as such, whatever is asked and by whom.
    """

    rule_id: str
    pack: str
    says: str
    cites: str
    needs: str
    bars: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the rule as plain JSON types."""
        return {"rule": self.rule_id, "pack": self.pack, "says": self.says, "cites": self.cites, "needs": self.needs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policy in force says of one request.

    Attributes:
        reasons: Every rule that forbids it, by id; empty where it is allowed, never empty where it is not.
        policy_digest: Hex SHA-256 of the schema, the rules and the lists that decided.
    """

    action: Action
    allowed: bool
    reasons: tuple[Rule, ...]
    policy_digest: str

    def __post_init__(self) -> None:
        """Refuse a decision that contradicts itself."""
        if self.allowed == bool(self.reasons):
            raise ValueError("a denial has reasons, a permission has none")

    def as_json(self) -> dict[str, Any]:
        """Return the decision as plain JSON types."""
        return {
            "action": self.action.value,
            "allowed": self.allowed,
            "reasons": [reason.as_json() for reason in self.reasons],
            "policy": self.policy_digest,
            "note": NOT_LEGAL_ADVICE,
        }

    def facts(self) -> Mapping[str, Any]:
        """Return what the audit log says of it: ids and digests only."""
        return {
            "allowed": self.allowed,
            "rules": [reason.rule_id for reason in self.reasons],
            "policy": self.policy_digest,
        }

    def refusal(self) -> NotPermittedError:
        """Return the error that tells a person why not: every reason in words, and what would be needed."""
        said = "; ".join(f"{reason.says} ({reason.rule_id}: {reason.cites})" for reason in self.reasons)
        needed = "; ".join(dict.fromkeys(reason.needs for reason in self.reasons))
        reasons = tuple(reason.as_json() for reason in self.reasons)
        return NotPermittedError(said, code="not-permitted", hint=f"needed: {needed}", reasons=reasons)

    def require(self) -> None:
        """Go on only where it is allowed.

        Raises:
            NotPermittedError: code `not-permitted`, with every reason.
        """
        if not self.allowed:
            raise self.refusal()
