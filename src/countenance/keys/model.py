"""Scopes, and what a keyring holds of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countenance.core.errors import IntegrityError, NotFoundError

HOME = "home"
"""The scope of what is personal and belongs to no source, organisation or case."""

SCOPE = re.compile(r"home|(source|org|case):[0-9a-z-]{1,64}")


class KeyState(StrEnum):
    """What has become of a scope's key."""

    NONE = "none"
    ACTIVE = "active"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """One scope's key as the keyring keeps it; one that was destroyed stays as a mark that it must not come back.

    Attributes:
        wrapped: The data key under the key-encryption key; empty where it was destroyed.
        made_at: When the scope got its key, or was barred from getting one.
        destroyed_at: None while the key is there.
        reason: Why it was destroyed, sealed under the home's key; empty while the key is there.
    """

    wrapped: bytes
    made_at: datetime
    destroyed_at: datetime | None = None
    reason: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyringContent:
    """The keyring as it stands.

    Attributes:
        kek_id: Which key-encryption key wraps the data keys.
    """

    kek_id: str
    entries: Mapping[str, KeyEntry]


def source_scope(source_id: str) -> str:
    """Return the scope of what belongs to a source."""
    return f"source:{source_id}"


def org_scope(org_id: str) -> str:
    """Return the scope of what belongs to an organisation."""
    return f"org:{org_id}"


def case_scope(case_id: str) -> str:
    """Return the scope of what belongs to a case."""
    return f"case:{case_id}"


def checked_scope(scope: str) -> str:
    """Give a scope back.

    Raises:
        ValueError: it is not one.
    """
    if not SCOPE.fullmatch(scope):
        raise ValueError(f"{scope!r} is not a key scope")
    return scope


def sealed_damaged() -> IntegrityError:
    """Return the error for something sealed that does not open."""
    return IntegrityError(
        "something sealed was changed, cut short, put in another's place, or sealed under another key",
        code="sealed-damaged",
        hint="restore the data, or the keyring that belongs to it, from a backup",
    )


def key_destroyed(scope: str) -> NotFoundError:
    """Return the error for a scope whose key is gone for good."""
    return NotFoundError(
        f"the key of {scope} was destroyed",
        code="key-destroyed",
        hint="what it sealed can't be read by anybody any more, in backups neither",
    )


def key_missing(scope: str) -> IntegrityError:
    """Return the error for a scope that must have a key and has none."""
    return IntegrityError(
        f"the keyring holds no key of {scope}",
        code="key-missing",
        hint="the keyring is older than the data: `countenance keys restore` a later backup of it",
    )


def key_wrong(kek_id: str) -> IntegrityError:
    """Return the error for a key-encryption key that is not the one that the keyring names."""
    return IntegrityError(
        f"the key-encryption key at hand is not the one that wrapped this keyring ({kek_id})",
        code="key-wrong",
        hint="name the right one (COUNTENANCE_KEY_FILE), or restore it from its backup",
    )
