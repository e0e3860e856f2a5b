"""The exact engine: an integer scan with certified bounds, and full-precision scores of what can reach the cut."""
