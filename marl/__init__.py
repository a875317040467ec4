"""Centralised training, decentralised execution: the learners (none in this release)."""
