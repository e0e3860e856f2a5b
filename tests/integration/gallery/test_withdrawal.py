"""A source that says stop: gone for the next search, destroyed everywhere, provably, and after any interruption."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.adapters.sql.destructions import SqlDestructions
from countenance.audit.model import Acting
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import ConflictError, CountenanceError, IntegrityError, InvalidInputError, NotFoundError
from countenance.gallery.destruction import Destruction
from countenance.gallery.model import SourceChange, SourceState
from countenance.keys.model import KeyState, source_scope
from tests.audit_parts import entry
from tests.integration.gallery.withdraw_and_die import STEPS
from tests.made_up_galleries import found, kept_answer, made_up_home, people, template_bytes, traces

SOURCES = {"one": 30, "stops": 60, "two": 30}
STAYING = {name: count for name, count in SOURCES.items() if name != "stops"}
TABLES = ("template", "face", "provenance", "image", "subject", "model_release")


def withdraw(gallery: OpenGallery) -> Destruction:
    return gallery.sources.withdraw("stops", by="Ada", reason="the owner says stop")


def rows_of(settings: Settings) -> dict[str, int]:
    """Count the rows of each table."""
    engine = open_engine(sqlite_url(settings.database))
    with engine.connect() as connection:
        counts = {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}  # noqa: S608
    engine.dispose()
    return {table: count or 0 for table, count in counts.items()}


def test_a_search_whose_source_loses_its_key_under_it_is_to_be_made_again(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        index, _ = gallery.indexed.refresh()
        source_id = gallery.records.source("stops").source_id
        rows = gallery.records.reference_rows(source_id).tolist()

        # Another process has got this far since the scan began.
        gallery.keyring.destroy(source_scope(source_id), reason="source-withdrawn")

        for read in (
            lambda: index.search(people("stops", 1), blocks=[source_id], limit=10),
            lambda: gallery.records.faces(rows),
            lambda: gallery.records.references(rows),
        ):
            with pytest.raises(ConflictError) as refused:
                read()
            assert refused.value.code == "source-changed-meanwhile"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with three sources."""
    return made_up_home(tmp_path / "home", SOURCES)


def assert_gone(settings: Settings, certificate: bytes, search_id: str) -> None:
    """Assert that nothing of the source is there, and that the certificate says so."""
    probes = people("stops", SOURCES["stops"])
    with open_gallery(settings) as gallery:
        source = gallery.records.source("stops")
        facts = gallery.sources.read_certificate(certificate)
        kept = gallery.records.search(search_id)
        returned = {name for answer in found(gallery, probes) for name, _, _ in answer}
        key = gallery.keyring.state(source_scope(source.source_id))
        subjects = gallery.records.subjects(source="stops", limit=1)
    assert (source.state, key, subjects) == (SourceState.WITHDRAWN, KeyState.DESTROYED, ())
    assert returned == set(STAYING)
    assert facts["destroyed"] == {"photographs": 60, "subjects": 60, "templates": 60}
    assert [(one["search"], one["candidates"]) for one in facts["handed_out_before"]] == [(search_id, 1)]
    assert rows_of(settings) == dict.fromkeys(TABLES, 0) | dict.fromkeys(
        ("template", "face", "image", "subject"), sum(STAYING.values())
    )
    assert [one["subject"]["label"] for one in kept["candidates"]] == [None, "one person 0"]  # type: ignore[attr-defined]
    assert [mark["ranks"] for mark in kept["marks"]] == [[1]]  # type: ignore[attr-defined]
    assert sum(path.is_file() for path in (settings.objects / "images").rglob("*")) == sum(STAYING.values())
    assert traces(settings.home, b"stops person", *template_bytes("stops", 60)) == []


