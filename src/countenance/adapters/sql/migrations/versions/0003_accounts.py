"""Organisations, people, what they sign in with, their sessions.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("sign_in_failure", "session", "credential", "access_change", "account", "organisation")


def upgrade() -> None:
    """Make the tables."""
    _make_organisation()
    _make_account()
    _make_access_change()
    _make_credential()
    _make_session()
    op.create_table(
        "sign_in_failure",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("bucket", sa.LargeBinary(32), nullable=False),
        sa.Column("at", models.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sign_in_failure")),
    )
    op.create_index(op.f("ix_sign_in_failure_bucket_at"), "sign_in_failure", ["bucket", "at"])


def downgrade() -> None:
    """Drop them all."""
    for table in TABLES:
        op.drop_table(table)


def _make_organisation() -> None:
    op.create_table(
        "organisation",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("name_key", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("applied_at", models.UtcDateTime(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_organisation")),
        sa.UniqueConstraint("org_id", name=op.f("uq_organisation_org_id")),
        sa.UniqueConstraint("name_key", name=op.f("uq_organisation_name_key")),
    )


def _make_account() -> None:
    op.create_table(
        "account",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("organisation", models.RowNumber, nullable=False),
        sa.Column("login_key", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("added_at", models.UtcDateTime(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.number"], name=op.f("fk_account_organisation_organisation")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_account")),
        sa.UniqueConstraint("user_id", name=op.f("uq_account_user_id")),
        sa.UniqueConstraint("login_key", name=op.f("uq_account_login_key")),
    )
    op.create_index(op.f("ix_account_organisation"), "account", ["organisation"])


def _make_access_change() -> None:
    op.create_table(
        "access_change",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("change_id", sa.String(36), nullable=False),
        sa.Column("organisation", models.RowNumber, nullable=False),
        sa.Column("account", models.RowNumber, nullable=True),
        sa.Column("at", models.UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(36), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.number"], name=op.f("fk_access_change_organisation_organisation")
        ),
        sa.ForeignKeyConstraint(["account"], ["account.number"], name=op.f("fk_access_change_account_account")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_access_change")),
        sa.UniqueConstraint("change_id", name=op.f("uq_access_change_change_id")),
    )
    op.create_index(op.f("ix_access_change_organisation"), "access_change", ["organisation"])


def _make_credential() -> None:
    op.create_table(
        "credential",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("credential_id", sa.String(36), nullable=False),
        sa.Column("account", models.RowNumber, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("lookup", sa.LargeBinary(32), nullable=True),
        sa.Column("made_at", models.UtcDateTime(), nullable=False),
        sa.Column("expires_at", models.UtcDateTime(), nullable=True),
        sa.Column("used_at", models.UtcDateTime(), nullable=True),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.number"], name=op.f("fk_credential_account_account")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_credential")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_credential_credential_id")),
        sa.UniqueConstraint("lookup", name=op.f("uq_credential_lookup")),
    )
    op.create_index(op.f("ix_credential_account"), "credential", ["account"])


def _make_session() -> None:
    op.create_table(
        "session",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("session_id", sa.String(36), nullable=False),
        sa.Column("lookup", sa.LargeBinary(32), nullable=False),
        sa.Column("account", models.RowNumber, nullable=False),
        sa.Column("began_at", models.UtcDateTime(), nullable=False),
        sa.Column("used_at", models.UtcDateTime(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.number"], name=op.f("fk_session_account_account")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_session")),
        sa.UniqueConstraint("session_id", name=op.f("uq_session_session_id")),
        sa.UniqueConstraint("lookup", name=op.f("uq_session_lookup")),
    )
    op.create_index(op.f("ix_session_account"), "session", ["account"])
