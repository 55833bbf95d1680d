"""The keys: issue, open, suspend, resume, destroy; every opening is logged."""
