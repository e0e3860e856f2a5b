"""Alembic's entry: runs the migrations in the connection that the caller opened."""

from alembic import context

from countenance.adapters.sql import (  # noqa: F401 - their tables belong to the metadata
    access_models,
    approval_models,
    audit_models,
    case_models,
    destruction_models,
    request_models,
    source_models,
    stay_out_models,
    tombstones,
)
from countenance.adapters.sql.models import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
