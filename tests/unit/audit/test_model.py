"""Receipts and proofs of growth out of strangers' files: whatever stands in them, they are read or refused."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from countenance.audit.growth import EMPTY, grow
from countenance.audit.merkle import leaf_hash
from countenance.audit.model import Checkpoint, Proof, Receipt, parse_checkpoint, parse_receipt
from countenance.audit.note import SignedNote
from countenance.audit.proving import parse_consistency
from countenance.audit.verification import named_successor, require_receipt
from countenance.core.errors import IntegrityError
from tests.audit_parts import SIGNER, entry

GROWN = grow(EMPTY, [entry()], SIGNER)
RECEIPT = GROWN.receipt.to_json()
GROWTH = {"old": GROWN.receipt.checkpoint.text(), "path": [], "checkpoint": GROWN.head.note}

ODD: tuple[Any, ...] = (None, True, 1, -1, 1.5, "", "x", "\ud800", [], [[]], [1], {}, {"receipt": {}}, 10**30)
"""What JSON may hold where something else belongs."""


def spoilt(whole: dict[str, Any]) -> Iterator[Any]:
    """Yield documents that are not what they should be: odd ones, and whole ones with one odd part, or without it."""
    yield from ODD
    yield from ({"receipt": one} for one in ODD)
    for name in whole:
        yield {key: value for key, value in whole.items() if key != name}
        yield from ({**whole, name: one} for one in ODD)


@pytest.mark.parametrize("document", [*spoilt({name: RECEIPT[name] for name in ("entry", "proof", "vkey")})])
def test_what_is_no_receipt_is_refused(document: Any) -> None:
    try:
        read = parse_receipt(document)
    except ValueError:
        return

    # Some text stands where the entry or the key does: the proof, or whoever compares keys, tells that it is another.
    assert type(read.entry) is bytes
    assert type(read.vkey) is str
    assert read.proof == GROWN.receipt.proof


PATHS_OF_NOTHING = [{**GROWTH, "path": nothing} for nothing in ("", [], {})]
"""What is a proof still: between a log and itself no hash is needed."""


@pytest.mark.parametrize("document", [one for one in spoilt(GROWTH) if one not in PATHS_OF_NOTHING])
def test_what_is_no_proof_of_growth_is_refused(document: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever part of it is the odd one
        parse_consistency(document)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda proof: proof.replace("index 0\n", ""), id="without an index"),
        pytest.param(lambda proof: proof.replace("index 0", "index"), id="an index of nothing"),
        pytest.param(lambda proof: proof.replace("index 0", "index 0\nAAAA"), id="half a hash"),
        pytest.param(lambda proof: proof.replace("index 0\n", "index 0\n\ud800\n"), id="half a sign for a hash"),
        pytest.param(
            lambda proof: proof.replace("\n\n\u2014", "\n\ud800\n\n\u2014"), id="half a sign under the signature"
        ),
        pytest.param(lambda proof: proof.replace("\n1\n", "\n1" + "0" * 4000 + "\n"), id="a size of 4,000 digits"),
        pytest.param(lambda proof: proof.replace("\n1\n", "\n1" + "0" * 5000 + "\n"), id="a size that Python refuses"),
        pytest.param(lambda proof: proof.replace("\n1\n", "\n-1\n"), id="a size below nothing"),
        pytest.param(lambda proof: proof.partition("\n\n")[0], id="no note"),
        pytest.param(lambda proof: proof.rpartition("\n\n")[0], id="no signature"),
        pytest.param(lambda proof: proof.replace("\u2014 ", "\u2014"), id="a signature of nobody"),
    ],
)
def test_a_proof_that_can_t_be_read_is_refused(change: Callable[[str], str]) -> None:
    changed = {**RECEIPT, "proof": change(RECEIPT["proof"])}
    assert changed != RECEIPT

    with pytest.raises(ValueError):  # noqa: PT011 - whichever part of it is the odd one
        parse_receipt(json.loads(json.dumps(changed)))


def signed(text: str) -> dict[str, Any]:
    """Return a receipt whose proof leads to a note of ours that says anything."""
    note = SignedNote(text, (SIGNER.sign(text),))
    return {**RECEIPT, "proof": f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note.render()}"}


def test_a_signed_note_that_is_no_checkpoint_proves_nothing() -> None:
    with pytest.raises(ValueError, match="checkpoint"):
        parse_receipt(signed("the key signs other things too\nand\nmore\n"))


@pytest.mark.parametrize("body", ["[1]", "1", "null", "no JSON", "[" * 60_000], ids=lambda body: body[:8])
def test_an_entry_that_is_no_object_is_no_receipt_even_if_its_key_signed_it(body: str) -> None:
    text = Checkpoint(SIGNER.verifier.name, 1, leaf_hash(body.encode())).text()
    receipt = Receipt(body.encode(), Proof(0, (), SignedNote(text, (SIGNER.sign(text),))), SIGNER.verifier.vkey)

    with pytest.raises(IntegrityError) as raised:
        require_receipt(receipt, [SIGNER.verifier])

    assert raised.value.code == "receipt-invalid"


def test_the_largest_size_is_read() -> None:
    largest = 2**63 - 1
    text = Checkpoint("log", largest, bytes(32)).text()

    assert parse_checkpoint(text).size == largest
    with pytest.raises(ValueError, match="checkpoint"):
        parse_checkpoint(text.replace(str(largest), str(largest + 1)))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 60_000, id="deep"),
        *(pytest.param(json.dumps(one).encode(), id=f"{one!a}") for one in ODD),
        *(
            pytest.param(
                json.dumps({"action": "audit-key-rotate", "facts": {"vkey": one}}).encode(), id=f"a key {one!a}"
            )
            for one in ODD
        ),
    ],
)
def test_an_entry_that_names_no_key_names_no_successor(body: bytes) -> None:
    assert named_successor(body) is None
