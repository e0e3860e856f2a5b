"""Records in SQL: SQLite here, PostgreSQL with the same models and migrations."""
