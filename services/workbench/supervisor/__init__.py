"""Child processes: started, watched, restarted, and ended with whoever started them."""
