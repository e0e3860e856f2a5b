"""Organisations and their people: who was vetted by whom, and how they sign in."""
