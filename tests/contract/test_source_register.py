"""The contract of `SourceRegister`, on real records."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import NamedTuple

import pytest
from sqlalchemy import URL, select, update

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_objects import MemoryObjects
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, open_engine, upgrade
from countenance.adapters.sql.models import SourceRow
from countenance.adapters.sql.records import SqlRecords
from countenance.adapters.sql.sealing import SOURCE, RowSeals
from countenance.adapters.sql.source_register import SqlSourceRegister
from countenance.core.errors import ConflictError, CountenanceError, InvalidInputError, NotFoundError
from countenance.gallery.model import UNRELEASED, LegalBasis, NewFace, NewImage, Outcome, SourceChange, SourceState
from countenance.gallery.ports import SourceRegister
from countenance.gallery.sources import FROM, add_release, change_state, register_source, released_labels
from countenance.gallery.terms import Retention, RetentionRule, SourceTerms
from countenance.policy.model import SYSTEM
from tests.audit_parts import SIGNER
from tests.stripes import face, template

TERMS = SourceTerms(
    contact="zoë@example.org",
    sectors=("law-enforcement", "government"),
    purposes=("missing-person",),
    excluded=("US-IL", "DE"),
    releases_required=True,
    retention=Retention(rule=RetentionRule.DATE, ends_on=date(2031, 12, 31)),
)


class Made(NamedTuple):
    """Records and register over one database."""

    records: SqlRecords
    register: SourceRegister
    objects: MemoryObjects
    seals: RowSeals

    def add(self, name: str = "archive", *, terms: SourceTerms | None = None, active: bool = True) -> None:
        """Register a source."""
        register_source(
            self.records,
            self.objects,
            name=name,
            owner="Archive",
            legal_basis=LegalBasis.CONSENT,
            document=b"letter",
            terms=terms,
            active=active,
            actor=SYSTEM,
            by="Ada",
        )

    def change(self, after: SourceState, *, reason: str = "because") -> None:
        """Put the source into another state."""
        change_state(self.records, self.register, "archive", after, actor=SYSTEM, by="Grace", reason=reason)


def photograph(name: str, label: str | None) -> NewImage:
    """Return a photograph of somebody."""
    return NewImage(
        sha256=sha256(name.encode()).hexdigest(),
        reference=name,
        media_type="image/jpeg",
        size_bytes=1,
        width=16,
        height=16,
        outcome=Outcome.ENROLLED,
        faces=(NewFace(face=face(1), template=template(1, 1), label=label),),
        label=label,
    )


@pytest.fixture
def made(database: URL) -> Iterator[Made]:
    """An empty register in either database."""
    engine, keyring = open_engine(database), memory_keyring()
    upgrade(engine, keyring)
    audit = SqlAuditLog(engine, SIGNER, keyring)
    records = SqlRecords(engine, audit, keyring)
    yield Made(records, SqlSourceRegister(engine, audit, keyring), MemoryObjects(), RowSeals(keyring))
    records.close()


def test_terms_come_back_as_they_were_given(made: Made) -> None:
    made.add(terms=TERMS)

    assert made.records.source("archive").terms == TERMS


def test_who_keeps_a_source_is_set_and_stays_beside_its_terms(made: Made) -> None:
    made.add(terms=TERMS)
    before, revision = made.records.source("archive"), made.records.snapshot().revision

    made.register.set_keeper("archive", "an organisation", actor=SYSTEM)
    made.register.set_retention("archive", Retention(), actor=SYSTEM)

    after = made.records.source("archive")
    assert (before.keeper, after.keeper) == (None, "an organisation")
    assert after == replace(before, keeper="an organisation", terms=replace(TERMS, retention=Retention()))
    assert made.records.snapshot().revision == revision + 1
    with pytest.raises(NotFoundError):
        made.register.set_keeper("nothing", "an organisation", actor=SYSTEM)


def test_a_source_of_before_there_were_keepers_has_none(database: URL, made: Made) -> None:
    made.add(terms=TERMS)
    made.register.set_keeper("archive", "an organisation", actor=SYSTEM)
    engine = open_engine(database)
    with engine.execution_options(**{WRITER: True}).begin() as connection:
        [source] = connection.execute(select(SourceRow.source_id, SourceRow.entry)).all()
        facts = made.seals.open_home_entry(source.source_id, source.entry, column=SOURCE)
        del facts["keeper"]
        entry = made.seals.home_entry(source.source_id, facts, column=SOURCE)
        connection.execute(update(SourceRow).values(entry=entry))
    engine.dispose()

    assert made.records.source("archive").keeper is None
    assert made.records.source("archive").terms == TERMS


def test_every_change_is_kept_with_who_when_and_why(made: Made) -> None:
    before = datetime.now(UTC)
    made.add(active=False)
    made.change(SourceState.ACTIVE, reason="")
    made.change(SourceState.SUSPENDED, reason="a pause")
    made.change(SourceState.ACTIVE, reason="it is over")
    made.change(SourceState.WITHDRAWN, reason="the owner says stop")

    history = made.register.history("archive")

    assert [(one.before, one.after, one.by, one.reason) for one in history] == [
        (None, "registered", "Ada", ""),
        ("registered", "active", "Grace", ""),
        ("active", "suspended", "Grace", "a pause"),
        ("suspended", "active", "Grace", "it is over"),
        ("active", "withdrawn", "Grace", "the owner says stop"),
    ]
    assert before <= history[0].at <= history[-1].at <= datetime.now(UTC)


@pytest.mark.parametrize("after", SourceState)
@pytest.mark.parametrize("before", SourceState)
def test_there_is_no_way_but_those_of_the_table(made: Made, before: SourceState, after: SourceState) -> None:
    made.add(active=False)
    for step in {SourceState.SUSPENDED: [SourceState.ACTIVE], SourceState.EXPIRED: [SourceState.ACTIVE]}.get(
        before, []
    ):
        made.change(step)
    if before is not SourceState.REGISTERED:
        made.change(before)
    revision = made.records.snapshot().revision

    try:
        made.change(after)
        refused = None
    except (ConflictError, KeyError) as error:
        refused = error

    allowed = before in FROM.get(after, ())
    assert (refused is None) == allowed
    assert made.records.source("archive").state is (after if allowed else before)
    assert made.records.snapshot().revision == revision + allowed


@pytest.mark.parametrize("state", [state for state in SourceState if state is not SourceState.ACTIVE])
def test_only_an_active_source_is_searched(made: Made, state: SourceState) -> None:
    made.add()
    made.add("other", active=False)

    if state is SourceState.REGISTERED:
        assert len(made.records.active_sources()) == 1
        return
    made.change(state)

    assert made.records.active_sources() == ()


def test_of_two_who_change_it_at_once_the_second_is_told(made: Made) -> None:
    made.add()
    stale = SourceChange(
        at=datetime.now(UTC), by="Ada", before=SourceState.ACTIVE, after=SourceState.SUSPENDED, reason="x"
    )
    made.change(SourceState.WITHDRAWN)

    with pytest.raises(ConflictError) as caught:
        made.register.change("archive", stale, actor=SYSTEM)

    assert caught.value.code == "source-changed-meanwhile"
    assert made.records.source("archive").state is SourceState.WITHDRAWN
    assert len(made.register.history("archive")) == 2


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x1b[2J"])
def test_stopping_needs_a_reason(made: Made, reason: str) -> None:
    made.add()

    with pytest.raises(InvalidInputError) as caught:
        made.change(SourceState.WITHDRAWN, reason=reason)

    assert caught.value.code == "reason-invalid"
    assert made.records.source("archive").state is SourceState.ACTIVE


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        pytest.param(SourceTerms(contact="a\n"), "source-contact-invalid", id="contact"),
        pytest.param(SourceTerms(sectors=()), "source-sector-invalid", id="no sector"),
        pytest.param(SourceTerms(sectors=("Police",)), "source-sector-invalid", id="capital"),
        pytest.param(SourceTerms(purposes=("",)), "source-purpose-invalid", id="empty purpose"),
        pytest.param(SourceTerms(excluded=("UK",)), "place-unknown", id="no such country"),
        pytest.param(SourceTerms(excluded=("us-il",)), "place-unknown", id="lower case"),
        pytest.param(SourceTerms(excluded=("US-IO",)), "place-unknown", id="no such region"),
        pytest.param(SourceTerms(excluded=("US-",)), "place-unknown", id="no region"),
        pytest.param(SourceTerms(excluded=("",)), "place-unknown", id="nothing"),
        pytest.param(SourceTerms(retention=Retention(rule=RetentionRule.DATE)), "retention-invalid", id="no date"),
        pytest.param(SourceTerms(retention=Retention(ends_on=date(2030, 1, 1))), "retention-invalid", id="no rule"),
    ],
)
def test_terms_that_can_not_be_are_refused(made: Made, terms: SourceTerms, code: str) -> None:
    with pytest.raises(CountenanceError) as caught:
        made.add(terms=terms)

    assert caught.value.code == code
    assert made.records.sources() == ()


class TestReleases:
    def test_one_holds_until_its_end_or_until_it_is_taken_back(self, made: Made) -> None:
        made.add()
        for label, ends_on in (("A", None), ("B", date(2998, 1, 1)), ("C", None), ("D", date(2999, 1, 1))):
            self.released(made, label, ends_on=ends_on)
        taken_back = made.register.releases("archive")[2]

        first = made.register.revoke_release("archive", taken_back.release_id, actor=SYSTEM)
        again = made.register.revoke_release("archive", taken_back.release_id, actor=SYSTEM)

        assert released_labels(made.register, "archive") == {"A", "B", "D"}
        assert [made.register.releases("archive")[1].in_force(date(2998, 1, day)) for day in (1, 2)] == [True, False]
        assert first == again
        assert made.register.releases("archive")[2] == first
        assert [one.label for one in made.register.releases("archive")] == ["A", "B", "C", "D"]

    def released(self, made: Made, label: str, *, ends_on: date | None = None) -> str:
        """Keep a release; returns its id."""
        release = add_release(
            made.records,
            made.register,
            made.objects,
            "archive",
            label=label,
            actor=SYSTEM,
            document=b"yes",
            ends_on=ends_on,
        )
        return release.release_id

    @pytest.mark.parametrize(
        ("required", "passed_over"),
        [
            pytest.param(True, {"taken back", "ended", "none", "unnamed", "blurred"}, id="everybody needs one"),
            pytest.param(False, {"taken back", "ended", "blurred"}, id="whoever had one"),
        ],
    )
    def test_who_has_none_in_force_is_not_taken_in(
        self, made: Made, monkeypatch: pytest.MonkeyPatch, required: bool, passed_over: set[str]
    ) -> None:
        made.add(terms=SourceTerms(releases_required=required))
        self.released(made, "holds")
        for label in ("taken back", "taken back", "renewed"):
            made.register.revoke_release("archive", self.released(made, label), actor=SYSTEM)
        self.released(made, "renewed")
        self.released(made, "ended", ends_on=date(2998, 12, 31))
        shown: dict[str, str | None] = {name: name for name in ("holds", "taken back", "renewed", "ended", "none")} | {
            "unnamed": None
        }
        images = [photograph(name, label) for name, label in shown.items()]
        images.append(replace(photograph("blurred", "taken back"), faces=(), outcome=Outcome.NO_FACE))
        monkeypatch.setattr("countenance.adapters.sql.records.utc_now", lambda: datetime(2999, 1, 1, tzinfo=UTC))
        source_id = made.records.source("archive").source_id

        known = made.records.add_images(source_id, images, pack_digest="a" * 64, actor=SYSTEM)

        assert {image.reference for image in images if image.sha256 in known} == passed_over
        assert set(known.values()) == {UNRELEASED}
        assert {one.label for one in made.records.subjects(limit=9)} == {
            label for name, label in shown.items() if name not in passed_over
        }
        assert made.records.snapshot().images == len(images) - len(passed_over)

    def test_one_of_another_source_admits_nobody(self, made: Made) -> None:
        made.add()
        made.add("other", terms=SourceTerms(releases_required=True))
        self.released(made, "A")
        source_id = made.records.source("other").source_id

        known = made.records.add_images(source_id, [photograph("A", "A")], pack_digest="a" * 64, actor=SYSTEM)

        assert list(known.values()) == [UNRELEASED]

    def test_one_of_another_source_is_unknown(self, made: Made) -> None:
        made.add()
        made.add("other")
        release = add_release(
            made.records, made.register, made.objects, "archive", label="A", actor=SYSTEM, document=b"yes"
        )

        with pytest.raises(NotFoundError) as caught:
            made.register.revoke_release("other", release.release_id, actor=SYSTEM)

        assert caught.value.code == "release-unknown"
        assert released_labels(made.register, "archive") == {"A"}


def test_of_an_unknown_source_nothing_is_known(made: Made) -> None:
    for call in (made.register.history, made.register.releases):
        with pytest.raises(NotFoundError) as caught:
            call("nobody")

        assert caught.value.code == "source-unknown"
