"""One self-contained HTML page about a tournament or a training run, from what its folder holds."""
