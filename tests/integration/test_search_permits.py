"""Deciding on searches over real records: quotas that are never overrun, sources' terms, and what the log says."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL

from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import IntegrityError, NotPermittedError
from countenance.core.ids import new_id
from countenance.gallery.model import SourceState
from countenance.gallery.terms import SourceTerms
from countenance.policy.model import SYSTEM, Actor
from countenance.policy.service import Policy
from countenance.search.model import SearchRequest
from countenance.search.permission import Permitted, SearchPermits
from tests import signed_up
from tests.made_up_galleries import fill
from tests.postgresql import setting_of

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
LIMIT = 3
MANIFEST = """
name = "tight"
title = "Few searches"
kind = "law"
prefix = "tight"
citation = "none"
jurisdiction = "*"
effective = 2026-01-01
expires = 2099-01-01
reviewed_by = "tests"
limits = "it is for tests"

[quota]
person_day = 3
case = 5
organisation_day = 6
"""


@pytest.fixture
def gallery(tmp_path: Path, database: URL) -> Iterator[OpenGallery]:
    """A gallery with three sources, where few searches are permitted; its records in either database."""
    settings = Settings(home=tmp_path / "home", policy_packs="default,tight", records_database=setting_of(database))
    initialise(settings)
    pack = settings.packs / "tight"
    pack.mkdir(parents=True)
    for name, text in (("manifest.toml", MANIFEST), ("policies.cedar", ""), ("vectors.toml", "vectors = []")):
        (pack / name).write_text(text, encoding="utf-8")
    with open_gallery(settings) as opened:
        fill(opened, "open", 4)
        fill(opened, "for-archives", 3, terms=SourceTerms(sectors=("archive",)))
        fill(opened, "not-here", 2, terms=SourceTerms(excluded=("NL",)))
        signed_up.admitted(opened)
        yield opened


def request(actor: Actor, *, case: str = signed_up.CASE) -> SearchRequest:
    return SearchRequest(image=b"x", filename=None, case=case, purpose=signed_up.PURPOSE, actor=actor)


def permits(gallery: OpenGallery, clock: Callable[[], datetime] = lambda: NOON) -> SearchPermits:
    return SearchPermits(lambda: gallery.policy, gallery.ledger, gallery.records, clock=clock)


def tried(deciding: SearchPermits, asked: SearchRequest) -> Permitted | tuple[str, ...]:
    """Ask, and return what is permitted or the rules against it."""
    try:
        return deciding.permit(asked, new_id())
    except NotPermittedError as error:
        return tuple(reason["rule"] for reason in error.reasons)


def test_only_sources_that_every_rule_lets_pass_are_searched(gallery: OpenGallery) -> None:
    permitted = permits(gallery).permit(request(signed_up.acting(gallery)), new_id())

    assert permitted.sources == (gallery.records.source("open").source_id,)
    assert (permitted.subjects, permitted.templates, permitted.barred) == (4, 4, 3 + 2)


def test_a_change_of_a_source_counts_for_the_very_next_search(gallery: OpenGallery) -> None:
    deciding, asked = permits(gallery), request(signed_up.acting(gallery))

    before = deciding.permit(asked, new_id())
    gallery.sources.change("open", SourceState.SUSPENDED, by="b", reason="a pause")
    after = deciding.permit(asked, new_id())

    assert (len(before.sources), len(after.sources)) == (1, 0)


def test_many_at_once_never_overrun_a_quota(gallery: OpenGallery) -> None:
    deciding, asked = permits(gallery), request(signed_up.acting(gallery))

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: tried(deciding, asked), range(8)))

    assert sum(isinstance(outcome, Permitted) for outcome in outcomes) == LIMIT
    assert [outcome for outcome in outcomes if isinstance(outcome, tuple)] == [("core-quota-person",)] * 5


def test_each_quota_counts_its_own(gallery: OpenGallery) -> None:
    people = [signed_up.acting(gallery, f"examiner-{number}") for number in range(3)]
    deciding = permits(gallery)

    outcomes = [tried(deciding, request(people[0])) for _ in range(4)]
    outcomes += [tried(deciding, request(people[1])) for _ in range(3)]
    outcomes += [tried(deciding, request(people[2], case="c")) for _ in range(2)]
    tomorrow = permits(gallery, lambda: NOON.replace(day=28))
    next_day = [tried(tomorrow, request(people[0])), tried(tomorrow, request(people[0], case="c"))]

    refused = [outcome for outcome in outcomes if not isinstance(outcome, Permitted)]
    assert refused == [("core-quota-person",), ("core-quota-case",), ("core-quota-organisation",)]
    assert next_day[0] == ("core-quota-case",)
    assert isinstance(next_day[1], Permitted)


def test_what_was_not_answered_is_counted_back(gallery: OpenGallery) -> None:
    deciding, asked = permits(gallery), request(signed_up.acting(gallery))

    for _ in range(LIMIT + 1):
        search_id = new_id()
        deciding.permit(asked, search_id)
        deciding.release(search_id)

    assert isinstance(tried(deciding, asked), Permitted)


def test_a_refusal_says_what_was_asked_by_ids_and_codes_alone(gallery: OpenGallery) -> None:
    deciding, actor = permits(gallery), signed_up.acting(gallery)
    words = SearchRequest(
        image=b"x", filename="n.jpg", case="no such case", purpose="find her", offence="vengeance", actor=actor
    )

    rules = tried(deciding, words)

    size = gallery.audit.head().size
    [body] = gallery.audit.entries(size - 1, size)
    entry = json.loads(body)
    assert (entry["action"], entry["outcome"], entry["actor"]["user"]) == ("search", "refused", actor.user_id)
    facts = entry["facts"]
    assert facts["rules"] == list(rules) == ["core-case", "core-offence", "core-purpose"]
    assert (facts["case"], facts["purpose"], facts["offence"], facts["probe"]) == ("", "", "", "photograph")
    assert not any(word in body for word in (b"no such", b"her", b"vengeance", b"n.jpg"))


def test_the_installation_itself_searches_for_nobody(gallery: OpenGallery) -> None:
    rules = tried(permits(gallery), request(SYSTEM))

    assert {"core-examiner", "core-case", "default-sector"} <= set(rules)


def test_a_policy_that_can_not_be_read_permits_nothing(gallery: OpenGallery) -> None:
    def broken() -> Policy:
        raise IntegrityError("damaged", code="law-pack-changed")

    deciding = SearchPermits(broken, gallery.ledger, gallery.records)

    with pytest.raises(IntegrityError):
        deciding.permit(request(signed_up.acting(gallery)), new_id())
