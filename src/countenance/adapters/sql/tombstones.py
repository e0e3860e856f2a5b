"""Which keys were destroyed, on record too: a backup of the keyring must not bring one back."""

from datetime import datetime

from sqlalchemy import Engine, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from countenance.adapters.sql.database import WRITER, transaction
from countenance.adapters.sql.models import Base, UtcDateTime
from countenance.core.clock import utc_now
from countenance.keys.model import checked_scope
from countenance.keys.ports import Keyring

RESTORED = "the records say that it was destroyed"


class DestroyedKeyRow(Base):
    """A scope that must stay dark."""

    __tablename__ = "destroyed_key"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime)


def note_destroyed(session: Session, scope: str) -> None:
    """Put on record that a scope must stay dark, in the transaction that ends what it sealed; again is no harm.

    The key itself is destroyed afterwards: cut short before that, `heed_tombstones` does it.

    Raises:
        ValueError: it is no scope; nothing was noted.
    """
    if session.get(DestroyedKeyRow, checked_scope(scope)) is None:
        session.add(DestroyedKeyRow(scope=scope, noted_at=utc_now()))


def heed_tombstones(engine: Engine, keyring: Keyring) -> frozenset[str]:
    """Bring records and keyring to the same knowledge of what was destroyed.

    Returns:
        The scopes whose keys had come back, or had not been reached, and are destroyed now.

    Raises:
        UnavailableError: codes `keyring-unwritable`, `records-unavailable`; run it again.
    """
    destroyed = keyring.destroyed()
    with transaction(engine) as session:
        noted = frozenset(session.scalars(select(DestroyedKeyRow.scope)))
    for scope in noted - destroyed:
        keyring.destroy(scope, reason=RESTORED)
    if destroyed - noted:
        with transaction(engine.execution_options(**{WRITER: True})) as session:
            for scope in destroyed - noted:
                note_destroyed(session, scope)
    return noted - destroyed
