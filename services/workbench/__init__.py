"""Not a service: command line, scenarios, replay, demo, local servers and supervisor."""
