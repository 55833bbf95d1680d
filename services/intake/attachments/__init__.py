"""Attachments: declared with an answer to the question, uploaded, kept in quarantine, released by a named person."""
