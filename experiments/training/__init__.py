"""Training runs: what is asked for, the folder they live in, and the loop that fills it."""
