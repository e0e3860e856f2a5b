"""The countenance command."""
