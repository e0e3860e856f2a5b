"""What a source's owner allows: for whom, for what, where, for how long; and the releases of single people."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from countenance.core.errors import InvalidInputError
from countenance.core.places import is_place

ANY = "any"
"""Stands for every sector or purpose: the source sets no limit of its own, the policy in force still does."""

SLUG = re.compile(r"[a-z][a-z0-9-]{0,49}")
MAX_WORDS = 200


class RetentionRule(StrEnum):
    """By which rule a source is destroyed without anybody asking.

    Source: 740 ILCS 14/15(a) and Tex. Bus. & Com. Code 503.001(c)(3); docs/guide/retention.md.
    """

    NONE = "none"
    DATE = "date"
    US_IL_BIPA = "us-il-bipa"
    US_TX_CUBI = "us-tx-cubi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a source may be kept.

    Attributes:
        ends_on: Last day, whatever the rule says; the rule `date` needs it.
        purpose_ended_on: When the purpose that the source was given for was met; None while it is not.
        last_interaction_on: When its owner was last in touch; None means when it was registered.
    """

    rule: RetentionRule = RetentionRule.NONE
    ends_on: date | None = None
    purpose_ended_on: date | None = None
    last_interaction_on: date | None = None


def retention_facts(retention: Retention) -> dict[str, str | None]:
    """Return a retention as plain JSON types: the rule, and days as `YYYY-MM-DD`."""
    days = {name: getattr(retention, name) for name in ("ends_on", "purpose_ended_on", "last_interaction_on")}
    return {"rule": retention.rule.value, **{name: day and day.isoformat() for name, day in days.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTerms:
    """What a source may be used for. An empty tuple of sectors or purposes allows nobody anything.

    Attributes:
        contact: Whom to ask, e.g. an e-mail address; empty where none was given.
        sectors: Sectors of organisations that may search it; `any` for all that the policy admits.
        purposes: Purposes that it may be searched for; `any` for all that the policy admits.
        excluded: Countries and regions whose organisations may not search it, e.g. `US-IL`.
        releases_required: Whether a subject needs a release of their own to be enrolled.
    """

    contact: str = ""
    sectors: tuple[str, ...] = (ANY,)
    purposes: tuple[str, ...] = (ANY,)
    excluded: tuple[str, ...] = ()
    releases_required: bool = False
    retention: Retention = field(default_factory=Retention)

    def admits(self, *, sector: str, purpose: str) -> bool:
        """Return whether an organisation's sector and a search's purpose are allowed."""
        return not {ANY, sector}.isdisjoint(self.sectors) and not {ANY, purpose}.isdisjoint(self.purposes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One person's own consent to be in a source.

    Attributes:
        label: The subject's name as the source gives it.
        ends_on: Last day; None where it has no end.
        revoked_at: When it was taken back; None while it holds.
    """

    release_id: str
    label: str
    document_sha256: str
    registered_at: datetime
    registered_by: str
    ends_on: date | None
    revoked_at: datetime | None

    def in_force(self, on: date) -> bool:
        """Return whether it holds on a day."""
        return self.revoked_at is None and (self.ends_on is None or on <= self.ends_on)


def checked_terms(terms: SourceTerms) -> SourceTerms:
    """Return terms that can be kept.

    Raises:
        InvalidInputError: codes `source-contact-invalid`, `source-sector-invalid`, `source-purpose-invalid`,
            `place-unknown`, `retention-invalid`.
    """
    if len(terms.contact) > MAX_WORDS or (terms.contact and not terms.contact.isprintable()):
        raise InvalidInputError(
            f"the contact must have up to {MAX_WORDS} printable characters",
            code="source-contact-invalid",
            hint="e.g. an e-mail address",
        )
    if not terms.sectors or not all(SLUG.fullmatch(sector) for sector in terms.sectors):
        raise InvalidInputError(
            "a sector must be a word in lower case",
            code="source-sector-invalid",
            hint="e.g. law-enforcement, or `any` for all that the policy in force admits",
        )
    if not terms.purposes or not all(SLUG.fullmatch(purpose) for purpose in terms.purposes):
        raise InvalidInputError(
            "a purpose must be a word in lower case",
            code="source-purpose-invalid",
            hint="e.g. missing-person, or `any` for all that the policy in force admits",
        )
    for place in terms.excluded:
        if not is_place(place):
            raise InvalidInputError(
                f"{place[:20]!r} is no country or region",
                code="place-unknown",
                hint="ISO 3166 codes: a country as US, a region as US-IL",
            )
    if (terms.retention.rule is RetentionRule.DATE) != (terms.retention.ends_on is not None):
        raise InvalidInputError(
            "the retention rule `date` goes with a last day, and only with it",
            code="retention-invalid",
            hint="e.g. --retention date --until 2031-12-31",
        )
    return terms
