"""The commands of `staghunt`, one module each; heavy imports happen inside their bodies."""
