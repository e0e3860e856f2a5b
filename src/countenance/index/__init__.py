"""Templates to neighbours."""
