"""What was done, provably: an append-only Merkle log that outsiders check."""
