"""Papers and what they claim, measured: each claim is answered by code that anybody can run."""
