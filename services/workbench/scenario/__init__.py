"""Scenarios: what is given, what happens, what must be and what must not be. In process in milliseconds, or live."""
