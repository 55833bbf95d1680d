"""Webhooks: thin, signed messages that say "something is there for you", by the Standard Webhooks specification."""
