"""What the audit log can't take is not done, and not answered."""

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from countenance.audit.verification import verify_log
from countenance.bootstrap.auditing import known_verifiers
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import CountenanceError, UnavailableError
from countenance.gallery.model import LegalBasis
from countenance.search.entries import answer_digest
from countenance.search.model import SearchRequest
from countenance.search.rendering import answer_json
from tests import signed_up


@pytest.fixture
def gallery(tmp_path: Path, portraits: Mapping[str, Path]) -> Iterator[OpenGallery]:
    """A gallery with one person."""
    settings = Settings(home=tmp_path / "home", workers=1)
    initialise(settings)
    with open_gallery(settings) as opened:
        opened.sources.register(name="archive", owner="o", legal_basis=LegalBasis.CONSENT, document=b"d")
        opened.enrol_photograph("archive", _bytes(portraits), filename="a.jpg", subject="A")
        signed_up.admitted(opened)
        yield opened


def _bytes(portraits: Mapping[str, Path]) -> bytes:
    """Return one sample portrait."""
    return portraits[min(portraits)].read_bytes()


def request(gallery: OpenGallery, portraits: Mapping[str, Path], *, case: str = signed_up.CASE) -> SearchRequest:
    """Return a search."""
    actor = signed_up.acting(gallery)
    return SearchRequest(image=_bytes(portraits), filename=None, case=case, purpose=signed_up.PURPOSE, actor=actor)


def break_log(gallery: OpenGallery) -> None:
    """Make the database refuse entries, as a full or damaged one does."""
    with sqlite3.connect(gallery.settings.database) as database:
        database.execute("CREATE TRIGGER broken BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'broken'); END")


def searches(gallery: OpenGallery) -> int:
    """Count the answers that are kept."""
    with sqlite3.connect(gallery.settings.database) as database:
        count: int = database.execute("SELECT count(*) FROM search").fetchone()[0]
    return count


def actions(gallery: OpenGallery) -> list[str]:
    """Return what the log says was done."""
    return [body.decode().split('"')[3] for body in gallery.audit.entries(0, gallery.audit.head().size)]


def test_everything_leaves_an_entry(gallery: OpenGallery, portraits: Mapping[str, Path]) -> None:
    answer = gallery.search(request(gallery, portraits))
    with pytest.raises(CountenanceError, match="case"):
        gallery.search(request(gallery, portraits, case=""))
    [candidate] = answer.candidates
    gallery.crops([candidate.face.face_id])
    gallery.photograph(candidate.face.image_id)

    written = actions(gallery)
    told = [action for action in written if not action.startswith(("access-", "case-"))]
    assert told == ["source-register", "enrol", "search", "search", "picture-show", "picture-show"]
    at = len(written) - 3
    refused = next(gallery.audit.entries(at, at + 1)).decode()
    assert '"code":"case-invalid"' in refused
    assert '"outcome":"refused"' in refused
    assert verify_log(gallery.audit, verifiers=known_verifiers(gallery.settings)).checkpoint.size == len(written)


def test_an_answer_carries_a_receipt_for_what_it_says(gallery: OpenGallery, portraits: Mapping[str, Path]) -> None:
    answer = gallery.search(request(gallery, portraits))

    document = answer_json(answer)
    assert gallery.records.search(answer.search_id) == document
    assert answer.receipt is not None
    assert answer.receipt.holds(known_verifiers(gallery.settings))
    assert f'"answer_sha256":"{answer_digest(document)}"' in document["receipt"]["entry"]


def test_a_search_that_the_log_does_not_take_is_not_answered(
    gallery: OpenGallery, portraits: Mapping[str, Path]
) -> None:
    break_log(gallery)

    with pytest.raises(UnavailableError) as caught:
        gallery.search(request(gallery, portraits))

    assert caught.value.code == "audit-unwritable"
    assert searches(gallery) == 0


def test_a_refusal_that_the_log_does_not_take_is_not_told(gallery: OpenGallery, portraits: Mapping[str, Path]) -> None:
    break_log(gallery)

    with pytest.raises(UnavailableError) as caught:
        gallery.search(request(gallery, portraits, case=""))

    assert caught.value.code == "audit-unwritable"


def test_nothing_else_is_done_without_its_entry(gallery: OpenGallery, portraits: Mapping[str, Path]) -> None:
    before = gallery.records.snapshot()
    [face] = gallery.records.faces([1]).values()
    break_log(gallery)

    codes = []
    for act in (
        lambda: gallery.sources.register(name="other", owner="o", legal_basis=LegalBasis.CONSENT, document=b"d"),
        lambda: gallery.enrol_photograph(
            "archive", portraits[max(portraits)].read_bytes(), filename="b.jpg", subject="B"
        ),
        lambda: gallery.crops([face.face_id]),
        lambda: gallery.photograph(face.image_id),
    ):
        with pytest.raises(UnavailableError) as caught:
            act()
        codes.append(caught.value.code)

    assert codes == ["audit-unwritable"] * 4
    assert gallery.records.snapshot() == before


def test_the_log_holds_nothing_personal(gallery: OpenGallery, portraits: Mapping[str, Path]) -> None:
    gallery.search(request(gallery, portraits))

    written = b"".join(gallery.audit.entries(0, gallery.audit.head().size)).decode()

    assert all(word not in written for word in ("2026-114", "victim", '"A"', "a.jpg", "archive"))
