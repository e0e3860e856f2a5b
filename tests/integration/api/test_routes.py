"""Every route of the REST API, driven by the typed client over loopback."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from countenance.api.search_models import SearchReply
from countenance.bootstrap.wiring import OpenGallery
from countenance.client.client import Client
from countenance.search.model import LEAD, SearchRequest
from countenance.search.rendering import answer_json
from tests import signed_up

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CASE = {"case": "2026-114", "purpose": "missing-person"}


def test_health_says_that_the_server_can_search(client: Client) -> None:
    assert client.health()


def test_version_is_the_packages(client: Client) -> None:
    assert client.version() == "0.1.0"


def test_a_search_finds_the_enrolled_person_first(client: Client, portraits: Mapping[str, Path]) -> None:
    answer = client.search(portraits["obama3.jpg"].read_bytes(), filename="obama3.jpg", **CASE)

    assert answer.outcome == "searched"
    assert answer.candidates[0].subject.label == "C"
    assert answer.candidates[0].rank == 1
    assert answer.candidates[0].score >= answer.threshold
    assert answer.lead == LEAD


def test_a_key_for_searching_is_enough_to_search(
    gallery: OpenGallery, address: str, portraits: Mapping[str, Path]
) -> None:
    key = signed_up.api_key(gallery, actions=["search"])

    with Client(address, key) as narrowed:
        answer = narrowed.search(portraits["obama3.jpg"].read_bytes(), filename="obama3.jpg", **CASE)

    assert [candidate.subject.label for candidate in answer.candidates][:1] == ["C"]


def test_several_photographs_of_one_person_score_higher(client: Client, portraits: Mapping[str, Path]) -> None:
    first, second = portraits["obama3.jpg"].read_bytes(), portraits["impostor_1.jpg"].read_bytes()

    alone = client.search(first, **CASE)
    together = client.search(first, further=[second], **CASE)

    assert together.candidates[0].subject.label == "C"
    assert together.candidates[0].score > alone.candidates[0].score


def test_a_stranger_finds_nobody(client: Client, portraits: Mapping[str, Path]) -> None:
    answer = client.search(portraits["impostor_2.jpg"].read_bytes(), **CASE)

    assert answer.outcome == "searched"
    assert answer.candidates == ()


def test_one_candidate_a_subject_however_many_templates(client: Client, portraits: Mapping[str, Path]) -> None:
    answer = client.search(portraits["obama3.jpg"].read_bytes(), threshold=-1.0, **CASE)

    subjects = [candidate.subject.id for candidate in answer.candidates]
    assert len(subjects) == len(set(subjects)) == answer.gallery.subjects


def test_the_limit_bounds_the_list(client: Client, portraits: Mapping[str, Path]) -> None:
    answer = client.search(portraits["obama3.jpg"].read_bytes(), threshold=-1.0, limit=2, **CASE)

    assert [candidate.rank for candidate in answer.candidates] == [1, 2]


def test_a_search_is_kept_as_it_was_answered(
    client: Client, gallery: OpenGallery, portraits: Mapping[str, Path]
) -> None:
    answer = client.search(portraits["person_a_2.jpg"].read_bytes(), **CASE)

    kept = client.kept_search(answer.search_id)

    assert kept == answer
    assert gallery.records.search(answer.search_id)["probe"]["sha256"] == answer.probe.sha256  # type: ignore[index]


def test_faces_are_found_without_being_kept(client: Client, portraits: Mapping[str, Path]) -> None:
    data, before = portraits["biden.jpg"].read_bytes(), client.gallery()

    probe = client.faces(data, filename="biden.jpg", thorough=True)

    assert probe.sha256 == sha256(data).hexdigest()
    assert probe.faces[0].face == 1
    assert probe.faces[0].passes
    assert client.gallery() == before


def test_a_source_is_registered_listed_and_shown(client: Client) -> None:
    made = client.register_source(name="harbour-2026", owner="Port", legal_basis="contract", document=b"contract")

    assert client.source("harbour-2026") == made
    assert made in client.sources()
    assert made.document_sha256 == sha256(b"contract").hexdigest()


def test_the_same_photograph_twice_is_one_image(client: Client, portraits: Mapping[str, Path]) -> None:
    client.register_source(name="twice", owner="Port", legal_basis="licence", document=b"licence")
    data = portraits["person_b_2.jpg"].read_bytes()

    first = client.enrol("twice", data, filename="b.jpg", subject="B")
    second = client.enrol("twice", data, filename="again.jpg", subject="B")

    assert (first.enrolled, first.already) == (1, 0)
    assert (second.enrolled, second.already) == (0, 1)
    assert client.source("twice").images == 1


def test_concurrent_duplicates_are_one_image(client: Client, portraits: Mapping[str, Path]) -> None:
    client.register_source(name="at-once", owner="Port", legal_basis="licence", document=b"licence")
    data = portraits["person_b_2.jpg"].read_bytes()

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: client.enrol("at-once", data, filename="b.jpg", subject="B"), range(4)))

    assert all(report.enrolled + report.already == 1 for report in reports)
    assert (client.source("at-once").images, client.source("at-once").templates) == (1, 1)


def test_a_file_name_is_only_ever_a_name(client: Client, portraits: Mapping[str, Path]) -> None:
    client.register_source(name="tricks", owner="Port", legal_basis="licence", document=b"licence")
    data = portraits["impostor_1.jpg"].read_bytes()

    client.enrol("tricks", data, filename="../../etc/passwd\\..\\x.jpg", subject="D")

    [subject] = client.subjects(source="tricks").subjects
    assert [face.reference for face in client.subject(subject.subject_id).faces] == ["x.jpg"]


def test_subjects_come_in_pages(client: Client) -> None:
    first = client.subjects(source="portraits", limit=3)
    rest = client.subjects(source="portraits", limit=3, offset=3)

    assert (len(first.subjects), first.next_offset) == (3, 3)
    assert (len(rest.subjects), rest.next_offset) == (1, None)
    assert [subject.label for subject in client.all_subjects(source="portraits")] == ["A", "B", "C", None]


def test_a_subject_has_faces_with_crops_and_photographs(client: Client, portraits: Mapping[str, Path]) -> None:
    subject = next(subject for subject in client.all_subjects() if subject.label == "C")

    shown = client.subject(subject.subject_id)
    crop = client.crop(shown.faces[0].face_id)
    media_type, photograph = client.photograph(shown.faces[0].image_id)

    assert [face.reference for face in shown.faces] == ["obama.jpg", "obama2.jpg"]
    assert crop.startswith(b"\xff\xd8\xff")
    assert media_type == "image/jpeg"
    assert photograph == portraits["obama.jpg"].read_bytes()


def test_the_response_models_neither_add_nor_drop_a_field(gallery: OpenGallery, portraits: Mapping[str, Path]) -> None:
    data = portraits["obama3.jpg"].read_bytes()
    rendered = answer_json(
        gallery.search(SearchRequest(image=data, filename=None, actor=signed_up.acting(gallery), **CASE))
    )

    assert SearchReply.model_validate(rendered).model_dump(mode="json") == rendered
