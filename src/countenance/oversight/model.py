"""What oversight reads in the log, and what it tells."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One search as the log has it.

    Attributes:
        index: Of the entry.
        answered: False where it was refused or failed.
        case: Id of the case; empty where the entry names none.
        kind: What the probe is said to be; empty where the entry does not say.
        rules: Ids of the rules that refused it.
        period: Which key its sketch was made with; empty where there is none.
    """

    index: int
    at: datetime
    user: str
    organisation: str
    answered: bool
    case: str = ""
    kind: str = ""
    rules: tuple[str, ...] = ()
    period: str = ""
    sketch: bytes = b""


class Rule(StrEnum):
    """What an alert is about."""

    FACES_UNDER_CASE = "faces-under-case"
    FACE_UNDER_CASES = "face-under-cases"
    VOLUME = "volume"
    PROBE_KINDS = "probe-kinds"
    BARRED = "barred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a person should look into; it accuses nobody.

    Attributes:
        subject: The case or person that it is about, by id.
        at: Time of the search that made it plain.
        entries: Indices of the entries that it rests on, rising.
        says: What was seen, in a sentence without names.
    """

    rule: Rule
    organisation: str
    user: str
    subject: str
    at: datetime
    entries: tuple[int, ...]
    says: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two alerts the same one."""
        return self.rule.value, self.organisation, self.subject

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "rule": self.rule.value,
            "organisation": self.organisation,
            "user": self.user,
            "subject": self.subject,
            "at": self.at.isoformat(),
            "entries": list(self.entries),
            "says": self.says,
        }


def alert_of(document: dict[str, Any]) -> Alert:
    """Return an alert from its JSON."""
    return Alert(
        rule=Rule(document["rule"]),
        organisation=document["organisation"],
        user=document["user"],
        subject=document["subject"],
        at=datetime.fromisoformat(document["at"]),
        entries=tuple(document["entries"]),
        says=document["says"],
    )


def events_in(bodies: Iterable[bytes], *, first: int = 0) -> Iterator[Event]:
    """Read the searches among entries.

    Args:
        first: Index of the first entry.
    """
    for index, body in enumerate(bodies, start=first):
        document = json.loads(body)
        if document["action"] == "search":
            facts = document["facts"]
            yield Event(
                index=index,
                at=datetime.fromisoformat(document["at"]),
                user=document["actor"]["user"],
                organisation=document["actor"]["organisation"],
                answered=document["outcome"] == "done",
                case=facts.get("case", ""),
                kind=facts.get("probe", ""),
                rules=tuple(facts.get("rules", ())),
                period=facts.get("period", ""),
                sketch=bytes.fromhex(facts.get("sketch", "")),
            )
