"""Who may do what: actors, decisions, law packs."""
