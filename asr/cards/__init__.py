"""What was measured of the quantised models that are shipped: one card a model, written by `callwright quantise`."""
