"""Whisper, whatever runs it: its weights, its layers, how text is searched in it, and when each word was said."""
