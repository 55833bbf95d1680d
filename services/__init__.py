"""The services of concern-relay; they meet only in ``proto/`` and on topics."""
