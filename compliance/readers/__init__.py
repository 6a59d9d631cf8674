"""Readers of what is no plain number: e-mails, names, addresses, dates, codes; a file each."""
