"""Answers to searches, kept as they were given, in two parts.

What tells who a candidate is lies under its source's key, the rest under the home's: a source that goes takes its
people out of every kept answer at once.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from countenance.adapters.sql.database import slices
from countenance.adapters.sql.destruction_models import SearchCandidateRow
from countenance.adapters.sql.enrolled import added
from countenance.adapters.sql.models import FaceRow, ImageRow, SearchRow, SourceRow, SubjectRow
from countenance.adapters.sql.sealing import CANDIDATE, SEARCH, RowSeals
from countenance.adapters.sql.source_register import find_source
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, NotFoundError
from countenance.gallery.destruction import forgotten
from countenance.gallery.model import SourceState
from countenance.keys.model import KeyState, source_scope
from countenance.search.model import search_unknown


@contextmanager
def source_still_readable() -> Iterator[None]:
    """Turn a key that was destroyed since a scan chose rows into what it means for the search.

    Raises:
        ConflictError: code `source-changed-meanwhile`; the next search leaves the source out.
    """
    try:
        yield
    except NotFoundError as error:
        if error.code != "key-destroyed":
            raise
        raise _changed_meanwhile() from None


def _changed_meanwhile() -> ConflictError:
    return ConflictError(
        "a source was suspended or withdrawn while it was searched",
        code="source-changed-meanwhile",
        hint="search again",
    )


def add_search(session: Session, seals: RowSeals, search_id: str, answer: Mapping[str, Any]) -> None:
    """Keep an answer, and list whom it returned, so that it is found when one of them is destroyed.

    Raises:
        ConflictError: codes `source-changed-meanwhile`, a candidate's source was stopped since the scan, and
            `candidate-gone-meanwhile`, a candidate's face was erased.
    """
    candidates = [
        (candidate, find_source(session, seals, candidate["source"])) for candidate in answer.get("candidates", ())
    ]
    if any(source.state != SourceState.ACTIVE.value for _, source in candidates):
        raise _changed_meanwhile()
    _require_on_record(session, [candidate["face"] for candidate, _ in candidates if "face" in candidate])
    row = SearchRow(
        search_id=search_id,
        searched_at=datetime.fromisoformat(str(answer["searched_at"])),
        entry=sealed_answer(seals, search_id, answer),
    )
    number = added(session, row).number
    for candidate, source in candidates:
        record = candidate_record(search_id, candidate["rank"])
        session.add(
            SearchCandidateRow(
                search=number,
                rank=candidate["rank"],
                source=source.number,
                subject_id=candidate["subject"]["id"],
                entry=seals.entry(source.source_id, record, candidate, column=CANDIDATE),
            )
        )


def _require_on_record(session: Session, face_ids: list[str]) -> None:
    """Refuse an answer that shows a face which was erased since the scan.

    Raises:
        ConflictError: code `candidate-gone-meanwhile`.
    """
    there = sum(
        session.scalars(select(func.count()).where(FaceRow.face_id.in_(part))).one() for part in slices(face_ids)
    )
    if there < len(face_ids):
        raise ConflictError(
            "somebody was erased while they were searched", code="candidate-gone-meanwhile", hint="search again"
        )


def forget_in_answer(
    session: Session,
    seals: RowSeals,
    search: int,
    candidates: Sequence[SearchCandidateRow],
    redacted: Callable[[dict[str, Any], Collection[int]], dict[str, Any]],
) -> None:
    """Rewrite a kept answer without some of its candidates, and what tells who they were."""
    row = session.get_one(SearchRow, search)
    answer = redacted(opened_answer(seals, row), {one.rank for one in candidates})
    row.entry = sealed_answer(seals, row.search_id, answer)
    for one in candidates:
        one.forgotten_at, one.entry = utc_now(), None


def kept_search(session: Session, seals: RowSeals, search_id: str) -> dict[str, Any]:
    """Return a kept answer.

    Raises:
        NotFoundError: code `search-unknown`.
    """
    row = session.scalar(select(SearchRow).where(SearchRow.search_id == search_id))
    if row is None:
        raise search_unknown()
    answer = opened_answer(seals, row)
    chosen = (
        select(SearchCandidateRow.rank, SearchCandidateRow.entry, SourceRow.source_id)
        .join(SourceRow, SearchCandidateRow.source == SourceRow.number)
        .where(SearchCandidateRow.search == row.number)
    )
    told = {
        rank: seals.open_entry(source_id, candidate_record(search_id, rank), entry, column=CANDIDATE)
        for rank, entry, source_id in session.execute(chosen)
        if entry is not None and seals.keyring.state(source_scope(source_id)) is not KeyState.DESTROYED
    }
    if "candidates" in answer:
        answer["candidates"] = [told.get(one["rank"], one) for one in answer["candidates"]]
    return answer


def answers_showing(session: Session, seals: RowSeals, target: str) -> tuple[str, ...]:
    """Return the ids of the kept answers that show a face or a photograph: see the port."""
    of_face = select(FaceRow.subject).where(FaceRow.face_id == target)
    of_image = (
        select(FaceRow.subject).join(ImageRow, FaceRow.image == ImageRow.number).where(ImageRow.image_id == target)
    )
    subjects = select(SubjectRow.subject_id).where(SubjectRow.number.in_(of_face.union(of_image)))
    chosen = (
        select(SearchRow.search_id, SearchCandidateRow.rank, SearchCandidateRow.entry, SourceRow.source_id)
        .join(SearchRow, SearchCandidateRow.search == SearchRow.number)
        .join(SourceRow, SearchCandidateRow.source == SourceRow.number)
        .where(SearchCandidateRow.subject_id.in_(subjects))
        .order_by(SearchRow.number.desc())
    )
    found: dict[str, None] = {}
    for search_id, rank, entry, source_id in session.execute(chosen):
        if entry is None:
            continue
        candidate = seals.open_entry(source_id, candidate_record(search_id, rank), entry, column=CANDIDATE)
        if target in {candidate.get("face"), candidate.get("image", {}).get("id")}:
            found[search_id] = None
    return tuple(found)


def sealed_answer(seals: RowSeals, search_id: str, answer: Mapping[str, Any]) -> bytes:
    """Seal an answer without what tells who its candidates are."""
    kept = dict(answer)
    if "candidates" in kept:
        kept["candidates"] = [forgotten(candidate) for candidate in kept["candidates"]]
    return seals.home_entry(search_id, kept, column=SEARCH)


def opened_answer(seals: RowSeals, row: SearchRow) -> dict[str, Any]:
    """Return an answer without what tells who its candidates are."""
    answer: dict[str, Any] = seals.open_home_entry(row.search_id, row.entry, column=SEARCH)
    return answer


def candidate_record(search_id: str, rank: int) -> str:
    """Return what a candidate is sealed as."""
    return f"{search_id}/{rank}"
