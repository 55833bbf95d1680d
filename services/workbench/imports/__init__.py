"""Importing the files agencies have: statutory returns and exports, read within bounds, sent through the one door."""
