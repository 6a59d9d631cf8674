"""Transcripts against what was said: error rates, corrections, and what is promoted by them."""
