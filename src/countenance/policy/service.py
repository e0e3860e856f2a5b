"""Decisions: what the packs in force say of a request. Deny by default, and deny whatever can't be decided."""

import hashlib
from collections.abc import Sequence
from datetime import date

from countenance.core.errors import IntegrityError
from countenance.policy.decision import Decision, Rule
from countenance.policy.pack import CORE, SCHEMA, LawPack, Quota, invalid_pack, lists_of, quota_of
from countenance.policy.ports import Lists, LoadRules, Rules, Verdict
from countenance.policy.request import Action, Request

UNDECIDED = Rule(
    rule_id="core-undecided",
    pack=CORE,
    says="the policy can't decide this for certain, so it is not permitted",
    cites="Countenance, deny by default",
    needs="an operator who looks at `countenance policy test`",
)

NO_BASE = Rule(
    rule_id="core-base",
    pack=CORE,
    says="no pack in force says who is admitted",
    cites="Countenance, deny by default",
    needs="a base pack in COUNTENANCE_POLICY_PACKS, e.g. default",
)

WITH_FACES = frozenset(
    {
        Action.SEARCH,
        Action.SEARCH_SOURCE,
        Action.EXAMINE_PROBE,
        Action.VIEW_ANSWER,
        Action.VIEW_SUBJECT,
        Action.ENROL,
    }
)
"""What nobody may do while the packs in force admit nobody or one has expired; the installation can still be run."""


class Policy:
    """The packs in force. Thread-safe."""

    def __init__(self, core: LawPack, packs: Sequence[LawPack], *, load: LoadRules) -> None:
        """Load and validate the packs' rules.

        Args:
            core: Always in force.
            packs: The others, each once.
            load: Makes rules of texts.

        Raises:
            IntegrityError: codes `policy-invalid`, `law-pack-invalid`; nothing may be permitted.
        """
        self.packs = tuple(packs)
        self._core = core
        self._load = load
        schema = schema_of(core)
        # Packs that are not in force yet are validated all the same, so that they can't surprise on their first day.
        self._rules = {frozenset(pack.name for pack in packs): load(schema, [core.text(), *(p.text() for p in packs)])}
        self._schema = schema

    def in_force(self, on: date) -> tuple[LawPack, ...]:
        """Return the packs that are in force on a day; one that has expired still is, and permits nothing."""
        return tuple(pack for pack in self.packs if pack.manifest.effective <= on)

    def lists(self, on: date) -> Lists:
        """Return the purposes and offences that are known on a day."""
        return lists_of(self.in_force(on))

    def quota(self, on: date) -> Quota:
        """Return the tightest quota of a day."""
        return quota_of(self.in_force(on))

    def rules(self) -> tuple[Rule, ...]:
        """Return every rule of the core and the packs, by id."""
        forbids = self._rules_for(self.packs).forbids
        return tuple(forbids[rule_id] for rule_id in sorted(forbids))

    def barring(self) -> frozenset[str]:
        """Return the ids of the rules that refuse an organisation as such."""
        return frozenset(rule.rule_id for rule in self.rules() if rule.bars)

    def digest(self, packs: Sequence[LawPack] | None = None) -> str:
        """Return the hex SHA-256 of all that decides: the schema, rules and lists of the core and the packs."""
        chosen = self.packs if packs is None else packs
        parts = (self._core.digest, *sorted(pack.digest for pack in chosen))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def decide(self, request: Request) -> Decision:
        """Decide one request."""
        [decision] = self.decide_all([request])
        return decision

    def decide_all(self, requests: Sequence[Request]) -> tuple[Decision, ...]:
        """Decide requests of one moment at once: the sources of a search, say. Never raises for what they hold."""
        if not requests:
            return ()
        on = requests[0].at.date()
        packs = self.in_force(on)
        rules = self._rules_for(packs)
        standing = _standing(packs, on)
        digest = self.digest(packs)
        verdicts = rules.judge(requests, lists_of(packs))
        return tuple(
            _decision(request, verdict, rules, standing if request.action in WITH_FACES else (), digest)
            for request, verdict in zip(requests, verdicts, strict=True)
        )

    def _rules_for(self, packs: Sequence[LawPack]) -> Rules:
        """Return the rules of some of the packs, loaded at first need."""
        names = frozenset(pack.name for pack in packs)
        if names not in self._rules:
            self._rules[names] = self._load(self._schema, [self._core.text(), *(pack.text() for pack in packs)])
        return self._rules[names]


def schema_of(core: LawPack) -> str:
    """Return the schema that all rules are written against.

    Raises:
        IntegrityError: code `law-pack-invalid`.
    """
    try:
        return (core.folder / SCHEMA).read_text(encoding="utf-8")
    except OSError as error:
        raise invalid_pack(core.name, f"{SCHEMA}: {error.strerror}") from None


def check_signers(packs: Sequence[LawPack], *, trusted: frozenset[str]) -> None:
    """Check that each pack from elsewhere was signed by a trusted key, where trusted keys are named.

    Raises:
        IntegrityError: code `law-pack-unsigned`; nothing may be decided by it.
    """
    for pack in packs:
        if trusted and not pack.built_in and pack.signed_by not in trusted:
            raise IntegrityError(
                f"the law pack {pack.name} is not signed by a key that is trusted here",
                code="law-pack-unsigned",
                hint="have it signed by one of COUNTENANCE_POLICY_KEYS, or take it out of COUNTENANCE_POLICY_PACKS",
            )


def _standing(packs: Sequence[LawPack], on: date) -> tuple[Rule, ...]:
    """Return the reasons that the packs themselves are against everything with faces."""
    reasons = [
        Rule(
            rule_id="core-expired",
            pack=pack.name,
            says=f"the law pack {pack.name} expired on {pack.manifest.expires}",
            cites=pack.manifest.citation,
            needs="an edition of it that was reviewed since",
        )
        for pack in packs
        if on >= pack.manifest.expires
    ]
    if not any(pack.manifest.kind == "base" for pack in packs):
        reasons.append(NO_BASE)
    return tuple(reasons)


def _decision(request: Request, verdict: Verdict, rules: Rules, standing: tuple[Rule, ...], digest: str) -> Decision:
    """Join what the rules say and what the packs' own standing says."""
    reasons = [*standing, *(rules.forbids.get(rule_id, UNDECIDED) for rule_id in verdict.forbids)]
    if verdict.failed or not (verdict.allowed or reasons):
        reasons.append(UNDECIDED)
    return Decision(action=request.action, allowed=not reasons, reasons=tuple(reasons), policy_digest=digest)
