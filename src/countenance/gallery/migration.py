"""What moving from another system shares: why a row or file is refused, and what a person's name may be.

Photographs move and are enrolled anew; embeddings don't (ADR 0043).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from countenance.core.errors import InvalidInputError
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.plan import PlannedPhotograph, checked_label

REASONS: Mapping[str, tuple[str, str]] = {
    "embedding-malformed": ("its embedding is no list of numbers", "the row may be damaged: mend it or leave it out"),
    "embedding-not-finite": ("its embedding holds NaN or infinity", "the row may be damaged: mend it or leave it out"),
    "embedding-of-another-length": (
        "its embedding has another length than the first one's",
        "rows of one table come out of one network: mend it or leave it out",
    ),
    "label-formula": ("its subject's name begins as a spreadsheet's formula", "rename the subject: no = + - @ first"),
    "label-invalid": ("its subject's name can't be a label", "1 to 200 printable characters"),
    "member-link": ("it is a link, not a file", "put the photograph itself there"),
    "member-outside": ("its name is no path below the folder", "hand the photographs over in a folder"),
    "member-too-large": ("it is larger than COUNTENANCE_MAX_IMAGE_BYTES", "leave it out"),
    "photograph-malformed": ("its photograph is not written as bytes", "ask for the dump again"),
    "photograph-missing": (
        "there is no photograph of it",
        "embeddings alone are not enrolled: ask the source for the photograph",
    ),
    "reference-invalid": ("its path can't be kept", "printable characters only, up to 1000"),
    "row-twice": ("a row before names the same photograph", "keep one row a photograph"),
    "subject-missing": ("nobody is named in it", "say whose it is, or leave it out"),
}
"""Each code to what is wrong and what to do."""

FORMULA = ("=", "+", "-", "@")


def refused_row(reference: str, code: str) -> NotEnrolled:
    """Refuse one row or file for one of the reasons above."""
    message, hint = REASONS.get(code, ("it can't be taken", ""))
    return NotEnrolled(reference=reference, code=code, message=message, hint=hint)


def checked_person(name: str) -> str:
    """Return a person's name without blanks around it.

    Raises:
        InvalidInputError: codes `subject-missing`, `label-formula` (a spreadsheet that a list is opened with would run
            it), `label-invalid`.
    """
    name = name.strip()
    if not name:
        raise InvalidInputError("nobody is named", code="subject-missing", hint="say whose it is")
    if name.startswith(FORMULA):
        raise InvalidInputError(
            f"{name[:40]!r} begins as a spreadsheet's formula", code="label-formula", hint="rename the subject"
        )
    return checked_label(name)


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """What a migration would begin with: nothing was opened as a picture, and nothing written.

    Attributes:
        photographs: How many would be looked at for faces.
        subjects: Of how many people.
        not_enrolled: What would be refused before.
    """

    source: str
    photographs: int = 0
    subjects: int = 0
    not_enrolled: list[NotEnrolled] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {"dry_run": True, **asdict(self)}


def rehearse(
    source: str, planned: Iterable[PlannedPhotograph | NotEnrolled], *, on_progress: Callable[[int], None]
) -> Rehearsal:
    """Count what a migration would begin with.

    Raises:
        CountenanceError: what reading the plan raises.
    """
    rehearsal, people = Rehearsal(source=source), set[str | None]()
    for one in planned:
        on_progress(1)
        if isinstance(one, NotEnrolled):
            rehearsal.not_enrolled.append(one)
        else:
            rehearsal.photographs += 1
            people.add(one.label)
    rehearsal.subjects = len(people)
    return rehearsal
