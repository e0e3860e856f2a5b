"""`countenance audit`: the log from its entries to witnesses, by the commands alone."""

import json
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import signed_up
from tests.integration.cli.conftest import Command

OPERATOR = ("--as", "operator-1")


def saved(path: Path, text: str) -> Path:
    """Write a file."""
    path.write_text(text)
    return path


def test_the_log_is_verified_and_shown(command: Command, own_home: Path) -> None:
    found = command("audit", "verify", "--json").json
    shown = command("audit", "show", "0", "--limit", "1", "--json").json

    # Reading the log leaves an entry itself.
    assert found["entries"] + 1 == shown["size"] >= 2
    assert found["log"].startswith("countenance.local/")
    assert [one["action"] for one in shown["entries"]] == ["access-user-added"]
    assert "are what was signed" in command("audit", "verify").out
    assert "source-register" in command("audit", "show", "0", "--limit", "100").out
    assert own_home.is_dir()


@pytest.mark.parametrize("limit", [1, 3, 20, 21, 10_000])
@pytest.mark.usefixtures("own_home")
def test_without_an_index_the_newest_entries_are_shown(command: Command, limit: int) -> None:
    for _ in range(25):
        command("audit", "show", "0", "--limit", "1")

    shown = command("audit", "show", "--limit", f"{limit}", "--json").json

    assert [one["index"] for one in shown["entries"]] == list(range(max(0, shown["size"] - limit), shown["size"]))
    # The newest is this reading itself.
    assert shown["entries"][-1]["action"] == "read-log"


@pytest.mark.usefixtures("own_home")
def test_the_newest_entries_are_those_that_the_auditor_may_read(command: Command) -> None:
    as_bench = ("--as", "bench-auditor", "--json")
    command("audit", "show", *as_bench)
    for _ in range(3):
        command("audit", "show")

    shown = command("audit", "show", "--limit", "2", *as_bench).json

    assert [one["index"] for one in shown["entries"]] == [shown["size"] - 5, shown["size"] - 1]
    assert "house" not in {one["actor"]["organisation"] for one in shown["entries"]}


@pytest.mark.parametrize(
    ("first", "limit", "indices"),
    [
        pytest.param(-3, 2, slice(-3, -1), id="from the end"),
        pytest.param(-3, 20, slice(-3, None), id="to the end"),
        pytest.param(-(10**9), 2, slice(0, 2), id="further back than there are entries"),
        pytest.param(10**9, 2, slice(0, 0), id="after the end"),
    ],
)
@pytest.mark.usefixtures("own_home")
def test_an_index_says_where_to_begin(command: Command, first: int, limit: int, indices: slice) -> None:
    shown = command("audit", "show", "--limit", f"{limit}", "--json", "--", f"{first}").json

    assert [one["index"] for one in shown["entries"]] == list(range(shown["size"]))[indices]


@pytest.mark.usefixtures("own_home")
def test_an_auditor_of_an_organisation_sees_what_it_did_and_nobody_sees_sketches(
    command: Command, portraits: Mapping[str, Path]
) -> None:
    stated = ("--case", signed_up.CASE, "--purpose", signed_up.PURPOSE, "--as", "examiner", "--json")
    command("search", portraits["obama3.jpg"], *stated)

    bench = command("audit", "show", "0", "--limit", "1000", "--as", "bench-auditor", "--json").json
    house = command("audit", "show", "0", "--limit", "1000", "--json").json

    [organisation] = {one["actor"]["organisation"] for one in bench["entries"]}
    assert organisation != "house"
    assert {one["actor"]["organisation"] for one in house["entries"]} == {"house", organisation}
    # Other tests may have searched in the gallery that was copied.
    [*_, search] = [one for one in house["entries"] if one["action"] == "search"]
    assert search in bench["entries"]
    assert "period" in search["facts"]
    assert "sketch" not in search["facts"]


