"""Systems and pipelines measured side by side, and over time."""
