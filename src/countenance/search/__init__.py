"""One probe to one candidate list."""