def test_a_receipt_is_checked_in_the_log_and_alone(command: Command, own_home: Path, tmp_path: Path) -> None:
    receipt = saved(tmp_path / "receipt.json", command("audit", "prove", "1", "--json").out)
    keys = own_home / "audit-vkeys"

    inside = command("audit", "verify", "--receipt", receipt, "--json").json
    alone = command("audit", "verify", "--alone", "--receipt", receipt, "--vkey", keys, "--json").json

    assert inside["receipts"] == 1
    assert alone["receipts"][0]["entry"]["index"] == 1
    changed = json.loads(receipt.read_text())
    changed["entry"] = changed["entry"].replace("done", "dome")
    saved(receipt, json.dumps(changed))
    command("audit", "verify", "--alone", "--receipt", receipt, "--vkey", keys).refused(7, "receipt-invalid")


NO_DOCUMENT = ("", "[]", "1", "null", '"x"', "true", "NaN", "{}", '{"receipt": []}', "[" * 200_000, '{"a":' * 200_000)


@pytest.mark.parametrize("text", [pytest.param(one, id=one[:15]) for one in NO_DOCUMENT])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("verify", "--alone", "--receipt", "odd"), "receipt-unreadable", id="a receipt"),
        pytest.param(
            ("witness", "keys", "--key", "keys", "--seen", "seen", "--out", "out", "--proof", "odd"),
            "proof-unreadable",
            id="a proof of growth",
        ),
    ],
)
def test_a_file_that_holds_something_else_is_one_line(
    command: Command, tmp_path: Path, words: tuple[str, ...], code: str, text: str
) -> None:
    made = command("audit", "witness-key", "witness.example", "--out", tmp_path / "keys", "--json").json
    saved(tmp_path / "vkeys", made["vkey"])
    saved(tmp_path / "odd", text)

    command("audit", *words, "--vkey", "vkeys").refused(2, code)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        pytest.param(("\n\n\u2014", "\n\ud800\n\n\u2014"), (2, "receipt-unreadable"), id="half a sign"),
        pytest.param(("\nindex ", "\nindex 9"), (7, "receipt-invalid"), id="another index"),
        pytest.param(("\nindex ", "\nindex " + "9" * 4000), (7, "receipt-invalid"), id="an index of 4,000 digits"),
    ],
)
def test_a_proof_that_was_changed_is_one_line(
    command: Command, own_home: Path, tmp_path: Path, change: tuple[str, str], refused: tuple[int, str]
) -> None:
    receipt: dict[str, Any] = command("audit", "prove", "1", "--json").json
    changed = {**receipt, "proof": receipt["proof"].replace(*change)}
    saved(tmp_path / "receipt.json", json.dumps(changed))

    command(
        "audit", "verify", "--alone", "--receipt", tmp_path / "receipt.json", "--vkey", own_home / "audit-vkeys"
    ).refused(*refused)


def damaged_earlier(export: Path) -> None:
    (export / "checkpoints").mkdir(exist_ok=True)
    (export / "checkpoints" / "000000").write_bytes(b"\xff")


def folder_for_earlier(export: Path) -> None:
    (export / "checkpoints" / "999999").mkdir(parents=True, exist_ok=True)


def damaged_head(export: Path) -> None:
    (export / "checkpoint").write_bytes(b"\xff")


@pytest.mark.parametrize("damage", [damaged_earlier, folder_for_earlier, damaged_head])
def test_an_export_that_was_damaged_is_one_line(command: Command, own_home: Path, tmp_path: Path, damage: Any) -> None:
    folder = tmp_path / "log"
    command("audit", "export", folder, "--json")
    damage(folder)

    command("audit", "verify", "--export", folder, "--vkey", own_home / "audit-vkeys").refused(7, "export-damaged")


def test_a_changed_entry_ends_with_7(command: Command, own_home: Path) -> None:
    with sqlite3.connect(own_home / "records.sqlite3") as database:
        database.execute("DROP TRIGGER audit_entry_no_update")
        database.execute("UPDATE audit_entry SET body = substr(body, 1, length(body) - 1) WHERE idx = 0")

    command("audit", "verify").refused(7, "audit-damaged")


