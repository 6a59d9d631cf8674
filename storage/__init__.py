"""Where transcripts rest: SQL tables and content-addressed objects."""
