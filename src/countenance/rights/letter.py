"""The letter that answers a request, as paragraphs."""

from datetime import date
from typing import NamedTuple

from countenance.core.errors import ConflictError
from countenance.rights.model import Consent, Decision, Holding, RequestKind, RightsRequest
from countenance.search.model import LEAD

ASKED = {
    RequestKind.ACCESS: "to know what is held about you",
    RequestKind.ERASURE: "to be erased",
    RequestKind.OBJECTION: "that your face is not processed here any more",
    RequestKind.SEARCHES: "which searches returned you",
    RequestKind.STAY_OUT: "not to be enrolled here",
}

COMPLAIN = (
    "If you think that this is wrong, you can complain to the supervisory authority for data protection where you live "
    "or work, and go to court."
)
BACKUPS = (
    "Backups made before hold what was erased, sealed, until they are deleted. If one is put back, you are erased "
    "again before anything is searched."
)
STAYING_OUT = (
    "For this, numbers computed from your photograph are kept, as you agreed: sealed under a key of their own, "
    "compared with faces that are about to be enrolled, and used for nothing else; nobody can search with them or for "
    "them. They are destroyed when the entry ends. You can end it at any time and need not say why: name the "
    "reference of the entry."
)
NOTHING_HELD = "Nobody who is enrolled here was recognised as you, so nothing is held."
LEFT_OUT = (
    "Collections that other organisations keep in this system were not looked through for this answer. Whoever runs "
    "the system can do that: ask for it."
)
NOT_CERTAIN = (
    "A computer compares the faces, so it is not certain: a photograph that shows you from the side, in bad light or "
    "much younger may not be recognised and be enrolled. If you find that this happened, ask to be erased."
)


class Paragraph(NamedTuple):
    """One paragraph; a heading stands above those that follow."""

    text: str
    heading: bool = False


def letter(request: RightsRequest, *, on: date, contact: str = "") -> tuple[Paragraph, ...]:
    """Return the letter of a request that was released.

    Args:
        request: What is answered.
        on: The letter's day.
        contact: Whom to ask; empty leaves it out.

    Raises:
        ConflictError: code `request-not-released`.
    """
    decision = request.decision
    if decision is None or not any(step.state.value == "released" for step in request.steps):
        raise ConflictError(
            "there is no letter before a request is released",
            code="request-not-released",
            hint="`countenance rights release`, by another person than who decided",
        )
    paragraphs = [
        Paragraph(f"{request.name}\n{request.contact}"),
        Paragraph(f"Your request of {request.received_on.isoformat()}", heading=True),
        Paragraph(f"Date: {on.isoformat()}. Reference: {request.request_id}."),
        Paragraph(f"You asked {ASKED[request.kind]}."),
        Paragraph(f"{'This was granted' if decision.granted else 'This was not granted'}: {decision.reason}"),
        *(_granted(request, decision) if decision.granted else ()),
        Paragraph("What you can do", heading=True),
        Paragraph(COMPLAIN),
        Paragraph("The photograph that you gave was used once to look for you, and was not kept."),
    ]
    if contact:
        paragraphs.append(Paragraph(f"Questions: {contact}"))
    return tuple(paragraphs)


def _granted(request: RightsRequest, decision: Decision) -> tuple[Paragraph, ...]:
    """Return what a request that was granted gives."""
    found = [] if request.consent is None else _staying_out(request.consent)
    if request.left_out:
        found.append(Paragraph(LEFT_OUT))
    if not request.holdings:
        nothing = "Nobody was recognised as you." if request.left_out else NOTHING_HELD
        return (*found, Paragraph(nothing))
    if request.kind.erases:
        found.append(Paragraph("What was erased", heading=True))
    elif request.kind is RequestKind.ACCESS:
        found.append(Paragraph("What is held", heading=True))
    elif request.kind is RequestKind.STAY_OUT:
        found.append(Paragraph("What was enrolled before, and stays unless you ask for its erasure", heading=True))
    if request.kind is not RequestKind.SEARCHES:
        found += [Paragraph(_held(one)) for one in request.holdings]
    if request.certificates:
        found.append(Paragraph("Signed certificates of destruction: " + ", ".join(request.certificates) + "."))
        found.append(Paragraph(BACKUPS))
    found.append(Paragraph("Searches that returned you", heading=True))
    found += _searches(request, decision)
    return tuple(found)


def _staying_out(consent: Consent) -> list[Paragraph]:
    """Say what the entry does, for how long, and how it is ended."""
    return [
        Paragraph("What happens from now on", heading=True),
        Paragraph(
            f"Up to and with {consent.ends_on.isoformat()}, a face that is recognised as yours is not enrolled. "
            f"Reference of the entry: {consent.entry_id}."
        ),
        Paragraph(STAYING_OUT),
        Paragraph(NOT_CERTAIN),
    ]


def _held(one: Holding) -> str:
    """Say what is on record of one subject."""
    until = "no last day is set" if one.last_day is None else f"kept until {one.last_day.isoformat()} at the latest"
    return (
        f"In the source {one.source!r}, given by {one.owner} (legal basis: {one.legal_basis}; {until}): "
        f"{one.photographs:,} photographs with your face, and {one.templates:,} templates computed from them, "
        f"used to find who is in a photograph. Identifier: {one.subject_id}."
    )


def _searches(request: RightsRequest, decision: Decision) -> list[Paragraph]:
    """Say which searches returned the person, or that it is not said."""
    if not decision.tells_searches:
        return [Paragraph("Whether there were any is not said here; a law restricts it. You can have that checked.")]
    searches = sorted({search for one in request.holdings for search in one.searches})
    if not searches:
        return [Paragraph("None whose answer is still kept.")]
    lines = [f"{at:%Y-%m-%d %H:%M} UTC, search {search_id}" for at, search_id in searches]
    return [
        Paragraph("\n".join(lines)),
        Paragraph(f"To be returned means to look similar. {LEAD}"),
    ]
