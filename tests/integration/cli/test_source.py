"""`countenance source`: states, releases and manifests, through the real command and real enrolments."""

from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.adapters.sql.sealing import PROVENANCE, RowSeals
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from tests.integration.cli.conftest import PEOPLE, Command

PROVENANCES = """
    SELECT source_id, image_id, provenance.entry
    FROM provenance JOIN image ON provenance.image = image.number JOIN source ON image.source = source.number
"""


def register(command: Command, *options: str, basis: str = "contract") -> None:
    ended = command(
        "source", "register", "album", "--owner", "Zoë", "--legal-basis", basis, "--document", "d.txt", *options
    )
    assert ended.code == 0


def test_nothing_is_enrolled_before_it_is_active_nor_while_it_is_suspended(command: Command, album: Path) -> None:
    register(command, "--no-activate")

    command("enrol", "album", album).refused(3, "not-permitted")
    command("source", "activate", "album")
    enrolled = command("enrol", "album", album, "--json").json
    command("source", "suspend", "album", "--reason", "a pause")
    command("enrol", "album", album).refused(3, "not-permitted")
    suspended = command("source", "show", "album", "--json").json

    assert enrolled["enrolled"] == 2
    assert [change["after"] for change in suspended["history"]] == ["registered", "active", "suspended"]


def test_a_suspended_source_is_out_of_the_next_search_and_back_after_resume(command: Command, album: Path) -> None:
    register(command)
    command("enrol", "album", album)
    search = ("search", album / "A" / PEOPLE["A"][0], "--case", "c", "--purpose", "missing-person", "--json")

    def found() -> int:
        return len(command(*search).json["candidates"])

    before = found()
    command("source", "suspend", "album", "--reason", "a pause")
    meanwhile = found()
    command("source", "resume", "album")

    assert (before, meanwhile, found()) == (1, 0, 1)


def test_where_the_basis_is_consent_each_subject_needs_a_release(command: Command, album: Path) -> None:
    register(command, basis="consent")
    command("source", "releases", "add", "album", "A", "--document", "d.txt")

    report = command("enrol", "album", album, "--json").json
    [release] = command("source", "releases", "list", "album", "--json").json["releases"]
    command("source", "releases", "revoke", "album", release["release_id"])
    [revoked] = command("source", "releases", "list", "album", "--json").json["releases"]

    assert report["enrolled"] == 1
    assert [one["code"] for one in report["not_enrolled"]] == ["release-missing"]
    assert release["revoked_at"] is None
    assert revoked["revoked_at"] is not None


def test_what_the_manifest_says_is_kept_with_the_photograph(command: Command, album: Path, tmp_path: Path) -> None:
    register(command)
    path = f"A/{PEOPLE['A'][0]}"
    (tmp_path / "m.csv").write_text(f"path,original,licence,captured\n{path},Inv. 7,CC0,1987\n", encoding="utf-8")

    command("enrol", "album", album, "--manifest", tmp_path / "m.csv")

    settings = Settings(home=tmp_path / "home")
    engine = open_engine(sqlite_url(settings.database))
    with engine.connect() as connection:
        [kept] = connection.execute(text(PROVENANCES)).all()
    engine.dispose()
    with open_gallery(settings) as gallery:
        told = RowSeals(gallery.keyring).open_entry(kept.source_id, kept.image_id, kept.entry, column=PROVENANCE)
    assert told == {"captured": "1987", "licence": "CC0", "original": "Inv. 7"}


def test_a_bad_manifest_enrols_nothing(command: Command, album: Path, tmp_path: Path) -> None:
    register(command)
    (tmp_path / "m.csv").write_text("path\n../x.jpg\n", encoding="utf-8")

    command("enrol", "album", album, "--manifest", tmp_path / "m.csv").refused(2, "manifest-path-outside")

    assert command("status", "--json").json["gallery"]["images"] == 0


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        pytest.param(("suspend", "album", "--reason", ""), 2, "reason-invalid", id="no reason"),
        pytest.param(("suspend", "nobody", "--reason", "x"), 4, "source-unknown", id="unknown"),
        pytest.param(("activate", "album"), 5, "source-state-forbidden", id="active already"),
        pytest.param(("releases", "revoke", "album", "7"), 4, "release-unknown", id="no such release"),
        pytest.param(("releases", "add", "album", "A", "--document", "gone"), 4, "document-unreadable", id="no file"),
        pytest.param(("releases", "list", "nobody"), 4, "source-unknown", id="releases of nobody"),
    ],
)
@pytest.mark.usefixtures("album")
def test_what_can_not_be_is_one_line(command: Command, words: tuple[str, ...], code: int, name: str) -> None:
    register(command)

    command("source", *words).refused(code, name)


def test_a_withdrawn_source_leaves_a_certificate_and_nothing_else(
    command: Command, album: Path, tmp_path: Path
) -> None:
    register(command)
    command("enrol", "album", album)
    search = ("search", album / "A" / PEOPLE["A"][0], "--case", "c", "--purpose", "missing-person", "--json")
    before = command(*search).json
    withdraw = ("source", "withdraw", "album", "--reason", "the owner says stop")

    shown = command(*withdraw, "--certificate", tmp_path / "c.json")
    again = command(*withdraw, "--json").json
    after = command(*search).json
    verified = command("certificate", "verify", tmp_path / "c.json", "--json").json
    [listed] = command("certificate", "list", "--json").json["certificates"]

    assert "CERTIFICATE OF DESTRUCTION" in shown.out
    assert (len(before["candidates"]), after["candidates"], after["gallery"]["templates"]) == (1, [], 0)
    assert verified["statement"]["handed_out_before"][0]["search"] == before["search_id"]
    assert listed["signed"] == again
    command("verify-search", before["search_id"], "--probe", search[1]).refused(5, "search-not-verifiable")
    command("certificate", "verify", tmp_path / "d.txt").refused(2, "certificate-malformed")
    command("certificate", "verify", tmp_path / "gone").refused(4, "certificate-unreadable")
