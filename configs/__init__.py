"""Settings: every stage's options composed, overlaid and fingerprinted."""
