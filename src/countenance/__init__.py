"""Countenance finds who is in a photograph, among enrolled faces. Candidates, never identifications."""