def test_an_export_is_verified_without_the_gallery(command: Command, own_home: Path, tmp_path: Path) -> None:
    folder, keys = tmp_path / "log", shutil.copy(own_home / "audit-vkeys", tmp_path / "keys")
    written = command("audit", "export", folder, "--json").json
    shutil.rmtree(own_home)

    found = command("audit", "verify", "--export", folder, "--vkey", keys, "--json").json

    assert found["entries"] == written["entries"]
    assert "pkeyutl" in (folder / "README.md").read_text()
    command("audit", "verify", "--export", folder).refused(2, "audit-options-incomplete")
    command("audit", "verify", "--export", tmp_path, "--vkey", keys).refused(4, "export-unknown")


def test_a_witness_signs_growth_and_no_fork(command: Command, own_home: Path, tmp_path: Path) -> None:
    keys, names = own_home / "audit-vkeys", ("witness.key", "seen", "one", "two", "first", "second", "proof")
    key, seen, one, two, first, second, proof = (tmp_path / name for name in names)
    witness = saved(
        tmp_path / "witness", command("audit", "witness-key", "witness.example", "--out", key, "--json").json["vkey"]
    )
    sign = ("--key", key, "--vkey", keys, "--seen", seen, "--force")
    command("audit", "checkpoint", "--out", one, *OPERATOR, "--json")
    command("audit", "witness", one, *sign, "--out", first, "--json")
    command("audit", "rotate-key", *OPERATOR, "--json")
    command("audit", "checkpoint", "--out", two, *OPERATOR, "--json")

    command("audit", "witness", two, *sign, "--out", second).refused(5, "witness-proof-missing")
    saved(proof, command("audit", "prove", "--since", one, "--to", two, "--json").out)
    command("audit", "witness", two, *sign, "--out", second, "--proof", proof, "--json")
    put = ("--witness", witness, *OPERATOR)
    recorded = command("audit", "checkpoint", "--cosigned", second, *put, "--json").json

    assert recorded["checkpoint"].count("\u2014 ") == 2
    assert key.stat().st_mode & 0o777 == 0o600
    command("audit", "witness", one, *sign, "--out", first).refused(5, "checkpoint-forked")
    command("audit", "checkpoint", "--cosigned", two, *put).refused(7, "checkpoint-invalid")


def test_a_new_key_takes_over_for_those_who_know_the_old_one(command: Command, own_home: Path, tmp_path: Path) -> None:
    old = saved(tmp_path / "old", (own_home / "audit-vkeys").read_text())

    made = command("audit", "rotate-key", *OPERATOR, "--json").json

    assert (own_home / "audit-vkeys").read_text().splitlines() == [old.read_text().strip(), made["vkey"]]
    assert command("audit", "verify", "--vkey", old, "--json").code == 0
    assert command("audit", "verify", "--json").code == 0


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        pytest.param(("prove", "999999"), 4, "audit-entry-unknown", id="no such entry"),
        pytest.param(("prove",), 2, "audit-options-incomplete", id="nothing to prove"),
        pytest.param(("prove", "1", "--to", "junk"), 2, "audit-options-incomplete", id="an entry to a checkpoint"),
        pytest.param(("verify", "--receipt", "nowhere"), 4, "audit-file-unreadable", id="no file"),
        pytest.param(("verify", "--receipt", "junk"), 2, "receipt-unreadable", id="no receipt"),
        pytest.param(("verify", "--vkey", "junk"), 2, "vkey-invalid", id="no key"),
        pytest.param(("verify", "--checkpoint", "junk"), 7, "checkpoint-invalid", id="no checkpoint"),
        pytest.param(("verify", "--alone"), 2, "audit-options-incomplete", id="nothing alone"),
        pytest.param(("witness-key", "a b", "--out", "k"), 2, "witness-name-invalid", id="no name"),
    ],
)
@pytest.mark.usefixtures("own_home")
def test_what_can_t_be_used_is_refused(
    command: Command, tmp_path: Path, words: tuple[str, ...], exit_code: int, code: str
) -> None:
    saved(tmp_path / "junk", "{}")

    command("audit", *words).refused(exit_code, code)
