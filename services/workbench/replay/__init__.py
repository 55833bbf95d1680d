"""Replay: the cores of the services over recorded history, and every difference named."""
