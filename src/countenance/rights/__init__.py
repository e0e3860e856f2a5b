"""What people who may be enrolled ask for: requests with a deadline, decided by one person and released by another."""
