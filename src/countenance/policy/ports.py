"""What the policy needs from outside: something that evaluates rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from countenance.policy.decision import Rule
from countenance.policy.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """One pack's rules as text.

    Attributes:
        prefix: What the id of each of its rules begins with.
        may_permit: Whether it may hold permits: the core alone.
    """

    pack: str
    prefix: str
    rules: str
    may_permit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The codes that the packs in force know.

    Attributes:
        sensitive: Purposes that need a supervisor's approval.
        offence_required: Purposes that need an offence.
    """

    purposes: frozenset[str]
    offences: frozenset[str]
    sensitive: frozenset[str]
    offence_required: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules say of one request.

    Attributes:
        forbids: Ids of the rules that forbid it.
        failed: Whether something could not be evaluated, which is a denial.
    """

    allowed: bool
    forbids: tuple[str, ...]
    failed: bool


class Rules(Protocol):
    """Rules that were loaded and validated."""

    @property
    def forbids(self) -> Mapping[str, Rule]:
        """All rules that forbid, by id."""

    def judge(self, requests: Sequence[Request], lists: Lists) -> tuple[Verdict, ...]:
        """Decide requests, one verdict each. Never raises for what a request holds: what can't be decided is denied."""


LoadRules = Callable[[str, Sequence[RuleText]], Rules]
"""Makes rules of a schema and the packs' texts; raises IntegrityError, code `policy-invalid`."""
