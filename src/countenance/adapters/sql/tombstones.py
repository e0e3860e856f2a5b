"""Which keys were destroyed, on record too: a backup of the keyring must not bring one back."""

from datetime import datetime

from sqlalchemy import Engine, String, select
from sqlalchemy.orm import Mapped, mapped_column

from countenance.adapters.sql.database import WRITER, transaction
from countenance.adapters.sql.models import Base, UtcDateTime
from countenance.core.clock import utc_now
from countenance.keys.ports import Keyring

RESTORED = "destroyed before; it came back with a backup of the keyring"


class DestroyedKeyRow(Base):
    """A scope that must stay dark."""

    __tablename__ = "destroyed_key"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime)


def heed_tombstones(engine: Engine, keyring: Keyring) -> frozenset[str]:
    """Bring records and keyring to the same knowledge of what was destroyed.

    Returns:
        The scopes whose keys had come back, and are destroyed again.

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
            for scope in destroyed - frozenset(session.scalars(select(DestroyedKeyRow.scope))):
                session.add(DestroyedKeyRow(scope=scope, noted_at=utc_now()))
    return noted - destroyed
