"""Comparing training runs: read them, put their scores side by side, say how sure one can be, draw it."""
