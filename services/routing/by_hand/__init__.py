"""The manual channel: one-time links, print packs and recorded calls, for whoever is on no network (practice 23)."""
