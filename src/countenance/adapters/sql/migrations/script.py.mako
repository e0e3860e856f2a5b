"""${message}"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text

from countenance.adapters.sql import models

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Go up."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Go back."""
    ${downgrades if downgrades else "pass"}
