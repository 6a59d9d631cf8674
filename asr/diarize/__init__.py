"""Who spoke when in a channel that several people share."""
