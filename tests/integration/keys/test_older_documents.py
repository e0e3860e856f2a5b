"""Documents that an earlier version sealed under the home's key: sealed under their source's as the home is opened."""

import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import NotFoundError
from countenance.gallery.model import LegalBasis
from countenance.gallery.sources import document_key, release_key

AGREEMENT, SHARED, CONSENT = b"%PDF agreement", b"%PDF of two sources", b"%PDF consent"
OLD = [AGREEMENT, SHARED, CONSENT]


def old_key(document: bytes) -> str:
    """Return the key that an earlier version stored a document by."""
    return f"documents/{sha256(document).hexdigest()}"


def kept(gallery: OpenGallery) -> dict[str, bytes]:
    """Return the documents of the sources that are there, by what they are."""
    found = {}
    for name, document in (("one", AGREEMENT), ("two", SHARED), ("three", SHARED)):
        source_id = gallery.records.source(name).source_id
        found[name] = gallery.objects.get(document_key(source_id, sha256(document).hexdigest()))
        for release in gallery.sources.releases(name):
            found[f"{name}: {release.label}"] = gallery.objects.get(release_key(source_id, release.document_sha256))
    return found


WHOLE = {"one": AGREEMENT, "one: Ada": CONSENT, "two": SHARED, "two: Grace": AGREEMENT, "three": SHARED}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose documents lie as an earlier version had them; one source of it is withdrawn."""
    made = Settings(home=tmp_path / "home")
    initialise(made)
    with open_gallery(made) as gallery:
        for name, document in (("one", AGREEMENT), ("two", SHARED), ("three", SHARED), ("gone", b"%PDF of one gone")):
            gallery.sources.register(name=name, owner="o", legal_basis=LegalBasis.CONSENT, document=document)
        for name, label, document in (("one", "Ada", CONSENT), ("two", "Grace", AGREEMENT)):
            gallery.sources.add_release(name, label=label, document=document, ends_on=None, by="Ada")
        assert kept(gallery) == WHOLE
        gallery.sources.withdraw("gone", by="Ada", reason="the owner says stop")
        for kind in ("documents", "releases"):
            gallery.objects.delete_all(f"{kind}/")
        for document in (*OLD, b"%PDF of one gone", b"%PDF of nobody"):
            gallery.objects.put(old_key(document), document)
        with pytest.raises(NotFoundError):
            kept(gallery)
    return made


def in_the_old_place(settings: Settings) -> list[Path]:
    return [path for path in (settings.objects / "documents").iterdir() if path.is_file()]


def test_they_are_sealed_under_their_source_s_key(settings: Settings) -> None:
    assert len(in_the_old_place(settings)) == len(OLD) + 2

    with open_gallery(settings) as gallery:
        assert kept(gallery) == WHOLE
        assert in_the_old_place(settings) == []
        gone = gallery.records.source("two").source_id
        assert list(settings.objects.glob(f"*/{gone}"))
        gallery.sources.withdraw("two", by="Ada", reason="the owner says stop")
        assert gallery.objects.get(document_key(gallery.records.source("three").source_id, sha256(SHARED).hexdigest()))

    assert [path for folder in settings.objects.glob(f"*/{gone}") for path in folder.iterdir()] == []


@pytest.mark.parametrize("step", ["sealed", "overwritten", "deleted"])
def test_killed_after_any_step_nothing_is_lost(settings: Settings, step: str) -> None:
    script = (sys.executable, "-m", "tests.integration.keys.reseal_and_die", settings.home, step)
    killed = subprocess.run(script, capture_output=True, check=False, env=os.environ)
    left = len(in_the_old_place(settings))

    with open_gallery(settings) as gallery:
        assert kept(gallery) == WHOLE

    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, b"")
    assert left == len(OLD) + 2 - (step == "deleted")
    assert in_the_old_place(settings) == []


def test_one_that_is_damaged_stays_and_is_nobody_s_obstacle(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with open_gallery(settings) as gallery:
        for document in OLD:
            gallery.objects.put(old_key(document), document)
        source_id = gallery.records.source("one").source_id
        gallery.objects.delete(document_key(source_id, sha256(AGREEMENT).hexdigest()))
        [path] = [settings.objects / gallery.objects.stored_key(old_key(AGREEMENT))]  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes()[:-1])

    with open_gallery(settings):
        pass

    assert in_the_old_place(settings) == [path]
    assert "sealed-damaged" in caplog.text
