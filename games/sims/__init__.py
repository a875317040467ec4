"""Our own simulations: rules as numba functions of arrays, one batch of sub-environments at a time."""
