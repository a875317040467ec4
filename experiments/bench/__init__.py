"""Peer comparisons: one file per comparison and room, measured side by side, results committed under results/."""
