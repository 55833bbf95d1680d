"""CSV exports and the mapping file that says what their columns mean: police notifications, school exports."""
