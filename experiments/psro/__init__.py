"""Population training: policy-space response oracles (PSRO) and its joint variant (JPSRO)."""
