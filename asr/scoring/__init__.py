"""How far a transcript is from what was said, and who said it: every figure of docs/scoring.md."""
