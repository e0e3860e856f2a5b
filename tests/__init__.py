"""Tests of Countenance."""
