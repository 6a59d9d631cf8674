"""How well calls are heard where nobody tells what was said, and what changes in it."""
