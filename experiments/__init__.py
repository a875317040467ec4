"""The command line, plots, the demo and the peer benchmarks."""