def test_it_is_gone_for_the_next_search_and_everywhere(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        search_id = kept_answer(gallery, "stops", other="one")
        before = found(gallery, people("stops", 5))

        ended = withdraw(gallery)
        certificate = ended.certificate or b""

    assert [answer[0][0] for answer in before] == ["stops"] * 5
    assert_gone(settings, certificate, search_id)


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_it_is_finished_by_running_it_again(settings: Settings, step: str) -> None:
    with open_gallery(settings) as gallery:
        search_id = kept_answer(gallery, "stops", other="one")
    script = (sys.executable, "-m", "tests.integration.gallery.withdraw_and_die", settings.home, "stops", step)

    killed = subprocess.run(script, capture_output=True, check=False, env=os.environ)
    with open_gallery(settings) as gallery:
        meanwhile = found(gallery, people("stops", 20))
        pictures = [path.name for path in (settings.objects / "images").rglob("*") if path.is_file()]
        certificate = withdraw(gallery).certificate or b""

    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, b"")
    assert {name for answer in meanwhile for name, _, _ in answer} == set(STAYING)
    assert len(pictures) == (60 if step in {"objects", "settle", "certificate"} else 120)
    assert_gone(settings, certificate, search_id)


def test_a_search_that_is_under_way_gives_no_answer(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        [subject] = gallery.records.subjects(source="stops", limit=1)
        answer = {
            "searched_at": "2026-04-17T12:30:15+00:00",
            "candidates": [{"rank": 1, "source": "stops", "subject": {"id": subject.subject_id}}],
        }
        withdraw(gallery)

        with pytest.raises(ConflictError) as caught:
            gallery.records.put_search("s", answer, entry=entry())
        with pytest.raises(NotFoundError):
            gallery.records.search("s")

    assert caught.value.code == "source-changed-meanwhile"


def test_the_others_answer_as_a_gallery_that_never_had_it(settings: Settings, tmp_path: Path) -> None:
    never = made_up_home(tmp_path / "never", STAYING)
    probes = people("one", 30)

    with open_gallery(settings) as gallery:
        withdraw(gallery)
        after = found(gallery, probes)
        index, snapshot = gallery.indexed.refresh()
        answers = index.search(probes, blocks=gallery.records.active_sources(), limit=5, threshold=0.1)
    with open_gallery(never) as gallery:
        expected = found(gallery, probes)
        index, of_never = gallery.indexed.refresh()
        alike = index.search(probes, blocks=gallery.records.active_sources(), limit=5, threshold=0.1)

    assert after == expected
    assert [answer.certificate for answer in answers] == [answer.certificate for answer in alike]
    assert (snapshot.sources, snapshot.subjects, snapshot.images, snapshot.templates) == (
        of_never.sources,
        of_never.subjects,
        of_never.images,
        of_never.templates,
    )


def test_an_old_backup_does_not_bring_it_back(settings: Settings, tmp_path: Path) -> None:
    with open_gallery(settings) as gallery:
        kept_answer(gallery, "stops", other="one")
    shutil.copytree(settings.home, tmp_path / "backup")
    with open_gallery(settings) as gallery:
        withdraw(gallery)
    shutil.rmtree(settings.home)
    (tmp_path / "backup").rename(settings.home)

    with open_gallery(settings) as gallery:
        returned = {name for answer in found(gallery, people("stops", 60)) for name, _, _ in answer}
        [*_, last] = gallery.sources.history("stops")
        again = withdraw(gallery)

    assert returned == set(STAYING)
    assert (last.by, last.after) == ("Countenance", SourceState.WITHDRAWN)
    assert again.certificate is not None
    assert rows_of(settings)["template"] == sum(STAYING.values())
    assert traces(settings.home, b"stops person", *template_bytes("stops", 60)) == []


def test_of_two_that_open_an_old_backup_at_once_neither_fails(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(settings.home, tmp_path / "backup")
    with open_gallery(settings) as gallery:
        withdraw(gallery)
    shutil.rmtree(settings.home)
    (tmp_path / "backup").rename(settings.home)
    begin, late = SqlDestructions.begin, []

    def overtaken(self: SqlDestructions, name: str, change: SourceChange, *, actor: Acting) -> Destruction:
        if not late:
            late.append(name)
            with open_gallery(settings):
                pass
        return begin(self, name, change, actor=actor)

    monkeypatch.setattr(SqlDestructions, "begin", overtaken)

    with open_gallery(settings) as gallery:
        returned = {name for answer in found(gallery, people("stops", 60)) for name, _, _ in answer}
        withdrawn = [one for one in gallery.sources.history("stops") if one.after is SourceState.WITHDRAWN]

    assert late == ["stops"]
    assert returned == set(STAYING)
    assert len(withdrawn) == 1


def test_nothing_is_enrolled_into_it_again(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        withdraw(gallery)

        with pytest.raises(ConflictError) as enrolled:
            gallery.enrol_photograph("stops", b"x", filename="x.jpg", subject="A")
        with pytest.raises(ConflictError) as activated:
            gallery.sources.change("stops", SourceState.ACTIVE, by="Ada", reason="x")

    assert enrolled.value.code == "source-not-active"
    assert activated.value.code == "source-state-forbidden"


class TestCertificate:
    @pytest.fixture
    def certificate(self, settings: Settings) -> bytes:
        """The certificate of a withdrawal."""
        with open_gallery(settings) as gallery:
            return withdraw(gallery).certificate or b""

    def check(self, settings: Settings, certificate: bytes) -> CountenanceError | None:
        with open_gallery(settings) as gallery:
            try:
                gallery.sources.read_certificate(certificate)
            except (IntegrityError, InvalidInputError) as error:
                return error
        return None

    def test_asked_again_the_same_one_is_shown(self, settings: Settings, certificate: bytes) -> None:
        with open_gallery(settings) as gallery:
            assert withdraw(gallery).certificate == certificate

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            pytest.param('\\"photographs\\": 60', '\\"photographs\\": 61', id="a count"),
            pytest.param("the owner says stop", "the owner says stay", id="the reason"),
            pytest.param('"signature": "', '"signature": "AAAA', id="the signature"),
        ],
    )
    def test_a_changed_one_is_found_out(self, settings: Settings, certificate: bytes, old: str, new: str) -> None:
        changed = certificate.decode().replace(old, new)

        assert changed.encode() != certificate
        refused = self.check(settings, changed.encode())
        assert refused is not None
        assert refused.code == "certificate-false"

    def test_one_of_another_installation_is_found_out(
        self, settings: Settings, certificate: bytes, tmp_path: Path
    ) -> None:
        other = made_up_home(tmp_path / "other", {"stops": 3})
        with open_gallery(other) as gallery:
            foreign = withdraw(gallery).certificate or b""

        refused = self.check(settings, foreign)
        assert refused is not None
        assert refused.code == "certificate-false"
        assert self.check(settings, certificate) is None

    @pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"statement": 1}', b"[" * 100_000])
    def test_what_is_no_certificate_is_said(self, settings: Settings, content: bytes) -> None:
        refused = self.check(settings, content)

        assert refused is not None
        assert refused.code == "certificate-malformed"

    def test_it_is_checked_without_us(self, settings: Settings, certificate: bytes, tmp_path: Path) -> None:
        signed = json.loads(certificate)
        (tmp_path / "statement").write_text(signed["statement"], encoding="ascii")
        subprocess.run(
            ("openssl", "base64", "-d", "-A", "-out", tmp_path / "signature"),
            input=signed["signature"].encode(),
            check=True,
        )

        key = settings.home / "certificate-key.pem"
        checked = subprocess.run(
            (
                "openssl",
                "pkeyutl",
                "-verify",
                "-rawin",
                "-pubin",
                "-inkey",
                key,
                "-sigfile",
                "signature",
                "-in",
                "statement",
            ),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert (checked.returncode, checked.stdout.strip()) == (0, "Signature Verified Successfully")
