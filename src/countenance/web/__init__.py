"""The search page for a browser."""
