"""`countenance rights`, through the real command, with a real photograph."""

import hashlib
from pathlib import Path

from tests import signed_up
from tests.integration.cli.conftest import PEOPLE, Command

RECEIVE = ("rights", "receive", "--kind", "erasure", "--name", "Zoë Planted", "--contact", "z@example.org")


def enrolled(command: Command, album: Path) -> None:
    """Enrol two people, and let a second person in."""
    command("source", "register", "album", "--owner", "Zoë", "--legal-basis", "contract", "--document", "d.txt")
    assert command("enrol", "album", album, "--json").json["enrolled"] == 2
    signed_up.added_home(album.parent / "home", "second")


def test_a_person_is_found_decided_on_and_erased(command: Command, album: Path, tmp_path: Path) -> None:
    enrolled(command, album)
    portrait = tmp_path / "portrait.jpg"
    portrait.write_bytes((album / "A" / PEOPLE["A"][0]).read_bytes() + b"planted at the end")
    planted = hashlib.sha256(portrait.read_bytes()).hexdigest()

    one = command(*RECEIVE, "--received", "2026-01-31", "--json").json["request_id"]
    command("rights", "identify", one, "--how", "passport seen")
    [found] = command("rights", "find", one, portrait, "--json").json["found"]
    decide = ("rights", "decide", one, "--grant", "--reason", "Consent was taken back")
    command(*decide, "--subject", found["subject_id"])
    command("rights", "release", one).refused(3, "request-same-person")
    command("rights", "letter", one, "--to", "l.pdf").refused(5, "request-not-released")
    [listed] = command("rights", "list", "--json").json["requests"]
    released = command("rights", "release", one, "--as", "second", "--json").json
    letter = command("rights", "letter", one, "--to", "l.pdf", "--json").json
    command("rights", "close", one, "--reason", "Letter sent")
    [closed] = command("rights", "list", "--closed", "--json").json["requests"]

    assert found["score"] > 0.9
    assert (listed["state"], listed["due_on"], listed["overdue"]) == ("decided", "2026-02-28", True)
    assert "Zoë" not in str(listed)
    assert (released["state"], len(released["certificates"])) == ("released", 1)
    assert command("subjects", "show", found["subject_id"]).code == 4
    assert (tmp_path / "l.pdf").read_bytes().startswith(b"%PDF-1.")
    assert letter["paragraphs"][0] == "Zoë Planted\nz@example.org"
    assert (closed["state"], closed["overdue"]) == ("closed", False)
    assert "Letter sent" in command("rights", "show", one).out
    kept = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not any(b"planted at the end" in data or planted.encode() in data for data in kept)


def test_a_decision_is_sent_back(command: Command, album: Path) -> None:
    enrolled(command, album)
    one = command(*RECEIVE, "--json").json["request_id"]
    command("rights", "identify", one, "--how", "passport seen")
    command("rights", "decide", one, "--refuse", "--reason", "x", "--withhold-searches")

    back = command("rights", "return", one, "--reason", "look again", "--as", "second", "--json").json

    assert (back["state"], back["decision"]) == ("identified", None)


def test_what_can_not_be_is_one_line(command: Command, album: Path) -> None:
    enrolled(command, album)
    one = command(*RECEIVE, "--json").json["request_id"]

    command(*RECEIVE, "--received", "2999-01-01").refused(2, "request-date-invalid")
    command("rights", "show", "5f0c").refused(4, "request-unknown")
    command("rights", "decide", one, "--grant", "--reason", "x").refused(5, "request-state-forbidden")
    command("rights", "decide", one, "--reason", "x").refused(2, "usage")
    command("rights", "identify", one, "--how", " ").refused(2, "request-words-invalid")
    command("rights", "identify", one, "--how", "seen")
    command("rights", "find", one, "d.txt").refused(2, "image-unsupported-format")
    command("rights", "find", one, "nowhere.jpg").refused(4, "image-not-found")


def test_somebody_stays_out_until_they_take_it_back(command: Command, album: Path, photographs: Path) -> None:
    enrolled(command, album)
    portrait, again = (photographs / "C" / name for name in PEOPLE["C"])
    (album.parent / "new" / "C").mkdir(parents=True)
    (album.parent / "new" / "C" / again.name).write_bytes(again.read_bytes())
    received = ("rights", "receive", "--kind", "stay-out", "--name", "Zoë Planted", "--contact", "z@example.org")

    one = command(*received, "--json").json["request_id"]
    command("rights", "identify", one, "--how", "passport seen")
    command("rights", "decide", one, "--grant", "--reason", "r").refused(5, "consent-missing")
    consent = ("rights", "consent", one, portrait, "--document", "d.txt")
    command(*consent, "--until", "2020-01-01").refused(2, "consent-end-invalid")
    consented = command(*consent, "--until", "2999-12-31", "--json").json
    waiting = command("enrol", "album", album.parent / "new", "--json").json
    command("rights", "decide", one, "--grant", "--reason", "Their wish")
    released = command("rights", "release", one, "--as", "second", "--json").json
    other = album.parent / "other"
    (other / "C").mkdir(parents=True)
    (other / "C" / portrait.name).write_bytes(portrait.read_bytes())
    refused = command("enrol", "album", other, "--json").json
    said = command("enrol", "album", other).out
    letter = command("rights", "letter", one, "--to", "l.pdf", "--json").json
    [entry] = command("rights", "stay-out", "list", "--json").json["entries"]
    planned = command("retention", "plan", "--json").json["stay_out"]
    ended = command("rights", "stay-out", "end", entry["entry_id"], "--json").json
    afterwards = command("enrol", "album", other, "--json").json

    assert (consented["found"], consented["consent"]["ends_on"]) == ([], "2999-12-31")
    assert (waiting["enrolled"], waiting["stay_out"]) == (1, 0)
    assert [one["source"] for one in released["found"]] == ["album"]
    assert ([one["code"] for one in refused["not_enrolled"]], refused["stay_out"]) == (["stay-out"], 1)
    assert "it shows somebody who asked not to be enrolled [stay-out]" in said
    assert "Zoë" not in said
    assert any(entry["entry_id"] in text for text in letter["paragraphs"])
    assert (planned, ended) == ([], {"ended": entry["entry_id"]})
    assert (afterwards["enrolled"], afterwards["stay_out"]) == (1, 0)
    assert "Nobody asked to stay out." in command("rights", "stay-out", "list").out
    command("rights", "stay-out", "end", entry["entry_id"]).refused(4, "stay-out-unknown")
