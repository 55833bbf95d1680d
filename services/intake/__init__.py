"""Submissions in, concerns out: nothing accepted can be lost."""
