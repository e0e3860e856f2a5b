"""A report of searches as one HTML file: faces side by side, nothing fetched from anywhere, made to be printed."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from countenance.policy.model import Actor
from countenance.search.model import LEAD, Candidate, SearchAnswer
from countenance.search.rendering import coverage_line
from countenance.search.strangers import in_words, interval_in_short
from countenance.vision.decode import decode_image
from countenance.vision.encode import encode_jpeg

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"RIFF", "image/webp"))
"""First bytes of the formats that crops come in, and their media types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEntry:
    """One search, with the pictures to show.

    Attributes:
        name: What the probe is called, e.g. its file name.
        answer: The search's answer.
        probe_crop: The face that was searched, JPEG, PNG or WebP; None when none was.
        crops: Candidates' faces by face id, the same formats; a candidate without one is shown without a picture.
    """

    name: str
    answer: SearchAnswer
    probe_crop: bytes | None
    crops: Mapping[str, bytes]


def report_entry(
    gallery: "OpenGallery", answer: SearchAnswer, *, name: str, photograph: bytes, actor: Actor
) -> ReportEntry:
    """Gather the pictures that a report shows of one search.

    Args:
        gallery: The one that was searched.
        name: What the probe is called.
        photograph: The probe's bytes, as they were searched.
        actor: Who looks at it.
    """
    used = answer.probe.used
    probe_crop = None
    if used is not None:
        pixels = decode_image(photograph, limits=gallery.limits).pixels
        probe_crop = encode_jpeg(gallery.analyser.crop(pixels, answer.probe.faces[used - 1]))
    crops = gallery.crops([found.face.face_id for found in answer.candidates], actor=actor)
    return ReportEntry(name=name, answer=answer, probe_crop=probe_crop, crops=crops)


def render_report(entries: Sequence[ReportEntry], *, title: str, credits: Sequence[str]) -> str:  # noqa: A002
    """Render one self-contained HTML file: pictures and styles within, no script.

    Args:
        entries: The searches, in the order in which they are to be shown.
        title: Of the report.
        credits: Whose photographs these are, a line each; may be empty.

    Raises:
        ValueError: a crop is none of JPEG, PNG and WebP.
    """
    environment = Environment(
        loader=PackageLoader("countenance.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["decimal"] = _decimal
    environment.globals["words"] = _words
    environment.globals["coverage_line"] = coverage_line
    template = environment.get_template("report.html")
    return template.render(title=title, lead=LEAD, credits=credits, entries=[_shown(entry) for entry in entries])


def _shown(entry: ReportEntry) -> dict[str, Any]:
    """Return what the template shows of one search."""
    answer = entry.answer
    faces = {face.number: face for face in answer.probe.faces}
    return {
        "name": entry.name,
        "answer": answer,
        "searched_at": answer.searched_at.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "probe_crop": _data_url(entry.probe_crop),
        "receipt": None if answer.receipt is None else json.dumps(answer.receipt.to_json()),
        "face": None if answer.probe.used is None else faces[answer.probe.used],
        "candidates": [
            (candidate, _data_url(entry.crops.get(candidate.face.face_id))) for candidate in answer.candidates
        ],
    }


def _words(answer: SearchAnswer, candidate: Candidate) -> str:
    """Say how many others would look as similar."""
    people = answer.people
    words = in_words(candidate.strangers, people=people)
    interval = interval_in_short(candidate.strangers)
    return words[0].upper() + words[1:] + (f" (90 % interval: {interval})" if interval else "")


def _data_url(picture: bytes | None) -> str | None:
    """Embed a picture."""
    if picture is None:
        return None
    for magic, media_type in MAGIC:
        if picture.startswith(magic):
            return f"data:{media_type};base64,{base64.b64encode(picture).decode()}"
    raise ValueError("a crop must be JPEG, PNG or WebP")


def _decimal(value: float) -> str:
    """Write a score with three decimals and a real minus sign."""
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")
