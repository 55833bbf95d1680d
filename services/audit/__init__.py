"""The ledger: every record of history in one tree that an outsider can verify."""
