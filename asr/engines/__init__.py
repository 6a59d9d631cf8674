"""Runtimes that turn chunks into words, one file each."""
