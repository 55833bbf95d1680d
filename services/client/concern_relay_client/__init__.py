"""A client for those who raise concerns."""
