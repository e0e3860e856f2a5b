"""Reading the log backwards, a page at a time."""

from collections.abc import Mapping
from typing import Any

import pytest

from countenance.adapters.memory_audit import MemoryAuditLog
from countenance.audit import browsing
from countenance.audit.browsing import newest
from countenance.audit.model import Entry, Outcome
from countenance.policy.model import SYSTEM
from tests.audit_parts import entry


def everything(_: Mapping[str, Any]) -> bool:
    """Want all."""
    return True


def even(one: Mapping[str, Any]) -> bool:
    """Want every second entry."""
    return bool(one["facts"]["number"] % 2 == 0)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryAuditLog:
    """A log of eleven entries, read three at a time."""
    monkeypatch.setattr(browsing, "STEP", 3)
    made = MemoryAuditLog()
    made.record(*map(entry, range(11)))
    return made


def test_pages_follow_each_other_and_leave_nothing_out(log: MemoryAuditLog) -> None:
    found, before = [], None
    while True:
        page = newest(log, before=before, limit=4, wanted=everything)
        found.append([one["index"] for one in page.entries])
        before = page.before
        if before is None:
            break

    assert found == [[10, 9, 8, 7], [6, 5, 4, 3], [2, 1, 0]]


def test_only_what_is_wanted_is_shown(log: MemoryAuditLog) -> None:
    page = newest(log, before=9, limit=3, wanted=even)

    assert ([one["facts"]["number"] for one in page.entries], page.before, page.size) == ([8, 6, 4], 4, 11)


def test_a_page_looks_at_so_many_entries_and_says_where_to_go_on(
    log: MemoryAuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "MOST_LOOKED_AT", 5)

    page = newest(log, before=None, limit=50, wanted=lambda one: one["facts"]["number"] < 6)

    assert (page.entries, page.before) == ((), 6)


def test_an_empty_log_has_an_empty_page() -> None:
    assert newest(MemoryAuditLog(), before=None, limit=1, wanted=everything).before is None


def test_what_stands_for_a_face_is_left_out() -> None:
    log = MemoryAuditLog()
    log.record(Entry(action="search", outcome=Outcome.DONE, actor=SYSTEM, facts={"sketch": "ab", "candidates": 1}))

    [shown] = newest(log, before=None, limit=1, wanted=everything).entries

    assert shown["facts"] == {"candidates": 1}
