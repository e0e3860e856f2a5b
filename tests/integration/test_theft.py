"""The theft test: after a day of use, whoever takes the disk without the key file finds nothing of anybody.

Everything that is in the home, whatever wrote it, is searched byte by byte; so are temporary files, the operators' log,
copies of the home that were made while it was in use, the exported audit log, the list of what was erased, the keyring
with its backup, an escrow with one share fewer than opens it, a bucket with its objects, and all files of a database
server.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import obstore
import pytest
from sqlalchemy import BigInteger, Integer, create_engine, text

from countenance.access.model import Application
from countenance.adapters.exact.bounds import quantised
from countenance.adapters.sql.models import Base
from countenance.bootstrap.engines import rotation_file
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keks import KekKind
from countenance.bootstrap.key_care import rotate_keys
from countenance.bootstrap.keyring import erasure_list_file, key_files
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import model_pack
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased
from countenance.gallery.model import LegalBasis, SourceState
from countenance.policy.model import HOUSE, Role, Sector
from countenance.rights.model import RequestKind
from countenance.search.model import ProbePhotograph
from tests import signed_up
from tests.kms_server import KmsServer
from tests.postgresql import new_database, postgresql_server, setting_of
from tests.s3_server import OWNER, S3Server
from tests.stripes import templates_of
from tests.unrecorded import unrecorded

COMMAND = (sys.executable, "-c", "from countenance.cli.main import main; main()")
WORDS = {
    "subject": "Wilhelmina Planted",
    "photograph": "holiday-planted",
    "owner": "Planted Archive of Eastmarch",
    "source": "eastmarch-planted",
    "contact": "planted@eastmarch.example",
    "organisation": "Eastmarch Constabulary Planted",
    "e-mail": "desk@constabulary-planted.example",
    "case": "EM-2026-4711",
    "note": "the archivist said so, planted",
    "document": "%PDF-1.7 planted agreement",
    "consent": "%PDF-1.7 planted consent",
    "requester": "Theodora Planted-Requester",
    "requester's address": "theodora@planted-requester.example",
    "what a requester showed": "a planted passport",
    "what was decided": "as the planted law has it",
    "who stays out": "Sigismund Planted-Elsewhere",
    "consent to stay out": "%PDF-1.7 planted wish",
    "operator": "Operator Planted the Third",
    "withdrawn": "westmarch-planted",
    "why it was withdrawn": "the planted owner says stop",
    "erased": "Erasmus Planted-Erased",
    "why they were erased": "planted, they asked for it",
    "API key's name": "planted case system",
}
PICTURES = {"JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF", "JFIF": b"JFIF\x00\x01", "Exif": b"Exif\x00\x00"}
"""Beginnings of pictures, long enough to be nowhere by chance."""
ACTIVITY = {"an entry of the audit log": b'"action":"', "its outcome": b'"outcome":"'}
"""What is handed to auditors in an export, and is nowhere else."""
PLAIN_NUMBERS = {"gallery.revision", "face.ordinal", "audit_head.size", "credential.counter", "rights_request.version"}
"""Numbers that tables hold in the clear, beside keys and references: none counts people or photographs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a day of use leaves.

    Attributes:
        places: Everything that a thief may take, but the key file.
        secrets: What must not be found in it, by what it is.
    """

    places: list[Path]
    secrets: dict[str, bytes]


def run(day: Path, *words: str | Path) -> None:
    """Run one command, its log at its most talkative."""
    environment = os.environ | {
        "COUNTENANCE_HOME": str(day / "home"),
        "COUNTENANCE_LOG_LEVEL": "DEBUG",
        "COUNTENANCE_WORKERS": "1",
        "TMPDIR": str(day / "tmp"),
    }
    with (day / "log").open("ab") as log:
        subprocess.run((*COMMAND, *words), env=environment, stdout=subprocess.DEVNULL, stderr=log, check=True)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Day:
    """A day: a source with its owner, people enrolled, searched for, listed; an organisation; copies of the home."""
    folder = tmp_path_factory.mktemp("day")
    (folder / "tmp").mkdir()
    first, second, third, fourth = sorted(portraits)[:4]
    for label, name in ((WORDS["subject"], first), ("Somebody Else Planted", second), (WORDS["erased"], third)):
        (folder / "given" / label).mkdir(parents=True)
        shutil.copy(portraits[name], folder / "given" / label / f"{WORDS['photograph']}{Path(name).suffix}")
    (folder / "agreement.pdf").write_bytes(WORDS["document"].encode())
    run(folder, "init")
    signed_up.admitted_home(folder / "home", cases=[WORDS["case"]])
    registered = ("--owner", WORDS["owner"], "--legal-basis", "contract", "--contact", WORDS["contact"])
    run(folder, "source", "register", WORDS["source"], *registered, "--document", folder / "agreement.pdf")
    run(folder, "enrol", WORDS["source"], folder / "given")
    run(
        folder, "search", portraits[first], "--case", WORDS["case"], "--purpose", signed_up.PURPOSE, "--threshold", "-1"
    )
    run(folder, "subjects", "list")
    settings = Settings(home=folder / "home")
    with open_gallery(settings) as gallery:
        stored = templates_of(gallery.records, range(1, 9))
        request, key = _desk(gallery, portraits[first].read_bytes())
        staying_out = _stay_out(gallery, portraits[fourth].read_bytes())
        _more(gallery)
        # Copied while it is open: what is not in the database yet is in its write-ahead log.
        shutil.copytree(settings.home, folder / "copy of the open home")
        gallery.rekey_templates()
        kept_rotation = rotation_file(settings, model_pack(settings), gallery.keyring).read()
        assert kept_rotation is not None
    shutil.copytree(settings.home, folder / "copy of the closed home")
    run(folder, "keys", "backup", folder / "backup of the keyring", "--as", "operator-1")
    (folder / "shares").mkdir()
    shared = ("--shares", "3", "--needed", "2", "--save-to", folder / "shares")
    run(folder, "keys", "escrow", folder / "escrow", *shared, "--as", "operator-1")
    shares = sorted((folder / "shares").iterdir())
    run(folder, "rights", "letter", request, "--to", folder / "letter.pdf")
    run(folder, "audit", "export", folder / "exported log", "--as", "house-auditor")
    run(folder, "oversight", "run", "--as", "house-auditor")
    run(folder, "retention", "run")
    kept = ("home", "tmp", "log", "backup of the keyring", "copy of the open home", "copy of the closed home")
    kept += ("escrow", "exported log")
    secrets = {name: word.encode() for name, word in WORDS.items()} | PICTURES | {"API key": key.encode()}
    secrets |= {f"share {number}": path.read_bytes()[-60:-1] for number, path in enumerate(shares[1:], start=2)}
    rows = np.stack(list(stored.values()))
    turned = kept_rotation[1].turned(rows)
    return Day(
        places=[key_files(settings)[1], erasure_list_file(settings), shares[0], *(folder / name for name in kept)],
        secrets=secrets
        | _templates(rows)
        | {f"of who stays out, {name}": part for name, part in _templates(staying_out).items()}
        | {f"turned {name}": part for name, part in _templates(turned.astype(np.float32)).items()}
        | {"rotation": kept_rotation[1].matrix.tobytes()[:24], "turned float64": turned[0].tobytes()[:24]},
    )


def _more(gallery: OpenGallery) -> None:
    """Do what other people do in a day."""
    operator = gallery.accounts.acting(gallery.accounts.operators()[0])
    application = Application(
        name=WORDS["organisation"],
        sector=Sector("law-enforcement"),
        country="DE",
        region=None,
        contact=WORDS["e-mail"],
        documents=(("letter.pdf", WORDS["document"].encode()),),
    )
    gallery.accounts.apply_for(application, actor=operator)
    gallery.sources.add_release(
        WORDS["source"],
        label=WORDS["subject"],
        document=WORDS["consent"].encode(),
        ends_on=None,
        by="Ada Planted",
        actor=operator,
    )
    gallery.sources.change(WORDS["source"], SourceState.SUSPENDED, by="Ada Planted", reason=WORDS["note"])
    gallery.sources.change(WORDS["source"], SourceState.ACTIVE, by="Ada Planted", reason=WORDS["note"])
    gallery.sources.register(
        name=WORDS["withdrawn"], owner=WORDS["owner"], legal_basis=LegalBasis.CONTRACT, document=b"planted"
    )
    gallery.sources.withdraw(WORDS["withdrawn"], by=WORDS["operator"], reason=WORDS["why it was withdrawn"])
    [erased] = [one for one in gallery.records.subjects(limit=9) if one.label == WORDS["erased"]]
    target = Erased(DestructionKind.SUBJECT_ERASED, erased.subject_id)
    gallery.sources.erase(target, by=WORDS["operator"], reason=WORDS["why they were erased"])
    signed_up.house_auditor(gallery)
    gallery.accounts.add_user(
        "operator-3", organisation=HOUSE, name=WORDS["operator"], roles=[Role.OPERATOR], actor=operator
    )


def _desk(gallery: OpenGallery, photograph: bytes) -> tuple[str, str]:
    """Answer somebody's request, whose id is returned, and make an API key, which is returned too."""
    first, second = signed_up.acting(gallery), signed_up.acting(gallery, "second")
    request = gallery.rights.receive(
        RequestKind.ACCESS, name=WORDS["requester"], contact=WORDS["requester's address"], actor=first
    )
    desk = request.request_id
    gallery.rights.identify(desk, how=WORDS["what a requester showed"], actor=first)
    found = gallery.rights.find(desk, ProbePhotograph(image=photograph, filename="planted.jpg"), actor=first)
    subjects = [one.subject_id for one in found.found]
    gallery.rights.decide(desk, granted=True, reason=WORDS["what was decided"], subjects=subjects, actor=first)
    released = gallery.rights.release(desk, actor=second)
    made = gallery.own.make_key(first, name=WORDS["API key's name"], actions=signed_up.ACTIONS, lasts=timedelta(days=1))
    return released.request_id, made[1]


