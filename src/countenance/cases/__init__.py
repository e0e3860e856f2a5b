"""Cases that organisations search for: opened and closed by their own people."""
