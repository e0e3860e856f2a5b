import shutil
import subprocess
from pathlib import Path

import pytest

from countenance.policy.pack import built_in_folder
from tests.integration.cli.conftest import Command


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No gallery is needed to ask the policy."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def own_pack(empty_home: Path) -> Path:
    folder = empty_home / "packs" / "our-pack"
    shutil.copytree(built_in_folder() / "default", folder)
    manifest = (folder / "manifest.toml").read_text(encoding="utf-8")
    (folder / "manifest.toml").write_text(manifest.replace('name = "default"', 'name = "our-pack"'), encoding="utf-8")
    return folder


def test_the_packs_are_listed_with_what_is_in_force(command: Command) -> None:
    listed = command("policy", "list", "--json").json

    assert {pack["name"] for pack in listed["packs"] if pack["in_force"]} == {"core", "default"}
    assert {"missing-person", "witness"} < {purpose["code"] for purpose in listed["purposes"]}
    assert "Not legal advice" in listed["note"]
    assert "Not legal advice" in command("policy", "list").out


def test_what_is_allowed_ends_with_0_and_what_is_not_with_3(command: Command) -> None:
    assert command("policy", "check").out == "Allowed.\n"
    command("policy", "check", "sector=company", "place=US-IL").refused(3, "not-permitted")


def test_reasons_are_explained(command: Command) -> None:
    explained = command("policy", "explain", "sector=company", "--json").json

    assert explained["allowed"] is False
    assert [reason["rule"] for reason in explained["reasons"]] == ["default-sector"]
    assert "government or law-enforcement" in explained["reasons"][0]["needs"]
    assert "Not legal advice" in command("policy", "explain").out


def test_other_packs_can_be_tried(command: Command) -> None:
    told = command("policy", "explain", "place=BE", "purpose=suspect", "offence=theft", "--packs", "default,eu-ai-act")

    assert "eu-ai-act-authorisation" in told.out


def test_a_change_of_packs_is_shown(command: Command) -> None:
    changed = command("policy", "diff", "archive", "--json").json

    assert {"archive-consent", "archive-sector"} < set(changed["added"])
    assert {"default-sector", "default-us-il"} == set(changed["removed"])
    assert command("policy", "diff", "default").out == "Nothing changes.\n"


def test_every_vector_holds(command: Command) -> None:
    counts = command("policy", "test", "--json").json["vectors"]

    assert len(counts) == 9
    assert min(counts.values()) >= 2


def test_a_pack_of_ones_own_is_tested_and_signed(command: Command, own_pack: Path, tmp_path: Path) -> None:
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "key"], check=True)
    tested = command("policy", "test", own_pack)
    signed = command("policy", "sign", own_pack, "--key", tmp_path / "key", "--json").json

    assert tested.out == "our-pack: 10 vectors hold\n"
    listed = {pack["name"]: pack for pack in command("policy", "list", "--json").json["packs"]}
    assert listed["our-pack"]["signed_by"] == signed["key"]
    (own_pack / "policies.cedar").write_text("", encoding="utf-8")
    command("policy", "list").refused(7, "law-pack-changed")


def test_a_vector_that_fails_is_told(command: Command, own_pack: Path) -> None:
    vectors = (own_pack / "vectors.toml").read_text(encoding="utf-8")
    (own_pack / "vectors.toml").write_text(vectors.replace("US-IN", "US-IL"), encoding="utf-8")

    command("policy", "test", own_pack).refused(7, "law-pack-vector-failed")


@pytest.mark.parametrize(
    ("packs", "exit_code", "code"),
    [
        pytest.param("us-xx", 4, "law-pack-unknown", id="unknown"),
        pytest.param("default,default", 2, "law-packs-invalid", id="twice"),
        pytest.param("core", 2, "law-packs-invalid", id="the core"),
    ],
)
def test_packs_that_can_not_be_in_force_are_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch, packs: str, exit_code: int, code: str
) -> None:
    monkeypatch.setenv("COUNTENANCE_POLICY_PACKS", packs)

    command("policy", "check").refused(exit_code, code)


def test_unsigned_packs_from_elsewhere_are_refused_where_keys_are_named(
    command: Command, monkeypatch: pytest.MonkeyPatch, own_pack: Path
) -> None:
    monkeypatch.setenv("COUNTENANCE_POLICY_PACKS", own_pack.name)
    monkeypatch.setenv("COUNTENANCE_POLICY_KEYS", "00" * 32)

    command("policy", "check").refused(7, "law-pack-unsigned")


def test_a_fact_needs_a_value(command: Command) -> None:
    command("policy", "check", "sector").refused(2, "fact-invalid")
    command("policy", "check", "colour=red").refused(2, "fact-invalid")
