"""A year's searches counted from the audit log alone, and what of it a statute's yearly report asks for."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from countenance.audit.model import Checkpoint, Outcome
from countenance.core.errors import NotFoundError

UNSTATED: Final = "none stated"

SECTIONS: Final = {
    "searches": "Searches",
    "month": "Searches answered, by month (UTC)",
    "purpose": "Searches answered, by purpose",
    "offence": "Searches answered, by offence",
    "probe": "Searches answered, by kind of probe",
    "source": "Searches answered, by source that was searched (its id)",
    "candidates": "Candidates",
    "use": "Who searched, and for what",
    "rule": "Searches refused, by rule",
    "alert": "Alerts of oversight, by rule",
}
"""What is counted, in the order of the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One thing that a statute's report has to say.

    Attributes:
        cites: Where the statute asks for it.
        asks: For what, in our words.
        sections: Those of SECTIONS that answer it, as far as they do.
        lacks: What is not in the log, and has to be added by whoever reports.
    """

    cites: str
    asks: str
    sections: tuple[str, ...]
    lacks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statute:
    """A statute that asks for a yearly report."""

    title: str
    duties: tuple[Duty, ...]


STATUTES: Final[Mapping[str, Statute]] = {
    "us-md": Statute(
        title="Maryland, Criminal Procedure § 2-510: annual report, to be published by 1 February",
        duties=(
            Duty(
                cites="§ 2-510(a)(1)",
                asks="the system's name, and names and descriptions of the databases searched",
                sections=("source",),
                lacks="the system is Countenance; the log names sources by their ids, `countenance source list` says "
                "what they are called, and what they are is for the agency to describe",
            ),
            Duty(
                cites="§ 2-510(a)(2)",
                asks="how many searches were performed, and the type of crime or incident of each",
                sections=("searches", "purpose", "offence"),
                lacks="nothing, where examiners chose the right offence and purpose from the pack's lists",
            ),
            Duty(
                cites="§ 2-510(a)(3)",
                asks="how many possible matches led to further investigative action, by database, with age, race and "
                "gender where government records have them",
                sections=("candidates",),
                lacks="the log counts candidates that were returned; which of them led to action is not recorded "
                "here, and age, race and gender are neither kept nor inferred",
            ),
            Duty(
                cites="§ 2-510(a)(4)",
                asks="data breaches and unauthorised uses",
                sections=("rule", "alert"),
                lacks="refusals and alerts are counted as what may point to one; whether something was a breach or an "
                "unauthorised use is for the agency to find and to say",
            ),
        ),
    ),
}
"""Statutes by the name that their law pack begins with. Not legal advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transparency:
    """The counts of one year.

    Attributes:
        organisation: Id of the only organisation that was counted; None for all.
        statute: Name of the statute that it is arranged for; None for none.
        checkpoint: The signed state of the log that was counted.
        counts: By section, then by name.
    """

    year: int
    organisation: str | None
    statute: str | None
    checkpoint: Checkpoint
    counts: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        duties = () if self.statute is None else STATUTES[self.statute].duties
        return {
            "year": self.year,
            "organisation": self.organisation,
            "statute": None if self.statute is None else STATUTES[self.statute].title,
            "log": {
                "origin": self.checkpoint.origin,
                "entries": self.checkpoint.size,
                "root": self.checkpoint.root.hex(),
            },
            "counts": {section: dict(named) for section, named in self.counts.items()},
            "duties": [
                {"cites": duty.cites, "asks": duty.asks, "sections": list(duty.sections), "lacks": duty.lacks}
                for duty in duties
            ],
        }


def statute_named(name: str) -> Statute:
    """Return a statute.

    Raises:
        NotFoundError: code `statute-unknown`.
    """
    if name not in STATUTES:
        raise NotFoundError(
            f"there is no report for {name!r}", code="statute-unknown", hint=f"one of: {', '.join(STATUTES)}"
        )
    return STATUTES[name]


def count_year(bodies: Iterable[bytes], year: int, *, organisation: str | None = None) -> dict[str, dict[str, int]]:
    """Count what a log says of one year.

    Args:
        bodies: All entries of the log.
        year: By the entries' own times, UTC.
        organisation: Only this one's searches, and alerts about them.
    """
    counts: dict[str, Counter[str]] = {section: Counter() for section in SECTIONS}
    seen: dict[str, set[str]] = defaultdict(set)
    prefix = f"{year:04}-"
    for body in bodies:
        # Most entries need not be read as JSON.
        if b'"action":"search"' not in body and b'"action":"oversight-alert"' not in body:
            continue
        entry = json.loads(body)
        if not entry["at"].startswith(prefix):
            continue
        if entry["action"] == "search" and organisation in {None, entry["actor"]["organisation"]}:
            _search(entry, counts, seen)
        elif entry["action"] == "oversight-alert" and organisation in {None, entry["facts"]["organisation"]}:
            counts["alert"][entry["facts"]["rule"]] += 1
    counts["use"].update({"people who searched": len(seen["user"]), "cases searched for": len(seen["case"])})
    return {section: dict(sorted(named.items())) for section, named in counts.items()}


def _search(entry: Mapping[str, Any], counts: Mapping[str, Counter[str]], seen: Mapping[str, set[str]]) -> None:
    """Count one search."""
    facts = entry["facts"]
    counts["searches"][entry["outcome"]] += 1
    if entry["outcome"] == Outcome.REFUSED:
        counts["rule"].update(facts.get("rules") or [facts.get("code", UNSTATED)])
    if entry["outcome"] != Outcome.DONE:
        return
    counts["month"][entry["at"][:7]] += 1
    for section in ("purpose", "offence", "probe"):
        counts[section][facts.get(section) or UNSTATED] += 1
    counts["source"].update(facts.get("sources", ["more than an entry names"]))
    returned = facts.get("candidates", 0)
    counts["candidates"].update(
        {"returned": returned, "answers with candidates": returned > 0, "answers without": returned == 0}
    )
    seen["user"].add(entry["actor"]["user"])
    if facts.get("case"):
        seen["case"].add(facts["case"])
