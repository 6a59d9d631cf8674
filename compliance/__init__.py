"""Redaction: what was said that must not rest anywhere, found and taken out."""
