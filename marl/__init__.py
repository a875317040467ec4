"""Centralised training, decentralised execution: policies that are networks, and from the next release the learners."""