def _stay_out(gallery: OpenGallery, photograph: bytes) -> Templates:
    """Put somebody on the list of those who are refused at enrolment; returns their template."""
    first, second = signed_up.acting(gallery), signed_up.acting(gallery, "second")
    desk = gallery.rights.receive(
        RequestKind.STAY_OUT, name=WORDS["who stays out"], contact=WORDS["requester's address"], actor=first
    ).request_id
    gallery.rights.identify(desk, how=WORDS["what a requester showed"], actor=first)
    probe = ProbePhotograph(image=photograph, filename="planted.jpg")
    document, ends_on = WORDS["consent to stay out"].encode(), utc_now().date() + timedelta(days=365)
    gallery.rights.consent(desk, [probe], document=document, ends_on=ends_on, actor=first)
    gallery.rights.decide(desk, granted=True, reason=WORDS["what was decided"], actor=first)
    gallery.rights.release(desk, actor=second)
    [entry] = gallery.rights.stay_out.entries.entries()
    return gallery.rights.stay_out.entries.enforce(entry.entry_id, actor=second).reshape(1, -1)


def _templates(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> dict[str, bytes]:
    """Return 24 bytes of each template as they may stand in a file: float32, float16, int8 and the engine's codes."""
    codes, _ = quantised(rows)
    scaled = np.rint(rows / np.abs(rows).max(axis=1, keepdims=True) * 127).astype(np.int8)
    kinds = {"float32": rows, "float16": rows.astype(np.float16), "int8": scaled, "codes": codes}
    return {
        f"template {number} as {kind}": row.tobytes()[16:40]
        for kind, rows_ in kinds.items()
        for number, row in enumerate(rows_)
    }


def files(place: Path) -> Iterator[Path]:
    """Return the files of a place."""
    yield from (path for path in (place.rglob("*") if place.is_dir() else [place]) if path.is_file())


def traces(place: Path, secrets: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return which secrets stand in which files of a place; model packs hold nobody."""
    return [
        (name, path.name)
        for path in files(place)
        if "models" not in path.parts
        for data in [path.read_bytes().lower()]
        for name, secret in secrets.items()
        if secret.lower() in data
    ]


def test_nothing_is_found_without_the_key_file(day: Day) -> None:
    assert [found for place in day.places for found in traces(place, day.secrets)] == []


def test_the_log_is_in_its_export_alone(day: Day) -> None:
    exported = [place for place in day.places if place.name == "exported log"]

    assert {name for place in exported for name, _ in traces(place, ACTIVITY)} == set(ACTIVITY)
    assert [found for place in day.places if place not in exported for found in traces(place, ACTIVITY)] == []


def test_no_table_says_how_much_there_is() -> None:
    numbers = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Integer | BigInteger) and not column.primary_key and not column.foreign_keys
    }

    assert numbers == PLAIN_NUMBERS


def test_counts_are_sealed_in_one_length(day: Day) -> None:
    [home] = [place for place in day.places if place.name == "home"]
    with closing(sqlite3.connect(Settings(home=home).database)) as records:
        counts = [one for (one,) in records.execute("SELECT counts FROM source WHERE state = 'active'")]

    assert {len(one) for one in counts} == {1 + 12 + 24 + 16}


def test_no_file_or_folder_is_called_after_anybody(day: Day) -> None:
    names = [
        str(path.relative_to(place)).lower() for place in day.places if place.is_dir() for path in place.rglob("*")
    ]

    assert [name for name in names for word in WORDS.values() if word.lower() in name] == []


def test_the_same_search_finds_what_is_planted_in_the_clear(day: Day, tmp_path: Path) -> None:
    for number, secret in enumerate(day.secrets.values()):
        (tmp_path / str(number)).write_bytes(os.urandom(100) + secret + os.urandom(100))

    found = {name for path in files(tmp_path) for name, secret in day.secrets.items() if secret in path.read_bytes()}

    assert found == set(day.secrets)


def _registered(gallery: OpenGallery, portraits: Mapping[str, Path], *labels: str) -> None:
    """Put the source on record, and enrol somebody for each label."""
    document = WORDS["document"].encode()
    gallery.sources.register(
        name=WORDS["source"], owner=WORDS["owner"], legal_basis=LegalBasis.CONTRACT, document=document
    )
    for label, name in zip(labels, sorted(portraits), strict=False):
        filename = f"{WORDS['photograph']}{Path(name).suffix}"
        gallery.enrol_photograph(WORDS["source"], portraits[name].read_bytes(), filename=filename, subject=label)


def test_nothing_is_found_in_a_bucket(s3: S3Server, tmp_path: Path, portraits: Mapping[str, Path], day: Day) -> None:
    bucket = s3.bucket()
    place = f"s3://{bucket.config['bucket']}/planted-place"
    settings = Settings(home=tmp_path / "home", objects_bucket=place, workers=1)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment().items():
            patch.setenv(name, value)
        initialise(settings)
        with open_gallery(settings) as gallery:
            _registered(gallery, portraits, WORDS["subject"])
    for number, one in enumerate(obstore.list(bucket).collect()):
        (tmp_path / f"{number}").write_bytes(bytes(obstore.get(bucket, one["path"]).bytes()) + one["path"].encode())

    assert len(list(tmp_path.glob("[0-9]*"))) == 3
    assert traces(tmp_path, day.secrets | {"place": place.encode(), "secret": OWNER[1].encode()}) == []


def test_nothing_is_found_in_a_database_server(tmp_path: Path, portraits: Mapping[str, Path], day: Day) -> None:
    with postgresql_server() as server:
        database = new_database(server)
        settings = Settings(home=tmp_path / "home", records_database=setting_of(database), workers=1)
        initialise(settings)
        with open_gallery(settings) as gallery:
            signed_up.admitted(gallery, cases=[WORDS["case"]])
            _registered(gallery, portraits, WORDS["subject"], "Somebody Else Planted", WORDS["erased"])
            _, key = _desk(gallery, portraits[min(portraits)].read_bytes())
            stored = templates_of(gallery.records, range(1, 9))
            _stay_out(gallery, portraits[sorted(portraits)[3]].read_bytes())
            _more(gallery)
        engine = create_engine(database, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CHECKPOINT"))
        engine.dispose()
        secrets = day.secrets | {"this API key": key.encode()} | _templates(np.stack(list(stored.values())))

        # Tables, what is left in them of deleted rows, the write-ahead log, the server's own log.
        found = [traces(place, secrets | ACTIVITY) for place in (Path(str(server.query["host"])), settings.home)]

    assert len(stored) == 3
    assert found == [[], []]


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_nothing_is_found_where_a_key_service_wraps(day: Day, kms: KmsServer) -> None:
    [home] = [place for place in day.places if place.name == "home"]
    settings = kms.settings(home, kms.new_key())
    credentials = {"key id": kms.user.access_key_id.encode(), "secret": kms.user.secret_access_key.encode()}

    rotate_keys(settings, KekKind.KMS, record=unrecorded)

    for place in (home, key_files(settings)[1]):
        assert traces(place, day.secrets | credentials) == []
    assert not key_files(settings)[0].exists()
