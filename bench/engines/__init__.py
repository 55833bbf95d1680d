"""The engines under measurement, each a process of its own that does the same work: one effect per concern raised."""
