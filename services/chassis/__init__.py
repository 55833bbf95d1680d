"""What every service stands on: envelope, journal, stage, timers, parked, topics, sealing, telemetry."""
