"""Speech to words: decoding, regions, chunks, engines, merging, scoring."""
