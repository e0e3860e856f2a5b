"""Where keyrings are kept, and what wraps their keys."""
