"""A key service that takes its time: whoever does not need its answer goes on, and what they do meanwhile counts."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TypeVar

import pytest

from countenance.adapters.keys.aead_kek import AeadKek
from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.adapters.keys.memory import MemoryKeyringStore
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.key_care import rotate_keys
from countenance.bootstrap.keyring import open_keyring
from countenance.bootstrap.settings import Settings
from countenance.keys.care import rewrap
from countenance.keys.envelope import KEY_BYTES
from countenance.keys.model import HOME, KeyState, case_scope, key_wrong, org_scope, source_scope
from countenance.keys.ports import KeyEncryptionKey, KeyringStore
from countenance.keys.service import WrappedKeyring, new_content
from tests.integration.keys.sealed import code_of

FIRST, SLOW, LAST, NEW = source_scope("1"), source_scope("2"), org_scope("3"), case_scope("4")
PATIENCE_S = 20.0

T = TypeVar("T")


class SlowKek:
    """A key-encryption key that answers about the scope SLOW when it is let go on."""

    def __init__(self, kek: AeadKek | None = None) -> None:
        """Make a key that answers at once."""
        self._kek = kek or AeadKek(secrets.token_bytes(KEY_BYTES), "memory")
        self.kek_id = self._kek.kek_id
        self.asked, self.may_answer = Event(), Event()
        self.may_answer.set()
        self.destroyed = False

    def wrap(self, key: bytes, *, scope: str) -> bytes:
        """See the port."""
        self._wait(scope)
        return self._kek.wrap(key, scope=scope)

    def unwrap(self, wrapped: bytes, *, scope: str) -> bytes:
        """See the port."""
        self._wait(scope)
        return self._kek.unwrap(wrapped, scope=scope)

    def twin(self) -> "SlowKek":
        """Return the same key as another process asks it: its answers don't wait for those to this one."""
        return SlowKek(self._kek)

    def _wait(self, scope: str) -> None:
        if scope == SLOW:
            self.asked.set()
            assert self.may_answer.wait(PATIENCE_S)
        if self.destroyed:
            raise key_wrong(self.kek_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A keyring, what it lies in, and two key-encryption keys: the one in use, and one to rotate to."""

    store: KeyringStore
    old: SlowKek
    new: SlowKek
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def keyring(self) -> WrappedKeyring:
        """Open the keyring, as another process does."""
        keks: dict[str, KeyEncryptionKey] = {kek.kek_id: kek for kek in (self.old, self.new)}
        return WrappedKeyring(self.store, keks.__getitem__)

    def begun(self, call: Callable[[], object], slow: SlowKek) -> Future[object]:
        """Start something, and return when it waits for a key-encryption key's answer about SLOW."""
        slow.asked.clear()
        slow.may_answer.clear()
        future = self.pool.submit(call)
        assert slow.asked.wait(PATIENCE_S)
        return future

    def meanwhile(self, call: Callable[[], T]) -> T:
        """Do something that must not wait."""
        return self.pool.submit(call).result(timeout=PATIENCE_S / 2)

    def rotate(self) -> None:
        """Put the keyring under the new key-encryption key, and destroy the old one."""
        rewrap(self.store, self.old, self.new)
        self.old.destroyed = True


@pytest.fixture(params=["memory", "file"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A new keyring with its home's key."""
    old = SlowKek()
    store: KeyringStore
    if request.param == "memory":
        store = MemoryKeyringStore(new_content(old))
    else:
        store = FileKeyringStore(tmp_path / "keyring")
        store.create(new_content(old))
    made = Bench(store=store, old=old, new=SlowKek())
    yield made
    for kek in (made.old, made.new):
        kek.may_answer.set()
    made.pool.shutdown()


def sealed(keyring: WrappedKeyring, scope: str) -> bytes:
    """Seal something."""
    return keyring.seal(scope, b"Ada", record="1", column="label")


def opened(keyring: WrappedKeyring, scope: str, value: bytes) -> bytes:
    """Open what was sealed."""
    return keyring.open(scope, value, record="1", column="label")


class TestNewKey:
    def test_others_are_made_used_and_destroyed_meanwhile(self, bench: Bench) -> None:
        keyring = bench.keyring()
        values = {scope: sealed(keyring, scope) for scope in (HOME, FIRST)}
        waiting = bench.begun(lambda: sealed(keyring, SLOW), bench.old)

        for scope, value in values.items():
            assert bench.meanwhile(lambda scope=scope, value=value: opened(keyring, scope, value)) == b"Ada"  # type: ignore[misc]
        made = bench.meanwhile(lambda: sealed(keyring, NEW))
        bench.meanwhile(lambda: keyring.destroy(FIRST, reason="withdrawn"))
        assert bench.meanwhile(lambda: keyring.state(SLOW)) is KeyState.NONE

        bench.old.may_answer.set()
        late = waiting.result(PATIENCE_S)
        assert isinstance(late, bytes)
        assert opened(bench.keyring(), SLOW, late) == opened(bench.keyring(), NEW, made) == b"Ada"
        assert bench.keyring().state(FIRST) is KeyState.DESTROYED

    def test_a_scope_that_is_barred_meanwhile_gets_none(self, bench: Bench) -> None:
        keyring = bench.keyring()
        waiting = bench.begun(lambda: sealed(keyring, SLOW), bench.old)

        bench.meanwhile(lambda: keyring.destroy(SLOW, reason="withdrawn"))

        bench.old.may_answer.set()
        assert code_of(lambda: waiting.result(PATIENCE_S)) == "key-destroyed"
        assert keyring.state(SLOW) is KeyState.DESTROYED

    def test_who_was_first_made_it(self, bench: Bench) -> None:
        slow, other = bench.keyring(), bench.keyring()
        waiting = bench.begun(lambda: sealed(slow, SLOW), bench.old)
        bench.old.asked.clear()
        second = bench.pool.submit(lambda: sealed(other, SLOW))
        assert bench.old.asked.wait(PATIENCE_S)

        bench.old.may_answer.set()
        values = [one.result(PATIENCE_S) for one in (waiting, second)]

        assert [opened(bench.keyring(), SLOW, value) for value in values if isinstance(value, bytes)] == [b"Ada"] * 2

    @pytest.mark.parametrize("destroyed", [False, True])
    def test_after_a_rotation_meanwhile_it_is_wrapped_by_the_new_one(self, bench: Bench, *, destroyed: bool) -> None:
        keyring = bench.keyring()
        waiting = bench.begun(lambda: sealed(keyring, SLOW), bench.old)

        bench.meanwhile(lambda: rewrap(bench.store, bench.old, bench.new))
        bench.old.destroyed = destroyed

        bench.old.may_answer.set()
        value = waiting.result(PATIENCE_S)
        assert isinstance(value, bytes)
        bench.old.destroyed = True
        assert opened(bench.keyring(), SLOW, value) == b"Ada"

    def test_a_refusal_is_said(self, bench: Bench) -> None:
        keyring = bench.keyring()
        bench.old.destroyed = True

        assert code_of(lambda: sealed(keyring, NEW)) == "key-wrong"
        assert keyring.state(NEW) is KeyState.NONE


class TestRotation:
    def test_keys_are_made_used_and_destroyed_meanwhile(self, bench: Bench) -> None:
        keyring = bench.keyring()
        values = {scope: sealed(keyring, scope) for scope in (HOME, FIRST, SLOW, LAST)}
        waiting = bench.begun(bench.rotate, bench.new)

        # One that was wrapped already, and one that waits for its turn.
        for scope in (FIRST, LAST):
            bench.meanwhile(lambda scope=scope: keyring.destroy(scope, reason="withdrawn"))  # type: ignore[misc]
        for scope in (HOME, SLOW):
            assert bench.meanwhile(lambda scope=scope: opened(keyring, scope, values[scope])) == b"Ada"  # type: ignore[misc]
        values[NEW] = bench.meanwhile(lambda: sealed(keyring, NEW))
        assert bench.meanwhile(lambda: keyring.state(LAST)) is KeyState.DESTROYED

        bench.new.may_answer.set()
        waiting.result(PATIENCE_S)
        assert bench.store.read().kek_id == bench.new.kek_id
        for reader in (keyring, bench.keyring()):
            assert {scope: opened(reader, scope, values[scope]) for scope in (HOME, SLOW, NEW)} == dict.fromkeys(
                (HOME, SLOW, NEW), b"Ada"
            )
            assert reader.destroyed() == {FIRST, LAST}

    def test_who_waits_for_a_key_that_is_destroyed_meanwhile_asks_the_new_one(self, bench: Bench) -> None:
        value = sealed(bench.keyring(), SLOW)
        reader = bench.keyring()
        waiting = bench.begun(lambda: opened(reader, SLOW, value), bench.old)

        bench.meanwhile(lambda: rewrap(bench.store, bench.old.twin(), bench.new))
        bench.old.destroyed = True

        bench.old.may_answer.set()
        assert waiting.result(PATIENCE_S) == b"Ada"

    def test_what_another_key_wraps_by_then_is_left(self, bench: Bench) -> None:
        sealed(bench.keyring(), SLOW)
        third = SlowKek()
        waiting = bench.begun(lambda: rewrap(bench.store, bench.old, third), third)

        bench.meanwhile(bench.rotate)

        third.may_answer.set()
        assert code_of(lambda: waiting.result(PATIENCE_S)) == "key-wrong"
        assert bench.store.read().kek_id == bench.new.kek_id


def test_rotations_take_turns(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    initialise(settings)
    with open_keyring(settings) as keyring:
        value = keyring.seal(FIRST, b"Ada", record="1", column="label")
    begun, may_go_on, second_begun = Event(), Event(), Event()

    def first(**_: object) -> None:
        begun.set()
        assert may_go_on.wait(PATIENCE_S)

    def second(**_: object) -> None:
        second_begun.set()

    with ThreadPoolExecutor(2) as pool:
        rotations = [pool.submit(lambda: rotate_keys(settings, record=first))]
        assert begun.wait(PATIENCE_S)
        rotations.append(pool.submit(lambda: rotate_keys(settings, record=second)))
        overtook = second_begun.wait(0.5)
        may_go_on.set()
        kek_ids = [one.result(PATIENCE_S) for one in rotations]

    assert not overtook
    assert len(set(kek_ids)) == 2
    with open_keyring(settings) as keyring:
        assert keyring.open(FIRST, value, record="1", column="label") == b"Ada"
