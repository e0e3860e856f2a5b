"""Whether searches look like misuse: told to an officer outside the chain, and never used to block anything."""
