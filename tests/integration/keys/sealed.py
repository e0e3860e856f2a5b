"""What tests of keys elsewhere than in a file do alike: seal something, open it, move keys and be cut short."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keks import KekKind
from countenance.bootstrap.key_care import rotate_keys
from countenance.bootstrap.keyring import key_files, open_keks, open_keyring
from countenance.bootstrap.settings import Settings
from countenance.core.errors import CountenanceError
from countenance.keys.care import rewrapped
from countenance.keys.model import HOME, source_scope
from tests.tokens import PIN
from tests.unrecorded import unrecorded

SOURCE = source_scope("5f0c")
SECRETS = (PIN, "wrong-secret")
"""What tests give a token or a key service, and no message may say."""


def changed(settings: Settings, **others: object) -> Settings:
    """Return settings in which some things are otherwise."""
    return Settings.model_validate({**dict(settings), **others})


def sealed_in(settings: Settings) -> dict[str, bytes]:
    """Seal something under scopes."""
    with open_keyring(settings) as keyring:
        return {scope: keyring.seal(scope, b"Ada", record="1", column="label") for scope in (HOME, SOURCE)}


def opened_in(settings: Settings, sealed: Mapping[str, bytes]) -> set[bytes]:
    """Open what was sealed."""
    with open_keyring(settings) as keyring:
        return {keyring.open(scope, one, record="1", column="label") for scope, one in sealed.items()}


def code_of(call: Callable[[], object]) -> str:
    """Return the code that a call is refused with, in one line without a secret."""
    with pytest.raises(CountenanceError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value.code


def moved_in_two_goes(settings: Settings, to: KekKind, *, done: str) -> tuple[str, str]:
    """Make a home, move its keys, once cut short after a step and once to the end; what was sealed opens all the time.

    Args:
        settings: Of a home that is not there yet, whose key does not lie where it is moved to.
        done: The step after which it is cut short: `key made` or `keyring replaced`.

    Returns:
        The first key-encryption key's identifier, and that of the one that the cut left.
    """
    initialise(settings)
    sealed, keks = sealed_in(settings), open_keks(settings)
    store = FileKeyringStore(key_files(settings)[1])
    old = keks.load(store.read().kek_id)
    new = keks.make_next(to)
    if done == "keyring replaced":
        store.change(lambda content: rewrapped(content, old, new))

    assert opened_in(settings, sealed) == {b"Ada"}
    rotate_keys(settings, to, record=unrecorded)
    assert opened_in(settings, sealed) == {b"Ada"}
    return old.kek_id, new.kek_id


def killed_while_moving(
    settings: Settings, kind: KekKind, places: Mapping[str, object], *, waits_s: list[float]
) -> Iterator[None]:
    """Let another process move a home's keys from a place into the key file and back, and kill it; once a wait.

    Args:
        kind: Where the keys are moved from.
        places: The settings that lead there, by their names.
        waits_s: How long after the first move each is killed.
    """
    environment = os.environ | {f"COUNTENANCE_{name.upper()}": str(value) for name, value in places.items()}
    command = [sys.executable, "-m", "tests.integration.keys.move_for_ever", str(settings.home), kind.value]
    for wait_s in waits_s:
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"moved\n"
            time.sleep(wait_s)
            os.kill(process.pid, signal.SIGKILL)
        yield
