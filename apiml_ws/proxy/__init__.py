"""The sessions' two ends: handshakes, legs, relays, TLS."""
