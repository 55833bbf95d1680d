"""May this be shared, on which lawful basis, with whom: law as dated data."""
