"""Summaries of redacted transcripts."""
