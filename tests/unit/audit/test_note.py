"""Signed notes and keys in their text forms."""

import base64

import pytest

from countenance.audit.note import (
    Algorithm,
    SignedNote,
    cosigned_at,
    new_signer,
    parse_note,
    parse_skey,
    parse_vkey,
)
from countenance.core.errors import IntegrityError, InvalidInputError

SIGNER = new_signer("example.org/log")
TEXT = "example.org/log\n7\nAAAA\n"

# Source: the example keys in the documentation of Go's golang.org/x/mod/sumdb/note.
GO_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_keys_come_back_from_their_text_forms() -> None:
    again = parse_skey(SIGNER.skey() + "\n")

    assert again.verifier == SIGNER.verifier == parse_vkey(SIGNER.verifier.vkey + "\n")
    assert again.sign(TEXT) == SIGNER.sign(TEXT)


def test_go_s_example_is_read_and_made_again() -> None:
    note = parse_note(GO_NOTE)

    assert note.signed_by([parse_vkey(GO_VKEY)])
    assert SignedNote(note.text, (parse_skey(GO_SKEY).sign(note.text),)).render() == GO_NOTE


def test_only_the_keys_that_signed_are_named() -> None:
    other = new_signer("example.org/log")
    note = parse_note(SignedNote(TEXT, (SIGNER.sign(TEXT), other.sign("another\n"))).render())

    assert note.signed_by([SIGNER.verifier, other.verifier]) == (SIGNER.verifier,)


def test_a_witness_signs_the_time_too() -> None:
    witness = new_signer("witness.example", Algorithm.COSIGNATURE)
    signature = witness.cosign(TEXT, at=1_800_000_000)
    later = type(signature)(signature.name, signature.key_id, bytes(8) + signature.blob[8:])

    assert witness.verifier.verifies(TEXT, signature)
    assert cosigned_at(signature) == 1_800_000_000
    assert not witness.verifier.verifies(TEXT, later)
    assert not witness.verifier.verifies(TEXT, witness.sign(TEXT))
    assert not witness.verifier.verifies(TEXT + "x\n", signature)


@pytest.mark.parametrize(
    "vkey",
    [
        pytest.param("", id="empty"),
        pytest.param("a+b", id="short"),
        pytest.param(SIGNER.verifier.vkey.replace("example", "elsewhere"), id="another-name"),
        pytest.param(SIGNER.verifier.vkey[:-4], id="cut"),
        pytest.param("n+00000000+" + base64.b64encode(b"\x09" + bytes(32)).decode(), id="unknown-algorithm"),
        pytest.param("n+00000000+\u2603", id="not-base64"),
    ],
)
def test_what_is_no_public_key_is_refused(vkey: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_vkey(vkey)

    assert caught.value.code == "vkey-invalid"


@pytest.mark.parametrize("skey", ["", "PRIVATE+KEY+", SIGNER.verifier.vkey, SIGNER.skey()[:-9], "\x00" * 90])
def test_a_damaged_private_key_is_refused_and_not_repeated(skey: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        parse_skey(skey)

    assert caught.value.code == "audit-key-damaged"
    assert SIGNER.skey()[-30:-10] not in str(caught.value)


@pytest.mark.parametrize(
    "note", ["", "text\n", "text\n\n", "text\n\n- a b\n", "t\n\n\u2014 name AA==\n", "t\n\n\u2014 a\n"]
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_note(note)
