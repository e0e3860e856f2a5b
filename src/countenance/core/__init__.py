"""What every layer shares: errors, array checks, identifiers, the clock. Imports nothing of ours."""
