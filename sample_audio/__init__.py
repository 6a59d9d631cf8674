"""Synthetic two-channel sample calls and the script that makes them."""
