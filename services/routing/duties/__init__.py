"""What an agency has to do by a time beside acknowledging: as rows, as answers, and said to be done over HTTP."""
