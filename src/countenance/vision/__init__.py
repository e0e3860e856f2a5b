"""Pictures to faces to templates."""
