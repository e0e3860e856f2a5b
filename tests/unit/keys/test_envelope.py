"""The envelope: what is sealed opens in its own place, whole, or not at all."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.core.errors import IntegrityError
from countenance.keys.envelope import NONCE_BYTES, TAG_BYTES, Envelope

KEY = bytes(range(32))
SCOPE = "source:5f0c"

names = st.text(max_size=20)


@given(plaintext=st.binary(max_size=2000), record=names, column=names)
def test_what_was_sealed_comes_back(plaintext: bytes, record: str, column: str) -> None:
    sealed = Envelope(KEY, SCOPE).seal(plaintext, record=record, column=column)

    assert Envelope(KEY, SCOPE).open(sealed, record=record, column=column) == plaintext


def test_it_takes_29_bytes_more_than_its_content() -> None:
    sealed = Envelope(KEY, SCOPE).seal(b"x" * 512, record="1", column="vector")

    assert len(sealed) == 512 + 1 + NONCE_BYTES + TAG_BYTES


def test_the_same_value_sealed_twice_looks_different() -> None:
    envelope = Envelope(KEY, SCOPE)

    sealed = {envelope.seal(b"Ada", record="1", column="label") for _ in range(100)}

    assert len(sealed) == 100


@given(data=st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    envelope = Envelope(KEY, SCOPE)
    sealed = bytearray(envelope.seal(b"Ada Lovelace", record="1", column="label"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << (bit % 8)

    with pytest.raises(IntegrityError) as caught:
        envelope.open(bytes(sealed), record="1", column="label")

    assert caught.value.code == "sealed-damaged"


@given(data=st.data())
def test_any_truncation_is_refused(data: st.DataObject) -> None:
    envelope = Envelope(KEY, SCOPE)
    sealed = envelope.seal(b"Ada Lovelace", record="1", column="label")
    left = data.draw(st.integers(0, len(sealed) - 1))

    with pytest.raises(IntegrityError) as caught:
        envelope.open(sealed[:left], record="1", column="label")

    assert caught.value.code == "sealed-damaged"


@pytest.mark.parametrize(
    ("key", "scope", "record", "column"),
    [
        pytest.param(secrets.token_bytes(32), SCOPE, "1", "label", id="another key"),
        pytest.param(KEY, "source:5f0d", "1", "label", id="another scope"),
        pytest.param(KEY, SCOPE, "2", "label", id="another record"),
        pytest.param(KEY, SCOPE, "1", "notes", id="another column"),
        pytest.param(KEY, SCOPE, "1l", "abel", id="the same letters cut elsewhere"),
    ],
)
def test_it_opens_in_its_own_place_only(key: bytes, scope: str, record: str, column: str) -> None:
    sealed = Envelope(KEY, SCOPE).seal(b"Ada Lovelace", record="1", column="label")

    with pytest.raises(IntegrityError) as caught:
        Envelope(key, scope).open(sealed, record=record, column=column)

    assert caught.value.code == "sealed-damaged"


@given(values=st.lists(st.binary(max_size=40), min_size=2, max_size=2, unique=True))
def test_fingerprints_tell_values_apart(values: list[bytes]) -> None:
    envelope = Envelope(KEY, SCOPE)

    one, other = (envelope.fingerprint(value, column="label") for value in values)

    assert one != other
    assert len(one) == 32
    assert one == Envelope(KEY, SCOPE).fingerprint(values[0], column="label")


def test_fingerprints_depend_on_key_and_column() -> None:
    places = [(KEY, "label"), (KEY, "notes"), (KEY[::-1], "label"), (KEY, "lab")]

    prints = {Envelope(key, SCOPE).fingerprint(b"el", column=column) for key, column in places}

    assert len(prints) == len(places)
