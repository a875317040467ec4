"""Tournaments: agents play each other, cell by cell, and the results become an empirical game."""
